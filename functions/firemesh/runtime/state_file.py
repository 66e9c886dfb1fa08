"""What an agent keeps on disk, so that a restarted process takes up where it was.

One small file per agent, written whole: first beside it, then renamed over it, so a crash leaves the old one or the new one.
A checksum tells a damaged file; a damaged file is set aside and said, never trusted and never deleted. An advisory lock
keeps two processes of one machine from running the same agent out of the same folder.
"""

import hashlib
import json
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from firemesh.errors import AgentIdInUse, StateFileMismatch

if sys.platform != "win32":
    import fcntl

log = logging.getLogger(__name__)

FORMAT = 1
SET_ASIDE_MAX = 20
"""Damaged files kept per agent; with more, the oldest is written over."""


@dataclass(frozen=True, slots=True)
class AgentMemory:
    """What outlives the process: the agent's versioned state and its behaviour's memory (JSON objects).

    `incarnations` are the agent's own: the one whose join was confirmed last, and later ones that may have joined.
    """

    incarnations: tuple[str, ...] = ()
    state_version: int = 0
    state: Mapping[str, Any] = field(default_factory=dict)
    behaviour: Mapping[str, Any] = field(default_factory=dict)


class StateFile:
    """The file of one agent of one mesh."""

    def __init__(self, folder: Path, mesh_id: str, agent_id: str) -> None:
        self.path = folder / f"{agent_id}.json"
        self._mesh_id = mesh_id
        self._agent_id = agent_id

    def load(self) -> AgentMemory | None:
        """What was saved last; None when there is nothing usable (a damaged file is set aside and logged).

        Raises:
            StateFileMismatch: the file is sound but belongs to another mesh or agent. Point to the right folder.
        """
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            self._set_aside(str(error))
            return None
        body = _sound_body(text)
        if body is None:
            self._set_aside("the checksum does not match")
            return None
        owner = (body.get("mesh"), body.get("agent"))
        if owner != (self._mesh_id, self._agent_id):
            raise StateFileMismatch(
                f"{self.path} holds the state of agent {owner[1]!r} of mesh {owner[0]!r}, "
                f"not of {self._agent_id!r} of {self._mesh_id!r}; choose another --state-folder"
            )
        return AgentMemory(tuple(body["incarnations"]), body["state_version"], body["state"], body["behaviour"])

    def lock(self) -> "FolderLock":
        """Claim the agent's place in this folder for as long as the agent lives.

        Raises:
            AgentIdInUse: another process on this machine runs the agent out of this folder. Stop it first.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return FolderLock(self.path.with_suffix(".lock"), self._agent_id)

    def save(self, memory: AgentMemory) -> None:
        """Replace the file atomically and wait until it is on the disk."""
        body = {
            "format": FORMAT,
            "mesh": self._mesh_id,
            "agent": self._agent_id,
            "incarnations": list(memory.incarnations),
            "state_version": memory.state_version,
            "state": dict(memory.state),
            "behaviour": dict(memory.behaviour),
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".new")
        with beside.open("w", encoding="utf-8") as file:
            file.write(json.dumps({"sha256": _checksum(body), "body": body}, ensure_ascii=False))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)

    def _set_aside(self, why: str) -> None:
        taken = [number for number in range(SET_ASIDE_MAX) if self._aside(number).exists()]
        number = len(taken) if len(taken) < SET_ASIDE_MAX else 0
        self.path.replace(self._aside(number))
        log.warning("state file %s is damaged (%s); kept as %s", self.path, why, self._aside(number).name)

    def _aside(self, number: int) -> Path:
        return self.path.with_suffix(f".damaged-{number}")


class FolderLock:
    """An advisory lock (flock): the kernel lets go of it when its process ends, however it ends.

    POSIX only; elsewhere it holds nobody off, and a second process takes the agent over from the first.
    """

    def __init__(self, path: Path, agent_id: str) -> None:
        self._file: IO[bytes] = path.open("ab")
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise AgentIdInUse(
                f"another process on this machine runs agent {agent_id!r} out of {path.parent}; stop it first"
            ) from error

    def release(self) -> None:
        """Let go. Idempotent."""
        self._file.close()


def _sound_body(text: str) -> dict[str, Any] | None:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or not isinstance(data.get("body"), dict):
        return None
    body: dict[str, Any] = data["body"]
    complete = {"format", "mesh", "agent", "incarnations", "state_version", "state", "behaviour"} <= body.keys()
    return body if complete and body["format"] == FORMAT and data.get("sha256") == _checksum(body) else None


def _checksum(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
