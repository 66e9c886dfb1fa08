"""Listeners that can be relied on: rebuilt when they end or fall silent, with a slow poll behind them.

A listener may end with an error, or simply say nothing more. The supervisor opens a new one in both cases, backs off between
tries, and asks for a plain read when nothing has been shown for a while.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from firemesh.errors import UnavailableError
from firemesh.store.base import Watch, WatchSnapshot

log = logging.getLogger(__name__)

SILENT_SECONDS_MAX = 45.0
"""Firestore speaks about every 30 s even when nothing changes; a listener silent for longer is taken for dead.

The emulator says nothing for longer than that: there a listener to something quiet is opened anew each time, for one read.
"""
BACKOFF_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
STEADY_SECONDS = 10.0
"""A listener that served for so long was sound: the next one is opened without delay."""

Poll = Callable[[], Awaitable[None]]


async def supervised(
    open_watch: Callable[[], Watch],
    *,
    poll: Poll | None = None,
    poll_seconds: float = 5.0,
    silent_seconds: float = SILENT_SECONDS_MAX,
) -> AsyncGenerator[WatchSnapshot, None]:
    """Snapshots without end, across dead and silent listeners.

    `poll` is awaited whenever nothing was shown for `poll_seconds`; it does its own reading. UnavailableError from it is
    one more sign that the store is away: the listener is opened anew.

    Raises:
        PermissionDenied: this identity may not listen; trying again will not help. So with every RequestError.
    """
    loop = asyncio.get_running_loop()
    failures = 0
    while True:
        opened_at = loop.time()
        watch = open_watch()
        try:
            async with aclosing(_until_silent(watch, poll, poll_seconds, silent_seconds)) as snapshots:
                async for snapshot in snapshots:
                    yield snapshot
        except UnavailableError as error:
            log.info("listener ended: %s", error)
        finally:
            await watch.close()
        failures = 0 if loop.time() - opened_at >= STEADY_SECONDS else failures + 1
        await asyncio.sleep(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])


async def _until_silent(
    watch: Watch, poll: Poll | None, poll_seconds: float, silent_seconds: float
) -> AsyncGenerator[WatchSnapshot, None]:
    """The snapshots of one listener until it ends or has been silent for too long."""
    loop = asyncio.get_running_loop()
    snapshots = aiter(watch)
    while True:
        try:
            async with asyncio.timeout(poll_seconds):
                snapshot = await anext(snapshots)
        except StopAsyncIteration:
            return
        except TimeoutError:
            if loop.time() - watch.heard_at > silent_seconds:
                log.info("listener silent for more than %s s, opening a new one", silent_seconds)
                return
            if poll is not None:
                await poll()
        else:
            yield snapshot
