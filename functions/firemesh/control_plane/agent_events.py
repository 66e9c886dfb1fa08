"""What an agent receives over REST: the documents it may see, as server-sent events, each whole and whenever it changes.

One stream has one set of listeners, which ends with it. A reader too slow for every version gets the latest. The id of an
event tells the version of each document shown so far, so who comes back with it misses nothing and sees nothing twice. A
stream ends by itself before hosting would cut it off, and at once when the agent's run or its key ends.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from firemesh.control_plane.access import Identity, Seat
from firemesh.control_plane.key_ring import parse_key_record
from firemesh.core.membership import MemberStatus
from firemesh.errors import InvalidMessage, Unauthenticated
from firemesh.runtime.watch_supervisor import supervised
from firemesh.store import paths
from firemesh.store.base import Document, DocumentTarget, Store, WatchSnapshot
from firemesh.store.lifetimes import without_end

STREAM_SECONDS_MAX = 50.0
"""Hosting ends an answer after 60 s."""
KEEP_ALIVE_SECONDS = 10.0
"""A comment this often when there is nothing to say: proxies see life, and we notice that the reader has gone."""
EVENTS_MAX = 1000
"""Events of one stream; then it ends, and the reader comes back."""
RETRY_MS = 500

NAMES = ("agent", "refused", "public", "topology", "own")
"""The events that show documents, in the order of their versions in an event id."""


@dataclass(frozen=True, slots=True)
class EventId:
    """Which version (update time, microseconds) of each document a reader has seen; 0 for none."""

    versions: tuple[int, ...] = (0,) * len(NAMES)

    @classmethod
    def parse(cls, text: str) -> "EventId":
        """The id of an event of ours; of nothing seen yet when empty. Raises InvalidMessage."""
        if not text:
            return cls()
        parts = text.split(".")
        if len(parts) != len(NAMES) or not all(part.isascii() and part.isdigit() and len(part) < 20 for part in parts):
            raise InvalidMessage("Last-Event-ID is no id of an event of this stream; leave it out to begin anew")
        return cls(tuple(int(part) for part in parts))

    @property
    def text(self) -> str:
        """The id as it is sent."""
        return ".".join(map(str, self.versions))

    def having(self, name: str, version: int) -> "EventId":
        """The id after one more document was shown."""
        place = NAMES.index(name)
        return replace(self, versions=(*self.versions[:place], version, *self.versions[place + 1 :]))


class AgentEvents:
    """One stream of one agent. Iterate `frames` once, and close it."""

    def __init__(self, store: Store, identity: Identity, after: EventId) -> None:
        self._store = store
        self._identity = identity
        self._seen = after
        self._sees_views = False
        self._latest: dict[str, Document] = {}
        self._end = ""
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def frames(self) -> AsyncGenerator[str, None]:
        """The text of the stream, piece by piece. Its last event is `end`, with the reason."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + STREAM_SECONDS_MAX
        shown = 0
        try:
            self._begin()
            yield f"retry: {RETRY_MS}\n\n"
            while shown < EVENTS_MAX and loop.time() < deadline:
                if self._latest:
                    shown += 1
                    yield self._show_one()
                elif self._end:
                    break
                elif not await self._news(min(KEEP_ALIVE_SECONDS, deadline - loop.time())):
                    yield ": nothing new\n\n"
            yield _event("end", {"reason": self._end or "time"})
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def end(self, reason: str) -> None:
        """End the stream soon, and tell its reader why. Nothing more is shown, but how the agent's own run has ended."""
        if self._end:
            return
        self._end = reason
        self._latest = {name: document for name, document in self._latest.items() if name == "agent"}
        self._changed.set()

    def _begin(self) -> None:
        who = self._identity
        join = paths.request_id(who.agent, who.inc, 1)
        self._follow(self._watch_key())
        self._follow(self._watch_row())
        self._follow(self._watch("refused", paths.refused(who.mesh, join)))
        if who.seat is Seat.OWN:
            self._begin_views()

    def _begin_views(self) -> None:
        """A member sees its views; who is not taken in yet, only what becomes of its join."""
        if self._sees_views:
            return
        self._sees_views = True
        for name, audience in (("public", "public"), ("topology", "topology"), ("own", f"agent_{self._identity.agent}")):
            self._follow(self._watch(name, paths.view(self._identity.mesh, audience)))

    async def _news(self, seconds: float) -> bool:
        """Wait until there is something to show; False when nothing came."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True

    def _show_one(self) -> str:
        name = min(self._latest, key=NAMES.index)
        document = self._latest.pop(name)
        version = _version(document)
        self._seen = self._seen.having(name, version)
        below = document.path.split("/", 2)[2]
        return _event(name, {"path": below, "version": version, "fields": without_end(document.fields)}, self._seen.text)

    async def _watch(self, name: str, path: str) -> None:
        async with aclosing(self._snapshots(path)) as snapshots:
            async for snapshot in snapshots:
                self._take(name, snapshot.documents.get(path))

    async def _watch_row(self) -> None:
        path = paths.agent(self._identity.mesh, self._identity.agent)
        async with aclosing(self._snapshots(path)) as snapshots:
            async for snapshot in snapshots:
                row = snapshot.documents.get(path)
                self._take("agent", row)
                if row is None or row.fields["inc"] != self._identity.inc:
                    continue
                if row.fields["status"] == MemberStatus.ALIVE:
                    self._begin_views()
                else:
                    self.end(str(row.fields["status"]))

    async def _watch_key(self) -> None:
        path = paths.api_key(self._identity.key_id)
        async with aclosing(self._snapshots(path)) as snapshots:
            async for snapshot in snapshots:
                try:
                    parse_key_record(snapshot.documents[path]).require_valid("", snapshot.read_time // 1_000_000)
                except (KeyError, Unauthenticated):
                    self.end("key")

    def _take(self, name: str, document: Document | None) -> None:
        if self._end or document is None:
            return
        if _version(document) > self._seen.versions[NAMES.index(name)]:
            self._latest[name] = document
            self._changed.set()

    def _snapshots(self, path: str) -> AsyncGenerator[WatchSnapshot, None]:
        return supervised(lambda: self._store.watch(DocumentTarget(path)))

    def _follow(self, work: Coroutine[Any, Any, None]) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.append(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A listener that cannot go on ends the stream: its reader comes back, and hears why."""
        if not task.cancelled() and task.exception() is not None:
            self.end("error")


def _version(document: Document) -> int:
    return document.update_time // 1000


def _event(name: str, data: Any, event_id: str = "") -> str:
    head = f"id: {event_id}\n" if event_id else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"
