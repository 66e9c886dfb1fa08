"""Watches over Listen streams, without threads: any number of targets share a stream and its task.

The SDK's own listener takes a stream and two threads each, does not back off, and can die unheard. Here each distinct
target is listened to once, however many watches share it. The stream is reopened from resume tokens after a pause that
grows and varies; an outage longer than GIVE_UP_SECONDS ends every watch with StoreUnavailable.

The emulator writes to a stream from several threads without a lock: a change made while a target is being added may be
lost, or garble the stream, which then fails or says nothing more. Therefore each target has a stream of its own there, so
that a new target disturbs no other; a stream whose target is not answered is reopened; and `confirm` is asked once, a moment
after a target is first complete: what the listener missed makes it start anew. Firestore itself needs none of this.

The server's messages build up a change per target; a TargetChange without target ids and with a read time says that all
targets together are consistent as of then, and only then do snapshots go out.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import grpc
from grpc.aio import AioRpcError

from firemesh.errors import InvalidMessage, MeshError, RequestError, StoreUnavailable
from firemesh.store.base import CollectionTarget, Document, DocumentTarget, Target, WatchSnapshot
from firemesh.store.documents import check_target, split_path
from firemesh.store.feed import SnapshotFeed
from firemesh.store.firestore.codec import decode_fields
from firemesh.store.firestore.failures import read_error, target_error
from firemesh.store.firestore.protos import ListenRequest, Message, nanoseconds

TARGETS_MAX = 500
IDLE_SECONDS = 90.0
"""A stream that says nothing for so long is taken for dead: Firestore says something every 30 s."""
ANSWER_SECONDS = 5.0
"""A target added to a living stream is answered long before; a stream that does not is reopened."""
LOOK_SECONDS = 5.0
"""So often an open stream is looked at for what it owes."""
STALE_SECONDS = 30.0
"""A watch opened on a stream unheard for so long makes it reconnect: its opener has a reason to doubt it."""
GIVE_UP_SECONDS = 60.0
BACKOFF_FIRST_SECONDS = 0.1
BACKOFF_LAST_SECONDS = 2.0

_NO_CHANGE, _ADD, _REMOVE, _CURRENT, _RESET = range(5)

CONFIRM_SECONDS = 0.25

Confirm = Callable[[Target], Awaitable[Mapping[str, Document]]]
"""Read what a target matches, strongly. Raises StoreUnavailable."""
OpenListen = Callable[[AsyncIterator[Message]], Awaitable[Any]]
"""Start the Listen call with these requests. Raises a MeshError when nobody can be named as the caller."""


@dataclass(slots=True, eq=False)
class _Listening:
    """One target on the stream: what was last published, and the change that is building up."""

    target: Target
    target_id: int
    added_at: float
    heard_at: float
    feeds: set[SnapshotFeed] = field(default_factory=set)
    documents: dict[str, Document] = field(default_factory=dict)
    published: WatchSnapshot | None = None
    resume_token: bytes = b""
    current: bool = False
    confirmed: bool = False
    reset: bool = False
    changes: dict[str, Document | None] = field(default_factory=dict)
    token: bytes = b""

    def known(self, path: str) -> Document | None:
        """The newest version heard of, published or not."""
        return self.changes[path] if path in self.changes else self.documents.get(path)

    def restart(self) -> None:
        """Forget the change that was building up: the stream it came by is gone."""
        self.current = self.reset = False
        self.changes.clear()
        self.token = b""

    def renew(self, target_id: int) -> None:
        """Listen anew from nothing, under another id."""
        self.restart()
        self.target_id, self.resume_token, self.reset = target_id, b"", True
        self.confirmed = False

    def content(self) -> dict[str, Document]:
        """What the target matches once the change is applied; a collection in id order."""
        merged: dict[str, Document | None] = {} if self.reset else dict(self.documents)
        merged.update(self.changes)
        present = {path: document for path, document in merged.items() if document is not None}
        if isinstance(self.target, CollectionTarget):
            return dict(sorted(present.items(), key=lambda item: item[1].id.encode()))
        return present

    def settle(self, read_time: int, now: float) -> None:
        """All targets are consistent as of `read_time`: publish if anything changed."""
        if not self.current:
            return
        self.heard_at = now
        self.resume_token = self.token or self.resume_token
        if self.published is not None and not self.changes and not self.reset:
            return
        content = self.content()
        self.reset = False
        self.changes.clear()
        if self.published is None or content != self.documents:
            self.documents = content
            self.published = WatchSnapshot(read_time, content)
            for feed in self.feeds:
                feed.offer(self.published)


class ListenStream:
    """The watches of one store. `opened` counts the streams opened so far."""

    def __init__(
        self,
        open_listen: OpenListen,
        database: str,
        *,
        confirm: Confirm | None = None,
        on_empty: Callable[[], None] = lambda: None,
    ) -> None:
        self.opened = 0
        self._confirm = confirm
        self._on_empty = on_empty
        self._confirming: set[asyncio.Task[None]] = set()
        self._open_listen = open_listen
        self._database = database
        self._prefix = f"{database}/documents/"
        self._listenings: dict[int, _Listening] = {}
        self._by_target: dict[Target, _Listening] = {}
        self._last_id = 0
        self._requests: asyncio.Queue[Message | None] | None = None
        self._call: Any = None
        self._opened_at = self._heard_at = 0.0
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def watch(self, target: Target) -> SnapshotFeed:
        """See `Store`."""
        now = asyncio.get_running_loop().time()
        refusal = self._refusal(target)
        if refusal is not None:
            feed = SnapshotFeed(heard_at=lambda: now, on_close=lambda _: None)
            feed.fail(refusal)
            return feed
        listening = self._by_target.get(target) or self._add(target, now)
        feed = SnapshotFeed(heard_at=lambda: max(now, listening.heard_at), on_close=lambda it: self._leave(listening, it))
        listening.feeds.add(feed)
        if listening.published is not None:
            feed.offer(listening.published)
        if self._call is not None and now - max(self._opened_at, self._heard_at) > STALE_SECONDS:
            self._call.cancel()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="firestore-listen")
        self._wanted.set()
        return feed

    async def close(self) -> None:
        """End every watch and the stream."""
        self._closed = True
        for listening in list(self._listenings.values()):
            for feed in list(listening.feeds):
                await feed.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        for task in self._confirming:
            task.cancel()

    def stop(self) -> None:
        """End the stream for good; nobody watches it any more."""
        self._closed = True
        for task in (self._task, *self._confirming):
            if task is not None:
                task.cancel()

    def _refusal(self, target: Target) -> MeshError | None:
        if self._closed:
            return StoreUnavailable("the store is closed")
        if target not in self._by_target and len(self._by_target) >= TARGETS_MAX:
            return StoreUnavailable(f"one stream carries {TARGETS_MAX} targets; close some watches")
        try:
            check_target(target)
        except InvalidMessage as error:
            return error
        return None

    def _add(self, target: Target, now: float) -> _Listening:
        listening = _Listening(target, self._next_id(), now, now)
        self._listenings[listening.target_id] = self._by_target[target] = listening
        self._request(self._add_request(listening))
        return listening

    def _leave(self, listening: _Listening, feed: SnapshotFeed) -> None:
        listening.feeds.discard(feed)
        if not listening.feeds and self._listenings.pop(listening.target_id, None) is listening:
            self._by_target.pop(listening.target, None)
            self._request(self._remove_request(listening.target_id))
            if not self._listenings:
                self._rest()

    def _rest(self) -> None:
        """Nobody listens: let the stream go until somebody does."""
        self._wanted.clear()
        if self._call is not None:
            self._call.cancel()
        self._on_empty()

    def _end(self, listening: _Listening, error: MeshError) -> None:
        self._listenings.pop(listening.target_id, None)
        self._by_target.pop(listening.target, None)
        for feed in listening.feeds:
            feed.fail(error)
        if not self._listenings:
            self._rest()

    def _end_all(self, error: MeshError) -> None:
        for listening in list(self._listenings.values()):
            self._end(listening, error)

    async def _run(self) -> None:
        """Serve the watches until cancelled. A fault of ours ends them in the open; the next watch starts afresh."""
        try:
            await self._keep_open()
        except Exception as error:
            self._end_all(StoreUnavailable(f"the listener failed: {error!r}"))
            raise

    async def _keep_open(self) -> None:
        """Keep a stream open while anybody listens."""
        loop = asyncio.get_running_loop()
        pause_seconds = BACKOFF_FIRST_SECONDS
        failing_since: float | None = None
        while True:
            await self._wanted.wait()
            self._opened_at = loop.time()
            error = await self._converse()
            if self._heard_at >= self._opened_at:
                pause_seconds, failing_since = BACKOFF_FIRST_SECONDS, None
            elif isinstance(error, RequestError):
                self._end_all(error)
            elif failing_since is None:
                failing_since = self._opened_at
            elif loop.time() - failing_since > GIVE_UP_SECONDS:
                self._end_all(error)
                failing_since = None
            await asyncio.sleep(pause_seconds * random.uniform(0.5, 1.0))
            pause_seconds = min(2 * pause_seconds, BACKOFF_LAST_SECONDS)

    async def _converse(self) -> MeshError:
        """Open one stream and serve it until it ends; the answer says why it ended."""
        requests: asyncio.Queue[Message | None] = asyncio.Queue()
        for listening in self._listenings.values():
            listening.restart()
            listening.added_at, listening.confirmed = self._opened_at, False
            requests.put_nowait(self._add_request(listening))
        try:
            call = await self._open_listen(_sent(requests))
        except MeshError as error:
            return error
        self.opened += 1
        self._requests, self._call = requests, call
        looking = asyncio.create_task(self._hang_up_when_overdue(call))
        try:
            return await self._receive_all(call)
        except AioRpcError as error:
            return read_error(error)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return StoreUnavailable("the stream was given up: what the server owed did not come in time")
        finally:
            looking.cancel()
            call.cancel()
            requests.put_nowait(None)
            self._call = self._requests = None

    async def _receive_all(self, call: Any) -> MeshError:
        loop = asyncio.get_running_loop()
        while True:
            response = await call.read()
            if response is grpc.aio.EOF:
                return StoreUnavailable("the server ended the stream")
            if response is None:
                return StoreUnavailable("the stream is garbled")
            self._heard_at = loop.time()
            self._receive(response)

    async def _hang_up_when_overdue(self, call: Any) -> None:
        """Beside the reading, which a look at the clock at every message would make twice as dear."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._is_overdue(loop.time()):
                call.cancel()

    def _is_overdue(self, now: float) -> bool:
        """Whether the stream owes us for too long: any word, or the first about some target."""
        if now - max(self._heard_at, self._opened_at) > IDLE_SECONDS:
            return True
        return any(not each.current and now - each.added_at > ANSWER_SECONDS for each in self._listenings.values())

    def _receive(self, response: Message) -> None:
        kind = response.WhichOneof("response_type")
        if kind == "document_change":
            self._document_change(response.document_change)
        elif kind == "target_change":
            self._target_change(response.target_change)
        elif kind in ("document_delete", "document_remove"):
            gone = getattr(response, kind)
            self._gone(gone.document.removeprefix(self._prefix), gone.removed_target_ids)
        elif kind == "filter":
            self._filter(response.filter)

    def _document_change(self, change: Message) -> None:
        path = change.document.name.removeprefix(self._prefix)
        update_time = nanoseconds(change.document.update_time)
        document: Document | None = None
        for listening in self._named(change.target_ids):
            known = listening.known(path)
            if known is not None and known.update_time == update_time:
                listening.changes[path] = known
                continue
            document = document or Document(path, decode_fields(change.document.fields), update_time)
            listening.changes[path] = document
        if change.removed_target_ids:
            self._gone(path, change.removed_target_ids)

    def _gone(self, path: str, target_ids: Any) -> None:
        for listening in self._named(target_ids):
            listening.changes[path] = None

    def _filter(self, existence: Message) -> None:
        """The server tells how many documents match: if we hold another number, start that target from nothing."""
        for listening in self._named([existence.target_id]):
            if len(listening.content()) != existence.count:
                self._relisten(listening)

    def _relisten(self, listening: _Listening) -> None:
        self._listenings.pop(listening.target_id, None)
        self._request(self._remove_request(listening.target_id))
        listening.renew(self._next_id())
        listening.added_at = asyncio.get_running_loop().time()
        self._listenings[listening.target_id] = listening
        self._request(self._add_request(listening))

    def _target_change(self, change: Message) -> None:
        kind = change.target_change_type
        if kind == _NO_CHANGE and not change.target_ids:
            self._all_consistent(change)
            return
        for listening in self._named(change.target_ids or list(self._listenings)):
            if kind == _REMOVE:
                self._end(listening, target_error(change.cause.code, change.cause.message))
            elif kind == _RESET:
                listening.restart()
                listening.reset = True
                listening.resume_token = b""
            elif kind == _CURRENT:
                listening.current = True
            listening.token = change.resume_token or listening.token

    def _all_consistent(self, change: Message) -> None:
        """What every change ends with, when it says as of when."""
        read_time = nanoseconds(change.read_time) if change.HasField("read_time") else None
        for listening in list(self._listenings.values()):
            listening.token = change.resume_token or listening.token
            if read_time is None:
                continue
            listening.settle(read_time, self._heard_at)
            if self._confirm is not None and listening.current and not listening.confirmed:
                listening.confirmed = True
                self._confirm_soon(listening, self._confirm)

    def _confirm_soon(self, listening: _Listening, confirm: Confirm) -> None:
        task = asyncio.create_task(self._confirm_one(listening, confirm, listening.target_id))
        self._confirming.add(task)
        task.add_done_callback(self._confirming.discard)

    async def _confirm_one(self, listening: _Listening, confirm: Confirm, target_id: int) -> None:
        """Start the target anew if the store has held something for a while that the listener was never told."""
        await asyncio.sleep(CONFIRM_SECONDS)
        try:
            missed = _difference(await confirm(listening.target), listening.documents)
            if not missed:
                return
            await asyncio.sleep(CONFIRM_SECONDS)  # it may only have been on its way
            missed &= _difference(await confirm(listening.target), listening.documents)
        except MeshError:
            return  # the stream will hear of it too
        if missed and target_id in self._listenings:
            self._relisten(listening)

    def _named(self, target_ids: Any) -> list[_Listening]:
        """The targets still listened to; the server may speak of one a moment after it was removed."""
        return [self._listenings[target_id] for target_id in target_ids if target_id in self._listenings]

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _request(self, request: Message) -> None:
        if self._requests is not None:
            self._requests.put_nowait(request)

    def _remove_request(self, target_id: int) -> Message:
        return ListenRequest(database=self._database, remove_target=target_id)

    def _add_request(self, listening: _Listening) -> Message:
        request = ListenRequest(database=self._database)
        added, target = request.add_target, listening.target
        added.target_id = listening.target_id
        added.resume_token = listening.resume_token
        if isinstance(target, DocumentTarget):
            added.documents.documents.append(self._prefix + target.path)
            return request
        parent, collection = split_path(target.path)
        added.query.parent = (self._prefix + parent).rstrip("/")
        added.query.structured_query.from_.add().collection_id = collection
        added.query.structured_query.limit.value = target.limit
        return request


class ListenerPool:
    """The streams of one store: one for all targets, or (`shared=False`) one for each target."""

    def __init__(self, open_listen: OpenListen, database: str, *, shared: bool, confirm: Confirm | None) -> None:
        self._make = partial(ListenStream, open_listen, database, confirm=confirm)
        self._shared = shared
        self._streams: dict[Target | None, ListenStream] = {}
        self._opened_before = 0
        self._closed = False

    @property
    def opened(self) -> int:
        """How many streams were opened so far."""
        return self._opened_before + sum(stream.opened for stream in self._streams.values())

    def watch(self, target: Target) -> SnapshotFeed:
        """See `Store`."""
        key = None if self._shared else target
        if key not in self._streams:
            self._streams[key] = self._make(on_empty=lambda: self._drop(key))
            if self._closed:
                self._streams[key].stop()
        return self._streams[key].watch(target)

    async def close(self) -> None:
        """End every watch and every stream; a later watch ends at once."""
        self._closed = True
        await asyncio.gather(*(stream.close() for stream in list(self._streams.values())))

    def _drop(self, key: Target | None) -> None:
        if key is not None and (stream := self._streams.pop(key, None)) is not None:
            self._opened_before += stream.opened
            stream.stop()


async def _sent(requests: asyncio.Queue[Message | None]) -> AsyncIterator[Message]:
    while (request := await requests.get()) is not None:
        yield request


def _difference(stored: Mapping[str, Document], heard: Mapping[str, Document]) -> set[tuple[str, int]]:
    """The versions that are in one and not in the other."""
    return set(_versions(stored).items()) ^ set(_versions(heard).items())


def _versions(documents: Mapping[str, Document]) -> dict[str, int]:
    return {path: document.update_time for path, document in documents.items()}
