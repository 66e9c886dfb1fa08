"""One simulated run: the real driver, core and session code over a faulty in-memory store, in virtual time.

The seed decides everything: how many managers, who crashes when, which commits get lost, when the clients speak. A run has
a rough part and a healed part. In the rough part the invariants must hold after every commit; in the healed part, besides,
somebody must lead soon and every command that was surely sent must come to be ordered, once.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from firemesh.core import membership
from firemesh.core.effects import ManagerRole, Proposed, ReleaseAsked
from firemesh.core.messages import Command, mesh_command
from firemesh.core.params import Params
from firemesh.errors import UnavailableError
from firemesh.runtime.manager_driver import ManagerDriver
from firemesh.runtime.session import Session
from firemesh.store import paths
from firemesh.store.memory import CommitRecord, MemoryStore
from firemesh.store.mesh_store import MeshRecord, MeshStore
from tests.simulation.fate import CLIMATES, Luck, Weather
from tests.simulation.observed import ObservedManager, ObservedMesh
from tests.support import virtual_time
from tests.support.ledger import LedgerMachine
from tests.support.virtual_time import Process

MESH = "simulated"
PARAMS = Params(
    ttl_ms=1500, renew_ms=500, grace_ms=200, rpc_timeout_ms=375, retry_ms=100, poll_ms=60, snapshot_every=20, keep_entries=8
)
LEADER_WITHIN_SECONDS = 3 * 1.5 + 0.2 + 5.0
"""After the last fault: silence, poll, vote, and should the voters be gone, the takeover without them."""
ORDERED_WITHIN_SECONDS = 120.0
"""A listener that has fallen silent is found out after 45 s; it may be the leader's, and the next leader's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The size of a run. The rest is drawn from the seed."""

    weather: Weather | None = None
    """None draws one of the rough ones from the seed."""
    rough_seconds: float = 25.0
    managers: tuple[int, int] = (2, 4)
    workers: tuple[int, int] = (1, 3)
    commands: tuple[int, int] = (3, 12)


@dataclass(slots=True)
class Report:
    """What a run was like and what was wrong with it."""

    seed: int
    problems: list[str] = field(default_factory=list)
    commits: int = 0
    terms: int = 0
    ordered: int = 0
    depositions: int = 0
    mishaps: list[str] = field(default_factory=list)
    checked: frozenset[str] = frozenset()
    fingerprint: str = ""
    """The last state hash and commit count: equal for equal seeds."""

    def __str__(self) -> str:
        if self.problems:
            told = "\n  ".join([*self.problems[:10], f"mishaps: {', '.join(self.mishaps)}"])
            return f"seed {self.seed} FAILED\n  {told}\n  replay: python -m tests.simulation --seed {self.seed}"
        return f"seed {self.seed}: {self.terms} terms, {self.ordered} commands in {self.commits} commits, no violation"


def simulate(seed: int, plan: Plan = Plan()) -> Report:
    """Run one seed to its end."""
    return virtual_time.run(_Simulation(seed, plan).run())


class _Node:
    """One manager's process: it runs, stops, goes on, and may be killed and started anew."""

    def __init__(self, world: "_Simulation", name: str, run: int, replaces: str = "") -> None:
        self.world = world
        self.name = name
        self.run_number = run
        self.inc = f"{run:04x}{int(name[1:]):08x}"
        self.process = Process(f"{name}#{run}")
        self.luck = Luck(world.weather, world.rng)
        self.client = world.store.client(self.process.name, self.luck.faults())
        mesh = MeshStore(self.client, MESH, rpc_timeout_seconds=PARAMS.rpc_timeout_ms / 1000)
        self.manager = ObservedManager(name, self.inc, LedgerMachine(), {}, PARAMS, observe=world.look_at)
        self.driver = ManagerDriver(self.manager, mesh, jitter=random.Random(world.rng.random()))
        self.tasks = [self.process.run(self.driver.run()), self.process.run(self._join(mesh, replaces))]

    async def _join(self, mesh: MeshStore, replaces: str) -> None:
        body = {"type": "manager", "process": f"p-{self.name}", "replaces": replaces}
        await Session(mesh, self.name, self.inc).send(membership.JOIN, body)

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


class _Simulation:
    def __init__(self, seed: int, plan: Plan) -> None:
        self.rng = random.Random(seed)
        self.plan = plan
        self.weather = plan.weather or self.rng.choice(CLIMATES)
        self.report = Report(seed)
        self.observed = ObservedMesh(MESH)
        self.nodes: dict[str, _Node] = {}
        self.graves: list[_Node] = []
        self.lucks: list[Luck] = []
        self.sent: list[Command] = []
        self.dead: set[str] = set()
        self.mishaps: list[asyncio.Task[None]] = []

    async def run(self) -> Report:
        loop = asyncio.get_running_loop()
        self.store = MemoryStore(lambda: int(loop.time() * 1e9), on_commit=self._see_commit)
        await MeshStore(self.store.client("operator"), MESH).create(MeshRecord(machine="ledger", setup={}, params={}))
        for number in range(1, self.rng.randint(*self.plan.managers) + 1):
            self.nodes[f"m{number}"] = _Node(self, f"m{number}", 0)
        workers = [self._start_worker(number) for number in range(self.rng.randint(*self.plan.workers))]
        self.mishaps.append(asyncio.create_task(self._mishaps()))
        await asyncio.sleep(self.plan.rough_seconds)
        await self._heal()
        await self._expect_a_leader()
        await self._expect_all_ordered(workers)
        return await self._finish(workers)

    # --- workers ----------------------------------------------------------------------------------------------------

    def _start_worker(self, number: int) -> asyncio.Task[None]:
        luck = Luck(self.weather, self.rng)
        self.lucks.append(luck)
        client = self.store.client(f"w{number}", luck.faults())
        mesh = MeshStore(client, MESH, rpc_timeout_seconds=PARAMS.rpc_timeout_ms / 1000)
        return asyncio.create_task(self._work(f"w{number}", f"{number:012x}", mesh))

    async def _work(self, name: str, inc: str, mesh: MeshStore) -> None:
        """Join, then send commands; some of them arrive a second time, much later."""
        session = Session(mesh, name, inc, on_sent=self.sent.append)
        await session.send(membership.JOIN, {"type": "worker", "process": f"p-{name}"})
        echoes: list[asyncio.Task[None]] = []
        for number in range(self.rng.randint(*self.plan.commands)):
            await asyncio.sleep(self.rng.expovariate(1 / 1.5))
            await session.send("ledger.note" if self.rng.random() < 0.9 else "ledger.forbidden", {"n": number})
            if self.rng.random() < 0.2:
                echoes.append(asyncio.create_task(self._echo(mesh, self.sent[-1], self.rng.uniform(0, 8))))
        await asyncio.gather(*echoes)

    async def _echo(self, mesh: MeshStore, command: Command, after_seconds: float) -> None:
        await asyncio.sleep(after_seconds)
        try:
            await mesh.submit(paths.request_id(command.agent_id, command.inc, command.seq), command)
        except UnavailableError:
            return

    # --- mishaps ----------------------------------------------------------------------------------------------------

    async def _mishaps(self) -> None:
        if self.weather.mishap_seconds is None:
            return
        while True:
            await asyncio.sleep(self.rng.expovariate(1 / self.weather.mishap_seconds))
            kind = self.rng.choice(self._kinds_of_mishap())
            node = self.rng.choice([self.nodes[name] for name in sorted(self.nodes)])
            leaders = [n for n in self.nodes.values() if n.driver.role is ManagerRole.LEADER]
            if leaders and self.rng.random() < 0.6:
                node = leaders[0]
            if not node.process.stopped:
                self.report.mishaps.append(f"{kind.__name__[1:]} {node.process.name}")
                self.mishaps.append(asyncio.create_task(kind(node)))

    def _kinds_of_mishap(self) -> Sequence[Callable[[_Node], Coroutine[Any, Any, None]]]:
        often = (self._crash, self._pause, self._cut_off, self._outage, self._hang_up, self._ask_release)
        return (*often, *often, self._deafen, self._declare_dead)

    async def _declare_dead(self, node: _Node) -> None:
        """A member that lives is declared dead: nothing it sends from now on may be ordered."""
        members = node.manager.state.replica.roster.living()
        if members:
            member = self.rng.choice(members)
            self.dead.add(member.client)
            body = {"agent": member.agent, "inc": member.inc}
            for each in self.nodes.values():
                each.driver.tell(Proposed(mesh_command(membership.MEMBER_DEAD, body)))

    async def _crash(self, node: _Node) -> None:
        node.kill()
        self.graves.append(node)
        await asyncio.sleep(self.rng.uniform(0, 5))
        self.nodes[node.name] = _Node(self, node.name, node.run_number + 1, replaces=node.inc)

    async def _pause(self, node: _Node) -> None:
        node.process.stop()
        await asyncio.sleep(self.rng.uniform(0.3, 4.5))
        node.process.go_on()

    async def _cut_off(self, node: _Node) -> None:
        node.client.disconnect()
        await asyncio.sleep(self.rng.uniform(0.3, 5))
        node.client.reconnect()

    async def _outage(self, _: _Node) -> None:
        for node in self.nodes.values():
            node.client.disconnect()
        await asyncio.sleep(self.rng.uniform(0.3, 6))
        for node in self.nodes.values():
            node.client.reconnect()

    async def _deafen(self, node: _Node) -> None:
        node.client.silence_watches()

    async def _hang_up(self, node: _Node) -> None:
        node.client.end_watches()

    async def _ask_release(self, node: _Node) -> None:
        node.driver.tell(ReleaseAsked(self.rng.choice(["", *sorted(self.nodes)])))

    # --- after the storm --------------------------------------------------------------------------------------------

    async def _heal(self) -> None:
        for mishap in self.mishaps:
            mishap.cancel()
        await asyncio.gather(*self.mishaps, return_exceptions=True)
        self.healed_ns = self.store.read_time()
        for luck in self.lucks:
            luck.heal()
        for node in self.nodes.values():
            node.luck.heal()
            if not node.client.connected:
                node.client.reconnect()
            if node.process.stopped and node not in self.graves:
                node.process.go_on()
        for name in [name for name, node in self.nodes.items() if node in self.graves]:
            dead = self.nodes[name]
            self.nodes[name] = _Node(self, name, dead.run_number + 1, replaces=dead.inc)
            self.nodes[name].luck.heal()

    async def _expect_a_leader(self) -> None:
        await asyncio.sleep(LEADER_WITHIN_SECONDS)
        if self.observed.led_at_ns < self.healed_ns:
            roles = {name: str(node.driver.role) for name, node in self.nodes.items()}
            self._fault(f"nobody led within {LEADER_WITHIN_SECONDS} s after the last fault: {roles}")

    async def _expect_all_ordered(self, workers: list[asyncio.Task[None]]) -> None:
        deadline = asyncio.get_running_loop().time() + ORDERED_WITHIN_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            if all(worker.done() for worker in workers) and not self._unordered() and not self._waiting():
                return
            if self.report.problems or self.observed.checker.violations:
                return
            await asyncio.sleep(0.5)
        self._fault(f"{len(self._unordered())} commands never ordered; in the inbox: {self._waiting()}")

    def _unordered(self) -> list[Command]:
        living = (command for command in self.sent if command.client not in self.dead)
        return [command for command in living if not self.observed.checker.is_ordered(command)]

    def _waiting(self) -> list[str]:
        return [path for path in self.store.documents() if path.startswith(f"{paths.inbox(MESH)}/")]

    async def _finish(self, workers: list[asyncio.Task[None]]) -> Report:
        self.observed.check_all(self.store)
        for worker in workers:
            if worker.done() and (error := worker.exception()) is not None:
                self._fault(f"a worker failed: {error!r}")
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        for node in (*self.nodes.values(), *self.graves):
            if node.failure is not None:
                self._fault(f"{node.process.name} failed: {node.failure!r}")
            await node.bury()
        return self._reported()

    def _reported(self) -> Report:
        report, checker = self.report, self.observed.checker
        report.problems.extend(f"{violation.invariant}: {violation.detail}" for violation in checker.violations)
        report.commits = self.observed.commits
        report.terms = len(self.observed.leaders)
        report.ordered = sum(checker.is_ordered(command) for command in self.sent)
        report.depositions = sum(node.manager.depositions for node in (*self.nodes.values(), *self.graves))
        report.checked = frozenset(checker.checked)
        head = self.store.documents()[paths.head(MESH)]
        report.fingerprint = f"{head.fields['nonce']} {head.update_time} {report.commits}"
        return report

    # --- looking on -------------------------------------------------------------------------------------------------

    def _see_commit(self, record: CommitRecord) -> None:
        self.observed.see(record)

    def look_at(self, manager: ObservedManager) -> None:
        """After every step of every manager."""
        replica = manager.state.replica
        if replica.index:
            self.observed.checker.see_applied(
                f"{manager.identity.me}/{manager.identity.inc}", replica.index, replica.state_hash
            )
        for problem in manager.stuck():
            self._fault(f"{manager.identity.me}: {problem}")

    def _fault(self, problem: str) -> None:
        if problem not in self.report.problems and len(self.report.problems) < 20:
            self.report.problems.append(problem)
