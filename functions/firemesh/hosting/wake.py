"""The port through which a mesh without a process has itself woken, and its verified fake."""

from typing import Protocol


class WakeQueue(Protocol):
    """Something outside the mesh that remembers when to wake it."""

    async def wake(self, mesh_id: str, due_ms: int) -> None:
        """Have the mesh woken at `due_ms` (store time, milliseconds since the epoch), or soon after; at least once.

        Asking again for the same mesh and time is as good as asking once. A time that has passed means now.

        Raises:
            StoreUnavailable: no answer; it may have been remembered or not. Ask again.
        """
        ...


class NoWakes:
    """A queue that only remembers, for tests that keep the time themselves."""

    def __init__(self) -> None:
        self.asked: set[tuple[int, str]] = set()

    async def wake(self, mesh_id: str, due_ms: int) -> None:
        """See `WakeQueue`."""
        self.asked.add((due_ms, mesh_id))
