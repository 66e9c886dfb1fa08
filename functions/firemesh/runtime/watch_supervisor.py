"""Listeners that can be relied on: rebuilt when they end or fall silent, with a slow poll behind them.

A listener may end with an error, or simply say nothing more. The supervisor opens a new one in both cases, backs off between
tries, and asks for a plain read when nothing has been shown for a while.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from firemesh.errors import PermissionDenied, UnavailableError
from firemesh.store.base import Watch, WatchSnapshot

log = logging.getLogger(__name__)

SILENT_SECONDS_MAX = 45.0
"""The server speaks about every 30 s even when nothing changes; a listener silent for longer is taken for dead."""
BACKOFF_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0)


async def supervised(
    open_watch: Callable[[], Watch],
    *,
    poll: Callable[[], Awaitable[None]] | None = None,
    poll_seconds: float = 5.0,
    silent_seconds: float = SILENT_SECONDS_MAX,
) -> AsyncIterator[WatchSnapshot]:
    """Snapshots without end, across dead and silent listeners.

    `poll` is awaited whenever nothing was shown for `poll_seconds`; it does its own reading and must not raise
    UnavailableError to stop us: such an error is taken as one more sign that the store is away.

    Raises:
        PermissionDenied: this identity may not listen; trying again will not help.
    """
    failures = 0
    while True:
        watch = open_watch()
        try:
            async for snapshot in _until_silent(watch, poll, poll_seconds, silent_seconds):
                failures = 0
                yield snapshot
        except PermissionDenied:
            raise
        except UnavailableError as error:
            log.info("listener ended: %s", error)
        finally:
            await watch.close()
        await asyncio.sleep(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])
        failures += 1


async def _until_silent(
    watch: Watch, poll: Callable[[], Awaitable[None]] | None, poll_seconds: float, silent_seconds: float
) -> AsyncIterator[WatchSnapshot]:
    """The snapshots of one listener until it ends or has been silent for too long."""
    loop = asyncio.get_running_loop()
    opened = loop.time()
    snapshots = watch.__aiter__()
    upcoming: asyncio.Task[WatchSnapshot] | None = None
    try:
        while True:
            upcoming = upcoming or asyncio.ensure_future(anext(snapshots))
            ready, _ = await asyncio.wait([upcoming], timeout=poll_seconds)
            if ready:
                try:
                    snapshot = upcoming.result()
                except StopAsyncIteration:
                    return
                upcoming = None
                yield snapshot
                continue
            if loop.time() - max(opened, watch.heard_at) > silent_seconds:
                log.info("listener silent for more than %s s, opening a new one", silent_seconds)
                return
            if poll is not None:
                await poll()
    finally:
        if upcoming is not None:
            upcoming.cancel()
