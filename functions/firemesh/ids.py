"""Identifiers and how they are made. The only module that draws randomness for names."""

import secrets
from typing import Annotated

from pydantic import StringConstraints

ID_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"
PROCESS_ID_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,45}[a-z0-9])?$"
"""Longer than the others by the seven letters of `client-`: a client's process bears the name of its agent."""
INCARNATION_PATTERN = r"^[0-9a-f]{12}$"

PROGRAM_PATTERN = r"^@[1-9][0-9]?$"
"""An id that no agent can have."""

MeshId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
AgentId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
ProgramId = Annotated[str, StringConstraints(pattern=PROGRAM_PATTERN)]
ProcessId = Annotated[str, StringConstraints(pattern=PROCESS_ID_PATTERN)]
Incarnation = Annotated[str, StringConstraints(pattern=INCARNATION_PATTERN)]
KeyId = Annotated[str, StringConstraints(pattern=INCARNATION_PATTERN)]


def program_id(number: int) -> str:
    """The id of a mesh's first (1), second, ... program."""
    return f"@{number}"


def is_program(agent_id: str) -> bool:
    """Whether this is the id of a program, and of no agent."""
    return agent_id.startswith("@")


GAME_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Those that nobody takes for another, read out or written down."""


def new_game_id() -> str:
    """A mesh id that people can tell each other: six letters, one of 900 million."""
    return "".join(secrets.choice(GAME_LETTERS) for _ in range(6))


def new_seed() -> int:
    """A seed for a game, which fits the integers that JSON has everywhere."""
    return secrets.randbelow(2**53)


def new_incarnation() -> str:
    """A fresh identity for one run of a process: 12 hexadecimal digits."""
    return secrets.token_hex(6)
