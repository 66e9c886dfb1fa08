"""The store port: the few operations on documents that Firemesh needs, and their exact meaning.

Two implementations stand beside this file: `memory.MemoryStore`, a verified fake, and `firestore.FirestoreStore`, which
alone knows the vendor's protocol. One contract suite runs against both (tests/contract).

A path is slash-separated, relative to the database root: `meshes/m1/consensus/head`. A document is a JSON object whose
values are None, bool, int, float, str, lists and objects; a list may not hold a list directly (Firestore's rule). One kind
of value JSON lacks: a point in time, as an aware datetime. It comes back in UTC, to the microsecond; Firestore needs it to
end a document's life (see `lifetimes`). Times of the store itself are integer nanoseconds since the epoch. No client clock
is involved.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Fields = Mapping[str, Any]

COMMIT_WRITES_MAX = 500
"""Writes in one commit. Firestore no longer states a limit."""

COMMIT_BYTES_MAX = 9_000_000
"""Bytes of all documents in one commit; Firestore takes 10 MiB."""

DOCUMENT_BYTES_MAX = 1_000_000
"""Bytes of one document, counted as Firestore counts; below its 1 MiB, so that the two sums need not agree exactly."""

READ_PATHS_MAX = 500
"""Paths in one `get_all`, and documents in one `list_documents` or collection listener."""

CALL_SECONDS = 10.0
"""How long a call waits for its answer when nobody is in a hurry. Who has to keep a lease says so itself."""


@dataclass(frozen=True, slots=True)
class Create:
    """Create the document; the whole commit fails with PreconditionFailed when it exists.

    `stamp` names one more field, into which the store puts the time of the commit, to the millisecond.
    """

    path: str
    fields: Fields
    stamp: str = ""


@dataclass(frozen=True, slots=True)
class Put:
    """Replace the whole document, creating it where it is missing.

    With `if_update_time`, the document must exist with exactly that update time, else the whole commit fails with
    PreconditionFailed. A Put that changes nothing keeps the document's update time (so does Firestore). `stamp` is as for
    Create.
    """

    path: str
    fields: Fields
    if_update_time: int | None = None
    stamp: str = ""


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the document; deleting what is not there succeeds.

    With `if_update_time`, the document must exist with exactly that update time, else the whole commit fails with
    PreconditionFailed.
    """

    path: str
    if_update_time: int | None = None


Write = Create | Put | Delete


@dataclass(frozen=True, slots=True)
class CommitResult:
    """An acknowledged commit: `update_times[i]` belongs to the i-th write (a Delete reports the commit time)."""

    commit_time: int
    update_times: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One stored document as of some read."""

    path: str
    fields: Fields
    update_time: int

    @property
    def id(self) -> str:
        """The last segment of the path."""
        return self.path.rsplit("/", 1)[1]


@dataclass(frozen=True, slots=True)
class ReadResult:
    """A consistent strong read: the documents found, as of `read_time`. A path asked for and absent does not exist."""

    read_time: int
    documents: Mapping[str, Document]


@dataclass(frozen=True, slots=True)
class DocumentTarget:
    """Listen to one document."""

    path: str


@dataclass(frozen=True, slots=True)
class CollectionTarget:
    """Listen to the direct children of a collection that stays small (at most `limit` documents, lowest ids first)."""

    path: str
    limit: int = 200


Target = DocumentTarget | CollectionTarget


@dataclass(frozen=True, slots=True)
class WatchSnapshot:
    """All that the target matches as of `read_time`. Snapshots may skip versions and never go back in time."""

    read_time: int
    documents: Mapping[str, Document]


class Watch(Protocol):
    """A running listener: iterate it for snapshots, close it when done.

    The first snapshot comes even when nothing matches. A slow consumer gets the latest snapshot, not every one; one
    consumer per watch. Iteration ends with StoreUnavailable when the listener cannot go on (the caller opens a new
    one), with PermissionDenied or Unauthenticated when the identity may not listen, and with InvalidMessage when the
    target makes no sense.
    A listener may also fall silent: the supervisor judges by `heard_at`. Waiting for a snapshot may be cut short; the next
    wait gets what this one would have got.
    """

    @property
    def heard_at(self) -> float:
        """The loop time (seconds) at which the server last confirmed this target, or at which the watch was opened."""
        ...

    def __aiter__(self) -> AsyncIterator[WatchSnapshot]: ...

    async def close(self) -> None:
        """Stop listening. Idempotent; a running iteration ends without an error."""
        ...


class Store(Protocol):
    """Documents with atomic conditional commits, strong reads and listeners."""

    async def commit(self, writes: Sequence[Write], *, timeout_seconds: float = CALL_SECONDS) -> CommitResult:
        """Apply all writes atomically, or none.

        Never retried inside. At least one write; each document occurs at most once in `writes`.

        Raises:
            PreconditionFailed: nothing landed (a Create found its document, or an update time differs).
            CommitAborted: nothing landed; the store was too busy with the same documents.
            OutcomeUnknown: no answer in time; it may have landed, or land later. Read before deciding.
            InvalidMessage: it does not fit the store (nested lists, too large, too many writes); nothing landed.
            PermissionDenied: the identity may not write this; nothing landed.
            Unauthenticated: the identity's token has expired or is none; nothing landed.
        """
        ...

    async def get_all(self, paths: Sequence[str], *, timeout_seconds: float = CALL_SECONDS) -> ReadResult:
        """Read documents by path (1 to READ_PATHS_MAX) in one consistent strong read.

        The Firestore emulator alone may show a part of a commit that is still on its way; even there, who sees a Put made
        with `if_update_time` sees everything that was committed with it.

        Raises:
            InvalidMessage: no path, too many, or a malformed one.
            StoreUnavailable: no answer in time.
            PermissionDenied, Unauthenticated: the identity may not read this, or is none any more.
        """
        ...

    async def list_documents(
        self, collection: str, *, start_at: str = "", limit: int = 300, timeout_seconds: float = CALL_SECONDS
    ) -> ReadResult:
        """Read up to `limit` documents of a collection in id order, from id `start_at` (inclusive) on.

        Raises:
            InvalidMessage: a malformed path, or a limit outside 1 to READ_PATHS_MAX.
            StoreUnavailable: no answer in time.
            PermissionDenied, Unauthenticated: the identity may not read this, or is none any more.
        """
        ...

    def watch(self, target: Target) -> Watch:
        """Listen to a target. Never blocks and never raises; errors end the iteration."""
        ...

    async def close(self) -> None:
        """Close every watch and the connection. Idempotent; every later call raises StoreUnavailable."""
        ...
