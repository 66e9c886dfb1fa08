"""One event loop per process, for synchronous callers of asynchronous code.

A function's module is loaded in a master process that then forks, and a thread does not survive a fork. So the thread
starts with the first call, which comes in the worker.
"""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, TypeVar

from firemesh.errors import StoreUnavailable

Result = TypeVar("Result")

CALL_SECONDS_MAX = 50.0
"""Below the minute after which hosting gives up, so that the caller still hears why."""


class BackgroundLoop:
    """Runs coroutines of any thread on one loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def run(self, work: Coroutine[Any, Any, Result], *, seconds_max: float = CALL_SECONDS_MAX) -> Result:
        """Run to the end and give the result, or raise what it raised.

        Raises:
            StoreUnavailable: it took longer than `seconds_max`; it has been cancelled.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._started())
        try:
            return future.result(seconds_max)
        except FutureTimeout as error:
            future.cancel()
            raise StoreUnavailable(f"no answer in {seconds_max:.0f} s") from error

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="firemesh-loop", daemon=True).start()
            return self._loop
