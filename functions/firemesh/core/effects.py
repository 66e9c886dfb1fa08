"""What happens to a manager (events) and what it wants done (effects), as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from firemesh.core.messages import Command, Entry, Head, Snapshot, Vote


class Timer(StrEnum):
    """The timers a manager arms; each name has at most one running timer."""

    CAMPAIGN = "campaign"
    """A follower's patience with a silent head, and a candidate's pause between two looks."""
    RENEW = "renew"
    LEASE = "lease"
    """The end of the leader's own belief in its lease."""
    APPEND = "append"
    """The end of the pause between two commits that carry commands."""
    RETRY = "retry"
    """A failed read is tried again."""


class ManagerRole(StrEnum):
    """What a manager is in the current term, as far as it knows."""

    FOLLOWER = "follower"
    CANDIDATE = "candidate"
    LEADER = "leader"


class ProposalKind(StrEnum):
    """Why a commit is made."""

    RENEW = "renew"
    APPEND = "append"
    TAKEOVER = "takeover"
    RELEASE = "release"
    SNAPSHOT = "snapshot"
    COMPACT = "compact"


# --- what a commit is made of ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """One inbox document: a command, or why it is none. `received` is the store time of its creation in nanoseconds."""

    id: str
    received: int
    command: Command | None
    problem: str = ""
    sent: str = ""
    """What was sent, as text, when it is no command."""

    @property
    def key(self) -> tuple[str, int]:
        """What tells this document from a later one of the same id (a command sent again)."""
        return (self.id, self.received)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request the mesh will not order, kept for its sender with the reason and the text that was sent."""

    request_id: str
    reason: str
    detail: str = ""
    sent: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """A document below the mesh that follows from the replicated state, such as `views/public`. None deletes it."""

    path: str
    fields: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """One atomic conditional commit: it lands only on the head version it was built on, and at most once."""

    kind: ProposalKind
    base_version: int
    head: Head
    entry: Entry | None = None
    projections: tuple[Projection, ...] = ()
    requests_done: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    snapshot: Snapshot | None = None
    snapshot_dropped: int = 0
    entries_dropped: tuple[int, int] | None = None

    @property
    def nonce(self) -> str:
        """What identifies this commit in the store."""
        return self.head.nonce


# --- effects --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Commit:
    """Send the proposal once and report how it went."""

    proposal: Proposal


@dataclass(frozen=True, slots=True)
class CastVote:
    """Create the vote document; that it exists already is as good."""

    vote: Vote


@dataclass(frozen=True, slots=True)
class ReadHead:
    """Read the head strongly."""


@dataclass(frozen=True, slots=True)
class ReadElection:
    """Read the head and the votes of one term, in one consistent strong read."""

    term: int
    voters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReadEntries:
    """Read log entries `first` to `last`, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ReadSnapshot:
    """Read the snapshot at an index."""

    index: int


@dataclass(frozen=True, slots=True)
class Arm:
    """Start a timer anew: it runs out after `after_ms` plus a random share of `jitter_ms`."""

    timer: Timer
    after_ms: int
    jitter_ms: int = 0


@dataclass(frozen=True, slots=True)
class Disarm:
    """Forget a timer."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class ArmDeadline:
    """Set the one alarm on the store's clock (milliseconds), or clear it."""

    deadline_ms: int | None


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """The manager now leads, follows or campaigns in `term`."""

    role: ManagerRole
    term: int


Effect = Commit | CastVote | ReadHead | ReadElection | ReadEntries | ReadSnapshot | Arm | Disarm | ArmDeadline | RoleChanged


# --- events ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HeadSeen:
    """The listener (or the slow poll behind it) showed the head. `version` is its update time in nanoseconds."""

    head: Head
    version: int


@dataclass(frozen=True, slots=True)
class HeadRead:
    """Answer to ReadHead. `elapsed_ms` is the local time since the commit in flight, if any, was first sent."""

    head: Head
    version: int
    elapsed_ms: int = 0


@dataclass(frozen=True, slots=True)
class ElectionRead:
    """Answer to ReadElection; `read_time` is the store's clock at the read, in nanoseconds."""

    term: int
    head: Head
    version: int
    read_time: int
    votes: tuple[Vote, ...]


@dataclass(frozen=True, slots=True)
class EntriesRead:
    """Answer to ReadEntries: those found, in order."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class SnapshotRead:
    """Answer to ReadSnapshot; None when it is gone."""

    snapshot: Snapshot | None


@dataclass(frozen=True, slots=True)
class ReadFailed:
    """A read got no answer."""

    effect: ReadHead | ReadElection | ReadEntries | ReadSnapshot


@dataclass(frozen=True, slots=True)
class Committed:
    """The commit landed. `elapsed_ms` is the local time since it was sent."""

    nonce: str
    version: int
    elapsed_ms: int = 0


@dataclass(frozen=True, slots=True)
class CommitUndecided:
    """The commit failed or got no answer: whether it landed is to be found out.

    `refused`: the store says that this copy of it found a precondition broken.
    """

    nonce: str
    refused: bool = False


@dataclass(frozen=True, slots=True)
class VoteCast:
    """The vote document of this manager for `term` exists."""

    term: int


@dataclass(frozen=True, slots=True)
class VoteFailed:
    """The vote got no answer."""

    term: int


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer ran out."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """The store's clock has reached the armed deadline."""

    deadline_ms: int


@dataclass(frozen=True, slots=True)
class RequestsSeen:
    """The inbox as listened to: all requests that wait, in any order."""

    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class Proposed:
    """The mesh itself wants a command ordered (a member is dead, say). Ignored unless this manager leads."""

    command: Command


@dataclass(frozen=True, slots=True)
class ProjectionChanged:
    """A view that is not part of the replicated state changed (health); it rides on the next commit."""

    projection: Projection


@dataclass(frozen=True, slots=True)
class ReleaseAsked:
    """Give up leadership gracefully, to a certain manager or to whoever is first."""

    transfer_to: str = ""


@dataclass(frozen=True, slots=True)
class RunEnded:
    """Somebody on the same machine has seen a process end, and with it this incarnation. It may be wrong: that costs a leader
    its term, and nothing else.
    """

    inc: str


Event = (
    HeadSeen
    | HeadRead
    | ElectionRead
    | EntriesRead
    | SnapshotRead
    | ReadFailed
    | Committed
    | CommitUndecided
    | VoteCast
    | VoteFailed
    | TimerFired
    | DeadlinePassed
    | RequestsSeen
    | Proposed
    | ProjectionChanged
    | ReleaseAsked
    | RunEnded
)
