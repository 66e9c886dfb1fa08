"""One simulated run: the real driver, core and session code over a faulty in-memory store, in virtual time.

The seed decides everything: how many managers, who crashes when, which commits get lost, when the clients speak. A run has
a rough part and a healed part. In the rough part the invariants must hold after every commit; in the healed part, besides,
somebody must lead soon and every command that was surely sent must come to be ordered, once.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from firemesh.core import membership
from firemesh.core.effects import Proposed, ReleaseAsked
from firemesh.core.messages import Command, mesh_command
from firemesh.core.params import Params
from firemesh.runtime.session import Session
from firemesh.store import paths
from firemesh.store.mesh_store import MeshStore
from firemesh_cli.bench import virtual_time
from tests.simulation.fate import CLIMATES, Luck, Weather
from tests.simulation.stage import MESH, PARAMS, Node, Stage

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
    params: Params = PARAMS


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
            return f"seed {self.seed} FAILED\n  {told}\n  replay: make simulate ARGS='--seed {self.seed}'"
        return f"seed {self.seed}: {self.terms} terms, {self.ordered} commands in {self.commits} commits, no violation"


def simulate(seed: int, plan: Plan = Plan()) -> Report:
    """Run one seed to its end."""

    async def run() -> Report:
        return await _Simulation(seed, plan).run()

    return virtual_time.run(run())


class _Simulation:
    def __init__(self, seed: int, plan: Plan) -> None:
        self.rng = random.Random(seed)
        self.plan = plan
        self.stage = Stage(self.rng, plan.weather or self.rng.choice(CLIMATES), params=plan.params)
        self.report = Report(seed)
        self.lucks: list[Luck] = []
        self.dead: set[str] = set()
        self.mishaps: list[asyncio.Task[None]] = []

    async def run(self) -> Report:
        await self.stage.create_mesh()
        for number in range(1, self.rng.randint(*self.plan.managers) + 1):
            self.stage.start_manager(f"m{number}")
        workers = [self._start_worker(number) for number in range(self.rng.randint(*self.plan.workers))]
        self.mishaps.append(asyncio.create_task(self._mishaps()))
        await asyncio.sleep(self.plan.rough_seconds)
        await self._heal()
        await self._expect_a_leader()
        await self._expect_all_ordered(workers)
        await self._expect_the_end()
        return await self._finish(workers)

    # --- workers ----------------------------------------------------------------------------------------------------

    def _start_worker(self, number: int) -> asyncio.Task[None]:
        luck = Luck(self.stage.weather, self.rng)
        self.lucks.append(luck)
        return asyncio.create_task(self._work(self.stage.session(f"w{number}", 0, luck)))

    async def _work(self, session: Session) -> None:
        """Join, then send commands; some of them arrive a second time, much later."""
        await session.send(membership.JOIN, {"type": "worker", "process": f"p-{session.agent_id}"})
        echoes: list[asyncio.Task[None]] = []
        for number in range(self.rng.randint(*self.plan.commands)):
            await asyncio.sleep(self.rng.expovariate(1 / 1.5))
            await session.send("ledger.note" if self.rng.random() < 0.9 else "ledger.forbidden", {"n": number})
            if self.rng.random() < 0.2:
                echoes.append(asyncio.create_task(self._echo(self.stage.sent[-1], self.rng.uniform(0, 8))))
        await asyncio.gather(*echoes)

    async def _echo(self, command: Command, after_seconds: float) -> None:
        await asyncio.sleep(after_seconds)
        mesh = MeshStore(self.stage.store.client("echo"), MESH)
        await mesh.submit(paths.request_id(command.agent_id, command.inc, command.seq), command)

    # --- mishaps ----------------------------------------------------------------------------------------------------

    async def _mishaps(self) -> None:
        if self.stage.weather.mishap_seconds is None:
            return
        while True:
            await asyncio.sleep(self.rng.expovariate(1 / self.stage.weather.mishap_seconds))
            kind = self.rng.choice(self._kinds_of_mishap())
            node = self.rng.choice([self.stage.nodes[name] for name in sorted(self.stage.nodes)])
            if self.stage.leaders and self.rng.random() < 0.6:
                node = self.stage.leaders[0]
            if not node.process.stopped:
                self.report.mishaps.append(f"{kind.__name__[1:]} {node.process.name}")
                self.mishaps.append(asyncio.create_task(kind(node)))

    def _kinds_of_mishap(self) -> Sequence[Callable[[Node], Coroutine[Any, Any, None]]]:
        often = (self._crash, self._pause, self._cut_off, self._outage, self._hang_up, self._ask_release, self._order_transfer)
        return (*often, *often, self._deafen, self._declare_dead, self._cry_wolf)

    async def _declare_dead(self, node: Node) -> None:
        """A member that lives is declared dead: nothing it sends from now on may be ordered."""
        members = node.manager.state.replica.roster.living()
        if members:
            member = self.rng.choice(members)
            self.dead.add(member.client)
            body = {"agent": member.agent, "inc": member.inc}
            for each in self.stage.nodes.values():
                each.driver.tell(Proposed(mesh_command(membership.MEMBER_DEAD, body)))

    async def _cry_wolf(self, node: Node) -> None:
        """The others are told that a process has ended which goes on."""
        self.stage.spread_word(node)

    async def _crash(self, node: Node) -> None:
        """A process ends; in half of the cases the others are told."""
        self.stage.kill(node)
        if self.rng.random() < 0.5:
            self.stage.spread_word(node)
        await asyncio.sleep(self.rng.uniform(0, 5))
        self.stage.start_manager(node.name)

    async def _pause(self, node: Node) -> None:
        node.process.stop()
        await asyncio.sleep(self.rng.uniform(0.3, 4.5))
        node.process.go_on()

    async def _cut_off(self, node: Node) -> None:
        node.client.disconnect()
        await asyncio.sleep(self.rng.uniform(0.3, 5))
        node.client.reconnect()

    async def _outage(self, _: Node) -> None:
        cut_off = list(self.stage.nodes.values())
        for node in cut_off:
            node.client.disconnect()
        await asyncio.sleep(self.rng.uniform(0.3, 6))
        for node in cut_off:
            node.client.reconnect()

    async def _deafen(self, node: Node) -> None:
        node.client.silence_watches()

    async def _hang_up(self, node: Node) -> None:
        node.client.end_watches()

    async def _ask_release(self, node: Node) -> None:
        node.driver.tell(ReleaseAsked(self.rng.choice(["", *sorted(self.stage.nodes)])))

    async def _order_transfer(self, node: Node) -> None:
        await self._order(membership.TRANSFER, {"to": node.name})

    async def _order(self, kind: str, body: Mapping[str, str]) -> None:
        """An order of the operator, who has no bad luck."""
        mesh = MeshStore(self.stage.store.client("operator"), MESH)
        await mesh.submit(paths.operator_request_id(f"{self.rng.getrandbits(48):012x}"), mesh_command(kind, body))

    # --- after the storm --------------------------------------------------------------------------------------------

    async def _heal(self) -> None:
        for mishap in self.mishaps:
            mishap.cancel()
        await asyncio.gather(*self.mishaps, return_exceptions=True)
        for luck in (*self.lucks, *(node.luck for node in self.stage.nodes.values())):
            luck.heal()
        for name, node in list(self.stage.nodes.items()):
            if node in self.stage.graves:
                self.stage.start_manager(name).luck.heal()
                continue
            if not node.client.connected:
                node.client.reconnect()
            if node.process.stopped:
                node.process.go_on()

    async def _expect_a_leader(self) -> None:
        healed_ns = self.stage.store.read_time()
        await asyncio.sleep(LEADER_WITHIN_SECONDS)
        if self.stage.observed.led_at_ns < healed_ns:
            roles = {name: str(node.driver.role) for name, node in self.stage.nodes.items()}
            self.stage.fault(f"nobody led within {LEADER_WITHIN_SECONDS} s after the last fault: {roles}")

    async def _expect_all_ordered(self, workers: list[asyncio.Task[None]]) -> None:
        def all_done() -> bool:
            sent = all(worker.done() for worker in workers)
            settled = sent and not self._unordered() and not self.stage.waiting() and not self._outsiders()
            return bool(self.stage.problems()) or settled

        if await self.stage.until(all_done, ORDERED_WITHIN_SECONDS) is not None:
            return
        if outsiders := self._outsiders():
            self.stage.fault(f"never admitted: {outsiders}")
        if self._unordered() or self.stage.waiting():
            left = self.stage.waiting()
            self.stage.fault(f"{len(self._unordered())} commands never ordered; in the inbox: {left}")

    async def _expect_the_end(self) -> None:
        """A mesh that is ordered to close does, and nobody leads it afterwards."""
        if self.stage.problems():
            return
        await self._order(membership.CLOSE, {})
        if await self.stage.until(lambda: self.stage.head().closed, ORDERED_WITHIN_SECONDS) is None:
            self.stage.fault(f"not closed within {ORDERED_WITHIN_SECONDS} s")
        await asyncio.sleep(LEADER_WITHIN_SECONDS)
        if self.stage.leaders:
            self.stage.fault(f"{self.stage.leaders[0].name} leads a closed mesh")

    def _unordered(self) -> list[Command]:
        return [command for command in self.stage.unordered() if command.client not in self.dead]

    def _outsiders(self) -> list[str]:
        return [n.process.name for n in self.stage.outsiders() if f"{n.name}~{n.inc}" not in self.dead]

    async def _finish(self, workers: list[asyncio.Task[None]]) -> Report:
        self.stage.observed.check_all(self.stage.store)
        for worker in workers:
            if worker.done() and (error := worker.exception()) is not None:
                self.stage.fault(f"a worker failed: {error!r}")
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        report = self._reported()
        await self.stage.end()
        return report

    def _reported(self) -> Report:
        report, stage, checker = self.report, self.stage, self.stage.observed.checker
        report.problems = stage.problems()
        report.commits = stage.observed.commits
        report.terms = len(stage.observed.leaders)
        report.ordered = sum(checker.is_ordered(command) for command in stage.sent)
        report.depositions = sum(node.manager.depositions for node in (*stage.nodes.values(), *stage.graves))
        report.checked = frozenset(checker.checked)
        head = stage.store.documents()[paths.head(MESH)]
        report.fingerprint = f"{head.fields['nonce']} {head.update_time} {report.commits}"
        return report
