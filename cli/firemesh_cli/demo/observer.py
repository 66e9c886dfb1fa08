"""Watches the mesh from outside, past the billing meter, and remembers what the report needs."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from firemesh.core.invariants import Checker
from firemesh.core.messages import Entry, Head
from firemesh.runtime.store_clock import StoreClock
from firemesh.runtime.watch_supervisor import supervised
from firemesh.store.mesh_store import MeshStore, parse_beat

NOTES_MAX = 200


class Observer:
    """What the stored documents show, as they change. `changed` is set whenever something did."""

    def __init__(self, mesh: MeshStore, checker: Checker[Any]) -> None:
        self.head = Head()
        self.public: Mapping[str, Any] = {}
        self.public_seconds = 0.0
        """When the public view was seen to change last, in seconds since the observer began."""
        self.health: Mapping[str, str] = {}
        self.beat_times_ns: dict[str, int] = {}
        self.notes: list[tuple[float, str]] = []
        self.clock = StoreClock()
        self.changed = asyncio.Event()
        self.term_seen: dict[int, float] = {}
        """When each term was first seen, on the monotonic clock."""
        self.command_seen: dict[int, float] = {}
        """When the first command of an agent ordered in each term was first seen."""
        self._mesh = mesh
        self._checker = checker
        self._started = time.monotonic()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the observer began."""
        return time.monotonic() - self._started

    @property
    def phase(self) -> str:
        """The phase of the game; empty before it begins."""
        return str(self.public.get("phase", ""))

    def beat_age_seconds(self, process: str) -> float | None:
        """How long ago a process has shown a sign of life, by the store's clock; None when it has not."""
        beat_ns = self.beat_times_ns.get(process)
        return None if beat_ns is None else max(0.0, self.clock.now_ms() / 1000 - beat_ns / 1e9)

    def start(self) -> None:
        """Begin to listen."""
        listeners = (self._listen_to_head(), self._listen_to_public(), self._listen_to_health(), self._listen_to_beats())
        self._tasks = [asyncio.create_task(listener) for listener in listeners]

    async def stop(self) -> None:
        """End all listening; raises what a listener found wrong."""
        for task in self._tasks:
            task.cancel()
        for result in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    def note(self, text: str) -> None:
        """Remember something worth a line."""
        self.notes = [*self.notes, (self.elapsed_seconds, text)][-NOTES_MAX:]
        self.changed.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until `holds()`; it is asked whenever something has changed."""
        while not holds():
            self.changed.clear()
            await self.changed.wait()

    async def _listen_to_head(self) -> None:
        async for snapshot in supervised(self._mesh.watch_head):
            self.clock.note(snapshot.read_time)
            for document in snapshot.documents.values():
                head = self._mesh.parse_head(document)
                self._checker.see_head(head, document.update_time)
                self._take_head(head)

    def _take_head(self, head: Head) -> None:
        if head.term != self.head.term:
            self.term_seen.setdefault(head.term, time.monotonic())
            self.note(f"{head.leader} leads term {head.term}")
        for entry in head.tail:
            if _orders_an_agents_command(entry):
                self.command_seen.setdefault(entry.term, time.monotonic())
        self.head = head
        self.changed.set()

    async def _listen_to_public(self) -> None:
        async for snapshot in supervised(lambda: self._mesh.watch_document("views/public")):
            for document in snapshot.documents.values():
                self._checker.see_view("views/public", document.fields["applied_index"])
                self.public, self.public_seconds = document.fields["view"], self.elapsed_seconds
                self.changed.set()

    async def _listen_to_health(self) -> None:
        async for snapshot in supervised(lambda: self._mesh.watch_document("views/health")):
            for document in snapshot.documents.values():
                self.health = document.fields["processes"]
                self.changed.set()

    async def _listen_to_beats(self) -> None:
        async for snapshot in supervised(self._mesh.watch_liveness):
            for document in snapshot.documents.values():
                if (beat := parse_beat(document)) is not None:
                    self.beat_times_ns[beat.process] = document.update_time


def _orders_an_agents_command(entry: Entry) -> bool:
    return any(command.agent_id and command.kind != "mesh.join" for command in entry.batch)
