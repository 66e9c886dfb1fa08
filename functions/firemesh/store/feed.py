"""The consumer's side of a watch, the same for every store: the latest snapshot wins."""

import asyncio
from collections.abc import Callable
from typing import Self

from firemesh.errors import MeshError
from firemesh.store.base import WatchSnapshot


class SnapshotFeed:
    """A `Watch` into which a store puts snapshots. It holds at most one, so a slow consumer costs no memory.

    `heard_at` and `on_close` are the store's: when the server last confirmed the target, and what to do at close.
    """

    def __init__(self, *, heard_at: Callable[[], float], on_close: Callable[["SnapshotFeed"], None]) -> None:
        self._heard_at = heard_at
        self._on_close = on_close
        self._latest: WatchSnapshot | None = None
        self._read_time = 0
        self._error: MeshError | None = None
        self._closed = False
        self._changed = asyncio.Event()

    @property
    def heard_at(self) -> float:
        """See `Watch`."""
        return self._heard_at()

    def offer(self, snapshot: WatchSnapshot) -> None:
        """Put a snapshot in the place of the one not yet taken. One older than the last is left out."""
        if snapshot.read_time < self._read_time:
            return
        self._read_time = snapshot.read_time
        self._latest = snapshot
        self._changed.set()

    def fail(self, error: MeshError) -> None:
        """End the iteration with an error, after the snapshot that waits."""
        self._error = error
        self._changed.set()

    async def close(self) -> None:
        """See `Watch`."""
        if not self._closed:
            self._closed = True
            self._changed.set()
            self._on_close(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WatchSnapshot:
        while not self._closed:
            if self._latest is not None:
                snapshot, self._latest = self._latest, None
                return snapshot
            if self._error is not None:
                raise self._error
            self._changed.clear()
            await self._changed.wait()
        raise StopAsyncIteration
