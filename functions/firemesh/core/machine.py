"""What a replicated machine must offer to be run by a mesh.

A machine is pure and deterministic: no clock, no randomness beyond what its state carries, no I/O. `apply` is total: it
never raises for any command; a command that is not allowed is returned as rejected. A machine lives outside this
package and satisfies this protocol by shape.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from firemesh.core.messages import Command

S = TypeVar("S")

PUBLIC_AUDIENCE = "public"


def agent_audience(agent_id: str) -> str:
    """The audience of exactly one agent."""
    return f"agent_{agent_id}"


@dataclass(frozen=True, slots=True)
class Transition(Generic[S]):
    """What applying one command gave: the next state, and the reason when the command was refused.

    A refused command leaves the state as it was. `reason` is a short upper-case word such as WRONG_PHASE.
    """

    state: S
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Move:
    """What a program wants to do: a command under its id, due at a store time in milliseconds."""

    program: str
    kind: str
    body: Mapping[str, Any]
    due_ms: int


class Machine(Protocol[S]):
    """A deterministic application replicated by a mesh."""

    name: str

    def initial(self, setup: Mapping[str, Any]) -> S:
        """The state before the first command. Raises InvalidMessage when the setup makes no sense."""
        ...

    def apply(self, state: S, command: Command, at_ms: int) -> Transition[S]:
        """Apply one ordered command at store time `at_ms` (milliseconds). Total: never raises, for any payload.

        The mesh itself sends three kinds with `agent_id == ""`: `mesh.deadline` {deadline_ms} when the armed deadline
        has passed, `mesh.member_dead` {agent} and `mesh.member_left` {agent}.
        """
        ...

    def views(self, state: S) -> Mapping[str, Mapping[str, Any]]:
        """One JSON object per audience (`public`, `spectator`, `agent_{id}`): exactly what that audience may see."""
        ...

    def hidden_views(self, state: S) -> Mapping[str, Mapping[str, Any]]:
        """By the id of each program, what it alone may see. Nobody listens to these, so they are never stored."""
        ...

    def deadline_ms(self, state: S) -> int | None:
        """The store time at which the mesh must send `mesh.deadline`; None when nothing is due."""
        ...

    def moves(self, state: S) -> Sequence[Move]:
        """What the programs of this state want to do, 64 moves at the most; none if it has no such seats. See `core.programs`.

        Each decides from what its own audience may see. A move that was made is wanted no more. Only a leader asks, never
        who applies the log: how programs decide may change from one version of them to the next.
        """
        ...

    def encode(self, state: S) -> Mapping[str, Any]:
        """The whole state as a JSON object. Equal states encode equally."""
        ...

    def decode(self, data: Mapping[str, Any]) -> S:
        """The inverse of `encode`."""
        ...
