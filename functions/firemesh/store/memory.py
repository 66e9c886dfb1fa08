"""An in-memory Firestore with many clients and chosen faults: a verified fake, held to the real one's contract suite.

One `MemoryStore` is the database; `client(name)` gives each process its own view, with its own faults. Time comes from
`now_ns` and waiting from the running loop, so a virtual-time loop drives it as well as a real one. With a latency an
operation takes effect half-way: a caller that gives up, or is cancelled, does not take back what it has sent.
"""

import asyncio
import contextvars
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from firemesh.errors import CommitAborted, InvalidMessage, OutcomeUnknown, PreconditionFailed, StoreUnavailable
from firemesh.store.base import (
    CALL_SECONDS,
    CollectionTarget,
    CommitResult,
    Create,
    Delete,
    Document,
    DocumentTarget,
    Put,
    ReadResult,
    Target,
    WatchSnapshot,
    Write,
)
from firemesh.store.documents import check_list, check_read_paths, check_target, check_writes, kind_of, split_path
from firemesh.store.feed import SnapshotFeed

Operation = Literal["commit", "get", "list", "watch"]
Billed = Literal["reads", "writes", "deletes", "failed_writes"]

MICROSECOND_NS = 1_000
KEEPALIVE_SECONDS = 30.0
"""How often a healthy listener hears from the server when nothing changes."""

_TIME = "__time__"
_STORE_CONTEXT = contextvars.Context()
"""What the store does later belongs to no caller: it goes on when the caller is stopped or gone."""


@dataclass(frozen=True, slots=True)
class CommitFate:
    """What becomes of one commit: whether and how late it lands, and whether the caller learns of it.

    `lands_after` is in seconds after it reaches the store, None for never; `again_after` makes it arrive a second time.
    An unacknowledged commit ends in OutcomeUnknown, an aborted one in CommitAborted.
    """

    lands_after: float | None = 0.0
    acknowledged: bool = True
    again_after: float | None = None
    aborted: bool = False


LANDS = CommitFate()
LOST = CommitFate(lands_after=None, acknowledged=False)
ACK_LOST = CommitFate(acknowledged=False)
ABORTED = CommitFate(lands_after=None, acknowledged=False, aborted=True)


def late(seconds: float) -> CommitFate:
    """OutcomeUnknown now; lands `seconds` later if its preconditions still hold then."""
    return CommitFate(lands_after=seconds, acknowledged=False)


def duplicated(seconds: float) -> CommitFate:
    """Lands and is acknowledged, and arrives once more `seconds` later."""
    return CommitFate(again_after=seconds)


def _no_latency(operation: Operation) -> float:
    return 0.0


def _lands(writes: Sequence[Write]) -> CommitFate:
    return LANDS


@dataclass(slots=True)
class Faults:
    """What goes wrong for one client. Consulted at each operation; may be changed at any time.

    `latency_seconds` is the round trip of one operation (for `watch`: from commit to snapshot). An operation whose
    latency exceeds its timeout has no answer.
    """

    latency_seconds: Callable[[Operation], float] = _no_latency
    commit_fate: Callable[[Sequence[Write]], CommitFate] = _lands


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """One commit that landed, as told to `on_commit`."""

    commit_time: int
    client: str
    writes: tuple[Write, ...]


@dataclass(frozen=True, slots=True)
class _Version:
    text: str
    update_time: int


class MemoryStore:
    """The database that all clients share. `counts[(client, kind, billed)]` counts what Firestore would bill."""

    def __init__(
        self, now_ns: Callable[[], int] = time.time_ns, *, on_commit: Callable[[CommitRecord], None] | None = None
    ) -> None:
        self.counts: Counter[tuple[str, str, Billed]] = Counter()
        self._now_ns = now_ns
        self._on_commit = on_commit
        self._last_time = 0
        self._collections: dict[str, dict[str, _Version]] = {}
        self._watches: dict[SnapshotFeed, _Listening] = {}

    def client(self, name: str, faults: Faults | None = None) -> "MemoryClient":
        """A process's view of the database."""
        return MemoryClient(self, name, faults or Faults())

    def documents(self) -> Mapping[str, Document]:
        """Everything stored, now, unbilled: for checkers, not for agents."""
        return {
            f"{collection}/{name}": _document(f"{collection}/{name}", version)
            for collection, versions in self._collections.items()
            for name, version in versions.items()
        }

    def apply(self, client: str, writes: Sequence[Write]) -> CommitResult:
        """Land a commit, now. Raises PreconditionFailed, and then nothing has changed."""
        try:
            for write in writes:
                self._check_precondition(write)
        except PreconditionFailed:
            self.bill(client, "failed_writes", (write.path for write in writes))
            raise
        self._last_time = max(self._now(), self._last_time + MICROSECOND_NS)
        commit_time = self._last_time
        changed = {write.path for write in writes if self._write(write, commit_time)}
        update_times = tuple(self._update_time(write.path) or commit_time for write in writes)
        for write in writes:
            self.bill(client, "deletes" if isinstance(write, Delete) else "writes", [write.path])
        if self._on_commit is not None:
            self._on_commit(CommitRecord(commit_time, client, tuple(writes)))
        for listening in list(self._watches.values()):
            listening.notice(changed)
        return CommitResult(commit_time, update_times)

    def read(self, client: str, paths: Sequence[str]) -> ReadResult:
        """A strong read, now; one billed read per path, found or not."""
        self.bill(client, "reads", paths)
        found = ((path, self._version(path)) for path in dict.fromkeys(paths))
        return ReadResult(self.read_time(), {path: _document(path, v) for path, v in found if v is not None})

    def scan(self, collection: str, start_at: str, limit: int) -> Mapping[str, Document]:
        """The direct children of a collection in id order, unbilled."""
        versions = self._collections.get(collection, {})
        names = sorted((name for name in versions if name >= start_at), key=str.encode)[:limit]
        return {f"{collection}/{name}": _document(f"{collection}/{name}", versions[name]) for name in names}

    def matching(self, target: Target) -> Mapping[str, Document]:
        """What a listener's target matches, now, unbilled."""
        if isinstance(target, CollectionTarget):
            return self.scan(target.path, "", target.limit)
        version = self._version(target.path)
        return {} if version is None else {target.path: _document(target.path, version)}

    def read_time(self) -> int:
        """A time not before any commit, and before every later one."""
        self._last_time = max(self._now(), self._last_time)
        return self._last_time

    def bill(self, client: str, what: Billed, paths: Iterable[str]) -> None:
        """Count one operation for each path."""
        for path in paths:
            self.counts[(client, kind_of(path), what)] += 1

    def attach(self, watch: SnapshotFeed, listening: "_Listening") -> None:
        """Tell a listener of every later commit."""
        self._watches[watch] = listening

    def detach(self, watch: SnapshotFeed) -> None:
        """Tell it no more."""
        self._watches.pop(watch, None)

    def _now(self) -> int:
        return self._now_ns() // MICROSECOND_NS * MICROSECOND_NS

    def _version(self, path: str) -> _Version | None:
        collection, name = split_path(path)
        return self._collections.get(collection, {}).get(name)

    def _update_time(self, path: str) -> int | None:
        version = self._version(path)
        return None if version is None else version.update_time

    def _check_precondition(self, write: Write) -> None:
        present = self._update_time(write.path)
        if isinstance(write, Create) and present is not None:
            raise PreconditionFailed(f"{write.path} exists")
        if not isinstance(write, Create) and write.if_update_time is not None and write.if_update_time != present:
            raise PreconditionFailed(f"{write.path} has update time {present}, not {write.if_update_time}")

    def _write(self, write: Write, commit_time: int) -> bool:
        """Store one write; False when it changes nothing."""
        collection, name = split_path(write.path)
        versions = self._collections.setdefault(collection, {})
        if isinstance(write, Delete):
            return versions.pop(name, None) is not None
        text = _canonical(_stamped(write, commit_time))
        if name in versions and versions[name].text == text:
            return False
        versions[name] = _Version(text, commit_time)
        return True


class MemoryClient:
    """One process's `Store` on a shared `MemoryStore`, with its faults.

    `faults` bends single operations. `disconnect` and `reconnect` cut the client off and bring it back;
    `silence_watches` and `end_watches` hurt the listeners open at that moment.
    """

    def __init__(self, memory: MemoryStore, name: str, faults: Faults) -> None:
        self.name = name
        self.faults = faults
        self._memory = memory
        self._connected = True
        self._closed = False
        self._listening: dict[SnapshotFeed, _Listening] = {}

    @property
    def connected(self) -> bool:
        """Whether the client reaches the store."""
        return self._connected

    async def commit(self, writes: Sequence[Write], *, timeout_seconds: float = CALL_SECONDS) -> CommitResult:
        """See `Store`."""
        self._require_open()
        check_writes(writes)
        sent = _frozen(writes)
        fate = self.faults.commit_fate(sent) if self._connected else LOST
        leg_seconds = self.faults.latency_seconds("commit") / 2
        landing = self._send(sent, fate, leg_seconds)
        try:
            async with asyncio.timeout(timeout_seconds):
                await asyncio.sleep(leg_seconds)
                outcome = await landing if fate.acknowledged else None
                await asyncio.sleep(leg_seconds)
        except TimeoutError:
            outcome = None
        if fate.aborted:
            raise CommitAborted("too much contention on these documents")
        if outcome is None:
            raise OutcomeUnknown("the commit got no answer")
        if isinstance(outcome, PreconditionFailed):
            raise outcome
        return outcome

    async def get_all(self, paths: Sequence[str], *, timeout_seconds: float = CALL_SECONDS) -> ReadResult:
        """See `Store`."""
        self._require_open()
        check_read_paths(paths)
        return await self._answer("get", lambda: self._memory.read(self.name, paths), timeout_seconds)

    async def list_documents(
        self, collection: str, *, start_at: str = "", limit: int = 300, timeout_seconds: float = CALL_SECONDS
    ) -> ReadResult:
        """See `Store`."""
        self._require_open()
        check_list(collection, start_at, limit)

        def read() -> ReadResult:
            documents = self._memory.scan(collection, start_at, limit)
            self._memory.bill(self.name, "reads", documents or [f"{collection}/-"])
            return ReadResult(self._memory.read_time(), documents)

        return await self._answer("list", read, timeout_seconds)

    def watch(self, target: Target) -> SnapshotFeed:
        """See `Store`."""
        listening = _Listening(self, self._memory, target)
        if self._closed:
            listening.feed.fail(StoreUnavailable("the store is closed"))
            return listening.feed
        try:
            check_target(target)
        except InvalidMessage as error:
            listening.feed.fail(error)
            return listening.feed
        self._listening[listening.feed] = listening
        self._memory.attach(listening.feed, listening)
        listening.refresh()
        return listening.feed

    async def close(self) -> None:
        """See `Store`."""
        self._closed = True
        for watch in list(self._listening):
            await watch.close()

    def disconnect(self) -> None:
        """From now on commits are lost, reads are unavailable and listeners hear nothing."""
        for listening in self._listening.values():
            listening.mute()
        self._connected = False

    def reconnect(self) -> None:
        """The store answers again; the listeners hear what they have missed."""
        self._connected = True
        for listening in self._listening.values():
            listening.unmute()
            listening.refresh()

    def silence_watches(self) -> None:
        """The listeners open now hear nothing for ever, and do not know it."""
        for watch, listening in self._listening.items():
            listening.mute()
            self._memory.detach(watch)
        self._listening.clear()

    def end_watches(self) -> None:
        """The listeners open now end with StoreUnavailable."""
        for watch in list(self._listening):
            self.forget(watch)
            watch.fail(StoreUnavailable("the listener was cut off"))

    def forget(self, watch: SnapshotFeed) -> None:
        """Stop telling a watch anything."""
        self._memory.detach(watch)
        self._listening.pop(watch, None)

    def _require_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")

    def _send(
        self, writes: Sequence[Write], fate: CommitFate, leg_seconds: float
    ) -> "asyncio.Future[CommitResult | PreconditionFailed]":
        """Let the commit land in its own time, whatever becomes of the caller."""
        loop = asyncio.get_running_loop()
        landing: asyncio.Future[CommitResult | PreconditionFailed] = loop.create_future()

        def land() -> None:
            try:
                outcome: CommitResult | PreconditionFailed = self._memory.apply(self.name, writes)
            except PreconditionFailed as error:
                outcome = error
            if not landing.done():
                landing.set_result(outcome)

        arrivals = (fate.lands_after, fate.again_after)
        for after in (leg_seconds + seconds for seconds in arrivals if seconds is not None):
            if after > 0:
                loop.call_later(after, land, context=_STORE_CONTEXT)
            else:
                land()
        return landing

    async def _answer(self, operation: Operation, read: Callable[[], ReadResult], timeout_seconds: float) -> ReadResult:
        leg_seconds = self.faults.latency_seconds(operation) / 2
        try:
            async with asyncio.timeout(timeout_seconds):
                await asyncio.sleep(leg_seconds)
                if not self._connected:
                    raise StoreUnavailable("the client is cut off")
                result = read()
                await asyncio.sleep(leg_seconds)
                return result
        except TimeoutError:
            raise StoreUnavailable("the read got no answer") from None


class _Listening:
    """The store's side of one watch: notices commits and delivers snapshots after the client's latency."""

    def __init__(self, client: MemoryClient, memory: MemoryStore, target: Target) -> None:
        self.feed = SnapshotFeed(heard_at=self._heard_at, on_close=client.forget)
        self._client = client
        self._memory = memory
        self._target = target
        self._loop = asyncio.get_running_loop()
        self._confirmed_at = self._loop.time()
        self._muted = not client.connected
        self._read_time = 0
        self._seen: dict[str, int] | None = None

    def notice(self, changed: set[str]) -> None:
        """A commit changed these documents."""
        if isinstance(self._target, DocumentTarget):
            affected = self._target.path in changed
        else:
            affected = any(split_path(path)[0] == self._target.path for path in changed)
        if affected:
            self.refresh()

    def refresh(self) -> None:
        """Send the present state on its way to the client."""
        if self._muted:
            return
        snapshot = WatchSnapshot(self._memory.read_time(), self._memory.matching(self._target))
        latency_seconds = self._client.faults.latency_seconds("watch")
        self._loop.call_later(latency_seconds, self._deliver, snapshot, context=_STORE_CONTEXT)

    def mute(self) -> None:
        """Hear nothing from now on."""
        self._confirmed_at = self._heard_at()
        self._muted = True

    def unmute(self) -> None:
        """Hear again."""
        self._muted = False

    def _deliver(self, snapshot: WatchSnapshot) -> None:
        if self._muted or snapshot.read_time < self._read_time:
            return
        self._confirmed_at, self._read_time = self._loop.time(), snapshot.read_time
        seen = {path: document.update_time for path, document in snapshot.documents.items()}
        if seen != self._seen:
            self._bill(seen)
            self._seen = seen
            self.feed.offer(snapshot)

    def _bill(self, seen: Mapping[str, int]) -> None:
        before = self._seen or {}
        paths = [path for path, update_time in seen.items() if before.get(path) != update_time]
        if self._seen is None and not paths:
            one = isinstance(self._target, DocumentTarget)
            paths = [self._target.path if one else f"{self._target.path}/-"]
        self._memory.bill(self._client.name, "reads", paths)

    def _heard_at(self) -> float:
        if self._muted:
            return self._confirmed_at
        quiet_seconds = self._loop.time() - self._confirmed_at
        return self._confirmed_at + quiet_seconds // KEEPALIVE_SECONDS * KEEPALIVE_SECONDS


def _canonical(fields: Mapping[str, Any]) -> str:
    """Text that is equal exactly when Firestore holds two documents equal (1 and 1.0 and True are three values)."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> dict[str, Any]:
    """What JSON lacks: a point in time, under a name that no field may have, and a mapping that is no dict."""
    return {_TIME: value.astimezone(UTC).isoformat()} if isinstance(value, datetime) else dict(value)


def _fields(text: str) -> dict[str, Any]:
    """The inverse of `_canonical`."""
    fields: dict[str, Any] = json.loads(text, object_hook=_timed if _TIME in text else None)
    return fields


def _timed(found: dict[str, Any]) -> Any:
    return datetime.fromisoformat(found[_TIME]) if _TIME in found else found


def _document(path: str, version: _Version) -> Document:
    return Document(path, _fields(version.text), version.update_time)


def _stamped(write: Create | Put, commit_time: int) -> Mapping[str, Any]:
    at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=commit_time // 1_000_000)
    return {**write.fields, write.stamp: at} if write.stamp else write.fields


def _frozen(writes: Sequence[Write]) -> tuple[Write, ...]:
    """The writes as they are now: a commit on its way does not follow its caller's later changes."""
    return tuple(write if isinstance(write, Delete) else _copied(write) for write in writes)


def _copied(write: Create | Put) -> Write:
    return replace(write, fields=_fields(_canonical(write.fields)))
