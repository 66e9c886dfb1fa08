"""A mesh without a manager process in one loop of virtual time: commands trigger activations, and a queue wakes them."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

from firemesh.core.params import TEST, Params
from firemesh.hosting.hosted_meshes import HostedMeshes
from firemesh.store.base import Create
from firemesh.store.memory import CommitRecord, Faults
from firemesh.store.mesh_store import Hosting
from tests.support.meshes import LocalMesh, store_now_ns


class HostedLocalMesh(LocalMesh):
    """As `LocalMesh`, managed by so many instances of a function, each with a memory of its own.

    Every command activates one of them, in turn; so does every wake. `triggers` and `wakes_kept` switch these off.
    """

    def __init__(
        self,
        machine: str = "counter",
        setup: Mapping[str, Any] | None = None,
        params: Params = TEST,
        *,
        instances: int = 1,
        hosting: Hosting = Hosting.FUNCTIONS,
    ) -> None:
        super().__init__(machine, setup, params)
        self.record = self.record.model_copy(update={"hosting": hosting})
        self.functions = [self.instance(f"function-{number}") for number in range(1, instances + 1)]
        self.triggers = True
        self.wakes_kept = True
        self.asked: Counter[int] = Counter()
        """The wakes asked for, by their time in milliseconds."""
        self.activations = 0
        self._running: set[asyncio.Task[None]] = set()

    def instance(self, name: str) -> HostedMeshes:
        """A fresh instance of a function."""
        return HostedMeshes(self.memory.client(name, Faults(latency_seconds=lambda _: 0.004)), self)

    async def wake(self, mesh_id: str, due_ms: int) -> None:
        """See `WakeQueue`: each time is worth one wake."""
        self.asked[due_ms] += 1
        if self.asked[due_ms] == 1 and self.wakes_kept:
            delay = max(0, due_ms / 1000 - store_now_ns() / 1e9)
            asyncio.get_running_loop().call_later(delay, self._spawn)

    async def settle(self) -> None:
        """Wait until no activation runs."""
        while self._running:
            await asyncio.gather(*self._running)

    def billed(self) -> Counter[str]:
        """What all clients together have been billed so far."""
        totals: Counter[str] = Counter()
        for (client, _, kind), count in self.memory.counts.items():
            if client != "operator":
                totals[kind] += count
        return totals

    async def end(self) -> None:
        """See `LocalMesh.end`."""
        self.wakes_kept = self.triggers = False
        await self.settle()
        await super().end()

    def _check(self, record: CommitRecord) -> None:
        super()._check(record)
        for write in record.writes:
            if self.triggers and isinstance(write, Create) and write.path.startswith("meshes/m1/inbox/"):
                asyncio.get_running_loop().call_later(0.02, self._spawn, True)

    def _spawn(self, on_request: bool = False) -> None:
        self.activations += 1
        function = self.functions[self.activations % len(self.functions)]
        task = asyncio.get_running_loop().create_task(self._activate(function, on_request))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _activate(self, function: HostedMeshes, on_request: bool) -> None:
        await (function.on_request("m1") if on_request else function.activate("m1"))
