"""What a running mesh is billed for each thing it does: three managers in processes of their own, and a worker.

Counted from outside by the meter, on the emulator; a test counts the same over the store in memory, in virtual time. Leases
and signs of life are long, so that nothing but what is counted happens while it is counted. Standbys listen to the head, as
they do unless the mesh is a thrifty one: there each row has a read less for each standby and each head written.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from firemesh.core.effects import Timer, TimerFired
from firemesh.core.manager import Manager
from firemesh.core.messages import Vote
from firemesh.core.params import Params
from firemesh.errors import LocalStackError
from firemesh.game.counter import CounterMachine
from firemesh.ids import new_incarnation
from firemesh.runtime.manager_agent import ManagerAgent
from firemesh.runtime.manager_driver import ManagerDriver
from firemesh.runtime.mesh import Mesh
from firemesh.runtime.process import AgentProcess
from firemesh.runtime.pulse import HeartbeatPolicy
from firemesh.runtime.worker_agent import WorkerAgent
from firemesh.store.base import Store
from firemesh.store.mesh_store import MeshStore
from firemesh_cli.bench.budget import over_budget
from firemesh_cli.bench.section import Section
from firemesh_cli.stack.reading import Billed, MeterReading

PROJECT = "demo-calm"
"""Of its own: listing the meshes of a project costs a read for each."""
COLUMNS = ("reads", "writes", "deletes")
CALM = Params(ttl_ms=600_000, renew_ms=300_000, rpc_timeout_ms=20_000)
CALM_BEAT = HeartbeatPolicy(active_ms=300_000, idle_ms=300_000, asleep_ms=300_000)
CALM_SECONDS = 0.25
"""Nothing billed for so long: nothing is on its way any more."""
PATIENCE_SECONDS = 30.0
TRIES = 5
AUDIENCE = 12
CANDIDATES = 10

OpenStore = Callable[[str], Store]
Counts = Callable[[], MeterReading]
Done = Callable[[MeterReading], bool]


def measure(root: Path, repeats: int) -> Section:
    """Count once: what is billed does not vary. Raises LocalStackError when the emulator does not start."""
    from firemesh_cli.stack.supervisor import LocalStack

    with LocalStack(root, project=PROJECT) as stack:
        found = asyncio.run(count_on_emulator(stack.firestore_host))
    rows = table(found)
    return Section(
        title="mesh operations",
        about="billed documents of what a running mesh does; three managers, of whom two stand by and listen",
        columns=COLUMNS,
        rows=rows,
        missed=over_budget("mesh-operations", COLUMNS, rows),
        headline={"billed": {name: dict(zip(COLUMNS, figures, strict=True)) for name, figures in rows.items()}},
    )


def table(found: dict[str, Billed]) -> dict[str, tuple[int, int, int]]:
    """The rows of the section."""
    return {name: (billed.reads, billed.writes, billed.deletes) for name, billed in found.items()}


async def count_on_emulator(host: str) -> dict[str, Billed]:
    """What each thing is billed, by the meter before the emulator at `host`.

    Raises LocalStackError when the emulator lost a change, which it does now and then (see `store.firestore.listen`), in
    every try.
    """
    for _ in range(TRIES):
        with suppress(TimeoutError):
            return await _count_once(host)
    raise LocalStackError(f"a mesh on the emulator did not come to rest in {PATIENCE_SECONDS:.0f} s, {TRIES} times")


async def _count_once(host: str) -> dict[str, Billed]:
    from firemesh.store.firestore import FirestoreStore
    from firemesh_cli.stack.meter import Meter

    async with Meter(host) as meter, AsyncExitStack() as stores:

        def open_store(client: str) -> Store:
            # As in production; by default a listener on the emulator confirms with a read what it was told.
            store = FirestoreStore(PROJECT, host=meter.host, client_name=client, one_stream=True)
            stores.push_async_callback(store.close)
            return store

        return await count(open_store, meter.counts)


async def count(open_store: OpenStore, counts: Counts) -> dict[str, Billed]:
    """What each thing is billed in a fresh mesh over these stores. Raises TimeoutError when something does not come about."""
    mesh = CalmMesh(open_store, counts)
    try:
        return {**await mesh.race(), **await mesh.live()}
    finally:
        await mesh.abandon()


class CalmMesh:
    """A mesh that does one thing after the other, and tells what was billed from calm to calm."""

    def __init__(self, open_store: OpenStore, counts: Counts) -> None:
        self._open_store = open_store
        self._counts = counts
        self._id = f"calm-{new_incarnation()}"
        self._processes: list[AgentProcess] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def race(self) -> dict[str, Billed]:
        """Managers that all want to be the first leader of a mesh at once. One wins; that it was one, its commit says."""
        mesh_id = f"{self._id}-race"
        await self._create(mesh_id)
        drivers = [self._candidate(mesh_id, number) for number in range(CANDIDATES)]

        async def start() -> None:
            self._tasks += [asyncio.create_task(driver.run()) for driver in drivers]

        def decided(_: MeterReading) -> bool:
            return all(driver.manager.state.head.leader for driver in drivers)

        spent = await self._cost(start, decided)
        await self._stop_tasks()
        return {f"takeover, {CANDIDATES} candidates": spent.total}

    async def live(self) -> dict[str, Billed]:
        """What happens in the life of a mesh."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            leader, worker = await self._begin()
        await self._cost(lambda: _told(leader, Timer.RENEW), _reads(head=2))  # takes along what the leader thinks of the others
        renewed = await self._cost(lambda: _told(leader, Timer.RENEW), _reads(head=2))
        voted = await self._cost(self._vote, lambda spent: _of(spent, "votes").writes == 1)
        beaten = await self._cost(lambda: _busy(worker), _reads(liveness=1))
        ordered = await self._cost(lambda: _add(worker), _reads(head=2, inbox=1))
        joined = await self._cost(lambda: self._processes[-1].add_worker("second"), _reads(head=2, agents=3, liveness=1))
        left = await self._cost(lambda: self._processes[-1].remove("second"), _reads(head=2, inbox=1))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._gather_audience()
        heard = await self._cost(lambda: _add(worker), _reads(head=2, inbox=1, views=AUDIENCE))
        handed_over = await self._cost(lambda: _transferred(leader), _reads(head=7, inbox=1, liveness=4))
        return {
            "renew": renewed.total,
            "append": _of(ordered, "head") + _of(ordered, "log"),
            "vote": voted.total,
            "hand over": handed_over.total,
            "heartbeat": beaten.total,
            "command to the leader": ordered.total,
            f"broadcast to {AUDIENCE}": heard.total,
            "join": joined.total,
            "leave": left.total,
        }

    async def abandon(self) -> None:
        """End everything without a word."""
        await self._stop_tasks()
        for process in self._processes:
            await process.abandon()

    async def _begin(self) -> tuple[ManagerAgent, WorkerAgent]:
        await self._create(self._id)
        leader = await (await self._process("pm1")).add_manager("m1")
        for number in (2, 3):
            await (await self._process(f"pm{number}")).add_manager(f"m{number}")
        return leader, await (await self._process("hand")).add_worker("hand")

    async def _create(self, mesh_id: str) -> None:
        await Mesh.create(self._open_store("operator"), mesh_id, machine="counter", setup={}, params=CALM)

    async def _process(self, name: str) -> AgentProcess:
        store, jitter = self._open_store(name), random.Random(name)
        self._processes.append(await AgentProcess.open(store, self._id, name, heartbeat=CALM_BEAT, jitter=jitter))
        return self._processes[-1]

    def _candidate(self, mesh_id: str, number: int) -> ManagerDriver[Any]:
        name = f"c{number}"
        manager: Manager[Any] = Manager(name, new_incarnation(), CounterMachine(), {}, CALM)
        return ManagerDriver(manager, MeshStore(self._open_store(name), mesh_id), jitter=random.Random(name))

    async def _vote(self) -> None:
        vote = Vote(term=99, voter="m2", candidate="m2", applied=0, head_version=0)
        await MeshStore(self._open_store("voter"), self._id).cast_vote(vote)

    async def _gather_audience(self) -> None:
        """So many processes listen to the public view."""
        listening = asyncio.Semaphore(0)

        async def listen(store: Store) -> None:
            async for _ in MeshStore(store, self._id).watch_document("views/public"):
                listening.release()

        self._tasks += [asyncio.create_task(listen(self._open_store(f"reader-{each}"))) for each in range(AUDIENCE)]
        for _ in range(AUDIENCE):
            await listening.acquire()

    async def _cost(self, act: Callable[[], Awaitable[Any]], done: Done) -> MeterReading:
        async with asyncio.timeout(PATIENCE_SECONDS):
            before = await self._calm()
            await act()
            while True:
                spent = await self._calm() - before
                if done(spent):
                    return spent

    async def _calm(self) -> MeterReading:
        seen = self._counts()
        while True:
            await asyncio.sleep(CALM_SECONDS)
            before, seen = seen, self._counts()
            if before.by_client_kind == seen.by_client_kind:
                return seen

    async def _stop_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()


def _of(spent: MeterReading, kind: str) -> Billed:
    return spent.by_kind.get(kind, Billed())


def _reads(**least: int) -> Done:
    """So many documents of each kind have been read: everybody has heard of it."""
    return lambda spent: all(_of(spent, kind).reads >= reads for kind, reads in least.items())


async def _told(leader: ManagerAgent, timer: Timer) -> None:
    leader.handle_manager_message(TimerFired(timer))


async def _busy(worker: WorkerAgent) -> None:
    worker.publish_heartbeat("busy")


async def _add(worker: WorkerAgent) -> None:
    await worker.send_to_manager("counter.add", {"n": 1})


async def _transferred(leader: ManagerAgent) -> None:
    leader.transfer_leadership("m2")
