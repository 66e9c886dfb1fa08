"""Managers in virtual time over one faulty store: what the seeded runs and the named cases are played on."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import Callable
from typing import Any

from firemesh.core import membership
from firemesh.core.effects import ManagerRole, RunEnded
from firemesh.core.health import Beat, HealthPolicy, run_of
from firemesh.core.messages import Command, Head
from firemesh.core.params import Params
from firemesh.errors import UnavailableError
from firemesh.runtime.health_watch import HealthWatch
from firemesh.runtime.manager_driver import ManagerDriver
from firemesh.runtime.session import Session
from firemesh.runtime.store_clock import StoreClock
from firemesh.store import paths
from firemesh.store.memory import MemoryClient, MemoryStore
from firemesh.store.mesh_store import MeshRecord, MeshStore
from firemesh_cli.bench.virtual_time import Process
from tests.simulation.fate import CALM, Luck, Weather
from tests.simulation.observed import ObservedManager, ObservedMesh
from tests.support.ledger import LedgerMachine

MESH = "simulated"
PARAMS = Params(
    ttl_ms=1500, renew_ms=500, grace_ms=200, rpc_timeout_ms=375, retry_ms=100, poll_ms=60, snapshot_every=20, keep_entries=8
)

BEAT_MS = 500


class SkewedClock(StoreClock):
    """A clock that is wrong by a fixed time."""

    def __init__(self, skew_ms: int) -> None:
        super().__init__()
        self._skew_ms = skew_ms

    def now_ms(self) -> int:
        return super().now_ms() + self._skew_ms


class Node:
    """One manager's process: it runs, stops, goes on, and may be killed and started anew."""

    def __init__(self, stage: "Stage", name: str, run: int, replaces: tuple[str, ...] = (), skew_ms: int = 0) -> None:
        self.stage = stage
        self.name = name
        self.run_number = run
        self.inc = f"{run:04x}{int(name[1:]):08x}"
        self._replaces = replaces
        self.process = Process(f"{name}#{run}")
        self.luck = Luck(stage.weather, stage.rng)
        self.client = stage.store.client(self.process.name, self.luck.faults())
        mesh = MeshStore(self.client, MESH, rpc_timeout_seconds=stage.params.rpc_timeout_ms / 1000)
        self.manager = ObservedManager(name, self.inc, LedgerMachine(), {}, stage.params, observe=stage.look_at)
        self.driver = ManagerDriver(
            self.manager,
            mesh,
            clock=SkewedClock(skew_ms),
            jitter=random.Random(stage.rng.random()),
            while_leading=self._watch_health if stage.watches_health else None,
        )
        self.tasks = [self.process.run(self.driver.run()), self.process.run(self._join(mesh))]
        if stage.watches_health:
            self.tasks.append(self.process.run(show_signs_of_life(mesh, name, self.inc)))

    @property
    def earlier_runs(self) -> tuple[str, ...]:
        """The incarnations that the next run of this manager replaces: this one, and those before it."""
        return (*self._replaces, self.inc)[-membership.REPLACED_MAX :]

    async def _join(self, mesh: MeshStore) -> None:
        body = {"type": "manager", "process": f"p-{self.name}", "replaces": list(self._replaces)}
        await Session(mesh, self.name, self.inc).send(membership.JOIN, body)

    async def _watch_health(self, driver: ManagerDriver[Any]) -> None:
        await HealthWatch(driver, lambda: run_of(f"p-{self.name}", self.inc), HealthPolicy(), BEAT_MS).run()

    @property
    def failure(self) -> BaseException | None:
        """Why the driver ended by itself, if it did."""
        driver = self.tasks[0]
        return driver.exception() if driver.done() and not driver.cancelled() else None

    def kill(self) -> None:
        """The end, without a word: nothing of this process runs any more."""
        self.process.stop()
        self.client.disconnect()

    async def bury(self) -> None:
        """Let Python clean up after a process that is over."""
        self.client.disconnect()
        for task in self.tasks:
            task.cancel()
        self.process.go_on()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def show_signs_of_life(mesh: MeshStore, name: str, inc: str) -> None:
    """The beats of a process with one agent, without end."""
    for seq in itertools.count(1):
        beat = Beat(process=f"p-{name}", inc=inc, seq=seq, interval_ms=BEAT_MS, agents={name: "running"}, applied={})
        with contextlib.suppress(UnavailableError):
            await mesh.write_beat(beat)
        await asyncio.sleep(BEAT_MS / 1000)


class Stage:
    """A store, its managers, and a checker that sees every commit and every step.

    With `watches_health` everybody shows signs of life, and the leader has those declared dead who are silent.
    """

    def __init__(
        self, rng: random.Random, weather: Weather = CALM, *, params: Params = PARAMS, watches_health: bool = False
    ) -> None:
        self.rng = rng
        self.weather = weather
        self.params = params
        self.watches_health = watches_health
        self.clients: dict[str, MemoryClient] = {}
        """The workers' clients of the store, by agent."""
        self._beating: list[asyncio.Task[None]] = []
        self.observed = ObservedMesh(MESH)
        self.nodes: dict[str, Node] = {}
        self.graves: list[Node] = []
        self.sent: list[Command] = []
        self.faults: list[str] = []
        loop = asyncio.get_running_loop()
        self.store = MemoryStore(lambda: int(loop.time() * 1e9), on_commit=self.observed.see)

    async def create_mesh(self) -> None:
        """The documents of a mesh that nobody leads yet."""
        operator = MeshStore(self.store.client("operator"), MESH)
        await operator.create(MeshRecord(machine="ledger", setup={}, params={}))

    def start_manager(self, name: str, skew_ms: int = 0) -> Node:
        """A manager's process; a later one of the same name replaces those before, any of which may still be a member."""
        before = self.nodes.get(name)
        run = 0 if before is None else before.run_number + 1
        replaces = () if before is None else before.earlier_runs
        self.nodes[name] = Node(self, name, run, replaces, skew_ms)
        return self.nodes[name]

    def kill(self, node: Node) -> None:
        """The end of a process, without a word."""
        node.kill()
        self.graves.append(node)

    def spread_word(self, node: Node) -> None:
        """The other processes, those that stand still included, are told that this one has ended; perhaps it has not."""
        for other in self.nodes.values():
            if other is not node:
                other.driver.tell(RunEnded(node.inc))

    def session(self, name: str, run: int, luck: Luck) -> Session:
        """A worker's line to the leader."""
        client = self.clients[name] = self.store.client(f"{name}#{run}", luck.faults())
        mesh = MeshStore(client, MESH, rpc_timeout_seconds=self.params.rpc_timeout_ms / 1000)
        inc = f"{run:04x}{int(name[1:]):08x}"
        if self.watches_health:
            self._beating.append(asyncio.create_task(show_signs_of_life(mesh, name, inc)))
        return Session(mesh, name, inc, on_sent=self.sent.append)

    @property
    def leaders(self) -> list[Node]:
        """Who believes to lead, stopped processes included."""
        return [node for node in self.nodes.values() if node.driver.role is ManagerRole.LEADER]

    def head(self) -> Head:
        """The head as it is."""
        return Head.model_validate(dict(self.store.documents()[paths.head(MESH)].fields))

    def waiting(self) -> list[str]:
        """What lies in the inbox."""
        return [path for path in self.store.documents() if path.startswith(f"{paths.inbox(MESH)}/")]

    def unordered(self) -> list[Command]:
        """Commands surely sent and not yet ordered."""
        return [command for command in self.sent if not self.observed.checker.is_ordered(command)]

    def outsiders(self) -> list[Node]:
        """Managers at work that are no members under their present incarnation, as the leader knows."""
        if not self.leaders:
            return list(self.nodes.values())
        living = {(m.agent, m.inc) for m in self.leaders[0].manager.state.replica.roster.living()}
        return [node for node in self.nodes.values() if (node.name, node.inc) not in living]

    def problems(self) -> list[str]:
        """What was wrong so far, by the checker and by the looks after each step."""
        found = [f"{violation.invariant}: {violation.detail}" for violation in self.observed.checker.violations]
        failed = [f"{n.process.name} failed: {n.failure!r}" for n in (*self.nodes.values(), *self.graves) if n.failure]
        return [*self.faults, *found, *failed]

    async def until(self, condition: Callable[[], object], within_seconds: float) -> float | None:
        """The virtual seconds until the condition held; None when it did not within that time."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        while not condition():
            if loop.time() - started > within_seconds:
                return None
            await asyncio.sleep(0.01)
        return loop.time() - started

    async def end(self) -> None:
        """Stop everything, dead processes included."""
        for task in self._beating:
            task.cancel()
        await asyncio.gather(*self._beating, return_exceptions=True)
        for node in (*self.nodes.values(), *self.graves):
            await node.bury()

    def look_at(self, manager: ObservedManager) -> None:
        """After every step of every manager."""
        replica, identity = manager.state.replica, manager.identity
        if replica.index:
            self.observed.checker.see_applied(f"{identity.me}/{identity.inc}", replica.index, replica.state_hash)
        for problem in manager.stuck():
            self.fault(f"{identity.me}: {problem}")

    def fault(self, problem: str) -> None:
        """Remember what is wrong."""
        if problem not in self.faults and len(self.faults) < 20:
            self.faults.append(problem)
