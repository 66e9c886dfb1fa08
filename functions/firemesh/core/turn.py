"""One turn of a manager: its state, what it may not forget during a step, and the effects it asks for.

`ManagerState` is a frozen value: the explorer hashes it, the simulation prints it. `Turn` collects what one step
changes.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from firemesh.core.effects import Effect, ManagerRole, Projection, Proposal, Request
from firemesh.core.machine import Machine
from firemesh.core.messages import Command, Head
from firemesh.core.params import Params
from firemesh.core.replica import Replica

S = TypeVar("S")

UNKNOWN_HEAD = Head()


@dataclass(frozen=True, slots=True)
class Pending(Generic[S]):
    """The one commit in flight, and the replica if it lands. `resolving`: its outcome is being found out.

    `refused`: the store said so of the last copy sent; another copy may have landed.
    `settles` are the requests it ends, by key: a request of the same id that comes later is another document.
    """

    proposal: Proposal
    after: Replica[S]
    settles: frozenset[tuple[str, int]] = frozenset()
    sends: int = 1
    resolving: bool = False
    refused: bool = False


@dataclass(frozen=True, slots=True)
class ManagerState(Generic[S]):
    """All that a manager knows. `version` is the update time of `head`, in the store's nanoseconds."""

    replica: Replica[S]
    role: ManagerRole = ManagerRole.FOLLOWER
    head: Head = UNKNOWN_HEAD
    version: int = 0
    pending: Pending[S] | None = None
    commits: int = 0
    """Commits proposed so far by this incarnation; makes every nonce fresh."""
    ended: tuple[str, ...] = ()
    """Runs (incarnations) of which somebody said that they have ended, since this manager last took over."""
    target_term: int = 0
    polls: int = 0
    electing: bool = False
    """An election read or a vote is on its way."""
    fetching: bool = False
    """Entries or a snapshot are on their way."""
    waiting: tuple[Request, ...] = ()
    settled: frozenset[tuple[str, int]] = frozenset()
    """Requests whose commit has landed but which the listener may still show."""
    proposed: tuple[Command, ...] = ()
    riders: tuple[Projection, ...] = ()
    release_to: str | None = None
    pausing: bool = False
    """The pause between two commits that carry commands is running."""
    too_large_at: int = 0
    """The entry after which the state was last found too large for a snapshot; 0 for never."""
    deadline_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Identity(Generic[S]):
    """What never changes while a manager runs.

    `shared`: several runs act as this one manager, each for a moment, as activations of a function do. They share its
    terms; what keeps them apart is the precondition of each commit. Such a manager is no voter, holds no lease it would
    have to renew or give up in time, and leads only while there is no manager that votes.
    """

    me: str
    inc: str
    machine: Machine[S]
    params: Params
    shared: bool = False


@dataclass(slots=True)
class Turn(Generic[S]):
    """The working space of one step."""

    identity: Identity[S]
    state: ManagerState[S]
    at_ms: int
    effects: list[Effect] = field(default_factory=list)

    def change(self, **fields: Any) -> None:
        """Replace fields of the state."""
        self.state = replace(self.state, **fields)

    def emit(self, *effects: Effect) -> None:
        """Ask for effects, in order."""
        self.effects.extend(effects)

    @property
    def params(self) -> Params:
        """Timing and limits."""
        return self.identity.params
