"""A listener that can be relied on, whatever becomes of the listeners under it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import pytest

from firemesh.errors import InvalidMessage, PermissionDenied, StoreUnavailable
from firemesh.runtime.watch_supervisor import BACKOFF_SECONDS, SILENT_SECONDS_MAX, supervised
from firemesh.store.base import DocumentTarget, Put, Watch, WatchSnapshot
from firemesh.store.feed import SnapshotFeed
from firemesh.store.memory import MemoryStore
from tests.support.meshes import in_virtual_time, store_now_ns

PATH = "meshes/m1/consensus/head"


class Desk:
    """A document that changes, and a supervised listener to it."""

    def __init__(self) -> None:
        self.memory = MemoryStore(store_now_ns)
        self.writer = self.memory.client("writer")
        self.client = self.memory.client("listener")
        self.opened: list[float] = []
        self.polled: list[float] = []

    def open(self) -> Watch:
        self.opened.append(asyncio.get_running_loop().time())
        return self.client.watch(DocumentTarget(PATH))

    async def poll(self) -> None:
        self.polled.append(asyncio.get_running_loop().time())
        await self.client.get_all([PATH])

    async def put(self, n: int) -> None:
        await self.writer.commit([Put(PATH, {"n": n})])


async def shown(snapshots: AsyncIterator[WatchSnapshot], seconds: float = 300.0) -> Any:
    """What the next snapshot shows; None when there is none in time."""
    try:
        async with asyncio.timeout(seconds):
            return (await anext(snapshots)).documents[PATH].fields["n"]
    except TimeoutError:
        return None


@in_virtual_time
async def test_snapshots_come_through_as_they_are() -> None:
    desk = Desk()
    await desk.put(1)
    async with aclosing(supervised(desk.open)) as snapshots:
        assert await shown(snapshots) == 1
        await desk.put(2)
        assert await shown(snapshots) == 2
    assert len(desk.opened) == 1


@in_virtual_time
async def test_a_listener_that_ends_is_opened_anew() -> None:
    desk = Desk()
    await desk.put(1)
    async with aclosing(supervised(desk.open)) as snapshots:
        assert await shown(snapshots) == 1
        desk.client.end_watches()
        await desk.put(2)
        assert await shown(snapshots) == 2
    assert len(desk.opened) == 2


@in_virtual_time
async def test_a_listener_that_falls_silent_is_opened_anew_after_its_time() -> None:
    desk = Desk()
    await desk.put(1)
    async with aclosing(supervised(desk.open)) as snapshots:
        assert await shown(snapshots) == 1
        desk.client.silence_watches()
        await desk.put(2)
        assert await shown(snapshots) == 2
    first, second = desk.opened
    assert SILENT_SECONDS_MAX < second - first < SILENT_SECONDS_MAX + 10


@in_virtual_time
async def test_a_quiet_but_sound_listener_is_left_alone() -> None:
    desk = Desk()
    await desk.put(1)
    async with aclosing(supervised(desk.open)) as snapshots:
        assert await shown(snapshots) == 1
        next_one = asyncio.create_task(shown(snapshots, 7200))
        await asyncio.sleep(3600)
        await desk.put(2)
        assert await next_one == 2
    assert len(desk.opened) == 1


@in_virtual_time
async def test_the_poll_is_asked_only_while_nothing_is_shown() -> None:
    desk = Desk()
    async with aclosing(supervised(desk.open, poll=desk.poll, poll_seconds=5)) as snapshots:
        await anext(snapshots)
        for n in range(20):
            next_one = asyncio.create_task(shown(snapshots))
            await asyncio.sleep(2)
            await desk.put(n)
            assert await next_one == n
        assert desk.polled == []
        await shown(snapshots, 21)
    assert len(desk.polled) == 4


@in_virtual_time
async def test_a_poll_without_an_answer_opens_the_listener_anew() -> None:
    desk = Desk()
    async with aclosing(supervised(desk.open, poll=desk.poll, poll_seconds=5)) as snapshots:
        await anext(snapshots)
        desk.client.disconnect()
        assert await shown(snapshots, 6) is None
    assert len(desk.opened) == 2


@in_virtual_time
async def test_listeners_that_end_at_once_are_opened_ever_more_rarely() -> None:
    opened: list[float] = []

    def open_dying() -> Watch:
        opened.append(asyncio.get_running_loop().time())
        feed = SnapshotFeed(heard_at=lambda: opened[-1], on_close=lambda _: None)
        feed.offer(WatchSnapshot(len(opened), {}))
        feed.fail(StoreUnavailable("away"))
        return feed

    async with aclosing(supervised(open_dying)) as snapshots:
        for _ in range(10):
            await anext(snapshots)
    pauses = [round(later - earlier, 2) for earlier, later in pairwise(opened)]
    assert pauses == [0.25, 0.5, 1.0, 2.0, 5.0, 5.0, 5.0, 5.0, 5.0]
    assert pauses[-1] == BACKOFF_SECONDS[-1]


@pytest.mark.parametrize("error", [PermissionDenied("no"), InvalidMessage("no such target")])
def test_a_listener_that_is_refused_ends_the_supervision(error: Exception) -> None:
    @in_virtual_time
    async def check() -> None:
        feed = SnapshotFeed(heard_at=lambda: 0.0, on_close=lambda _: None)
        feed.fail(error)  # type: ignore[arg-type]
        with pytest.raises(type(error)):
            await anext(supervised(lambda: feed))

    check()


@in_virtual_time
async def test_every_listener_is_closed_in_the_end() -> None:
    closed: list[str] = []

    def open_watch() -> Watch:
        feed = SnapshotFeed(heard_at=asyncio.get_running_loop().time, on_close=lambda _: closed.append("closed"))
        feed.offer(WatchSnapshot(1, {}))
        return feed

    async with aclosing(supervised(open_watch)) as snapshots:
        await anext(snapshots)
        assert closed == []
    assert closed == ["closed"]
