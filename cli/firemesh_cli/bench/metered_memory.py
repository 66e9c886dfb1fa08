"""The store in memory as something that is metered, in the time of the running loop."""

import asyncio
from collections.abc import Callable

from firemesh.store.memory import CommitRecord, Faults, MemoryClient, MemoryStore
from firemesh_cli.stack.reading import Billed, MeterReading

EPOCH_NS = 1_700_000_000_000_000_000
ROUND_TRIP_SECONDS = 0.02


class MeteredMemory:
    """A fresh database. It bills as the meter does: one contract test runs against both."""

    def __init__(self, *, on_commit: Callable[[CommitRecord], None] | None = None) -> None:
        self._memory = MemoryStore(_now_ns, on_commit=on_commit)

    def client(self, name: str) -> MemoryClient:
        """A process's view of the database."""
        return self._memory.client(name, Faults(latency_seconds=lambda _: ROUND_TRIP_SECONDS))

    def counts(self) -> MeterReading:
        """What was billed so far; calls and bytes there are none."""
        counts = self._memory.counts
        return MeterReading(
            {
                (client, kind): Billed(
                    reads=counts[client, kind, "reads"],
                    writes=counts[client, kind, "writes"],
                    deletes=counts[client, kind, "deletes"],
                    failed_writes=counts[client, kind, "failed_writes"],
                )
                for client, kind in {(client, kind) for client, kind, _ in counts}
            }
        )


def _now_ns() -> int:
    return EPOCH_NS + int(asyncio.get_running_loop().time() * 1e9)
