"""What the process of a function has one of, whatever the function does: a loop, a connection, a way of logging."""

import logging
import sys
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from firemesh.background_loop import BackgroundLoop
from firemesh.store.firestore import FirestoreStore, connect

Result = TypeVar("Result")


class FunctionProcess:
    """One process of one function. Make it in the first request; the store is opened when something is asked of it."""

    def __init__(self, project: str, function: str) -> None:
        """`function` is its name, by which the billing meter tells functions apart."""
        self.project = project
        self.function = function
        self._loop = BackgroundLoop()
        self._lock = threading.Lock()
        self._store: FirestoreStore | None = None
        _log_bare_lines()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run to the end, on the loop to which the connection belongs. Raises what `BackgroundLoop.run` raises."""
        return self._loop.run(work)

    @property
    def store(self) -> FirestoreStore:
        """The one store. Not to be asked for on the loop. Raises PermissionDenied when no credentials are found."""
        with self._lock:
            if self._store is None:
                self._store = self.run(self._connect())
            return self._store

    async def _connect(self) -> FirestoreStore:
        return connect(self.project, client_name=self.function)


def _log_bare_lines() -> None:
    """Log lines go out as they are: a line that is a JSON object is taken apart by Cloud Logging."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("firemesh")
    if not logger.handlers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
