"""What the process of a function has one of, whatever the function does: a loop, a connection, a way of logging."""

import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from firemesh.background_loop import CALL_SECONDS_MAX, BackgroundLoop
from firemesh.store.base import Store
from firemesh.store.firestore import connect
from firemesh.structured_log import log_to_stdout

Result = TypeVar("Result")


class FunctionProcess:
    """One process of one function. Make it in the first request; the store is opened when something is asked of it."""

    def __init__(self, project: str, function: str, *, open_store: Callable[[], Store] | None = None) -> None:
        """`function` is its name, by which the billing meter tells functions apart. `open_store` is called on the loop."""
        self.project = project
        self._open_store = open_store or partial(connect, project, client_name=function)
        self._loop = BackgroundLoop()
        self._lock = threading.Lock()
        self._store: Store | None = None
        log_to_stdout(project)

    def run(self, work: Coroutine[Any, Any, Result], *, seconds_max: float = CALL_SECONDS_MAX) -> Result:
        """Run to the end, on the loop to which the connection belongs. Raises what `BackgroundLoop.run` raises."""
        return self._loop.run(work, seconds_max=seconds_max)

    @property
    def store(self) -> Store:
        """The one store. Not to be asked for on the loop. Raises PermissionDenied when no credentials are found."""
        with self._lock:
            if self._store is None:
                self._store = self.run(self._connect())
            return self._store

    async def _connect(self) -> Store:
        return self._open_store()
