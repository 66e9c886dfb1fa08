"""What the death of a leader costs, to the document: three managers over the store in memory, in virtual time."""

import asyncio
import random

import pytest

from firemesh.core.effects import ManagerRole
from firemesh.core.messages import Head
from firemesh.core.params import TEST
from firemesh.runtime.manager_agent import ManagerAgent
from firemesh.runtime.mesh import Mesh
from firemesh.runtime.process import AgentProcess
from firemesh_cli.bench import virtual_time
from firemesh_cli.bench.metered_memory import MeteredMemory
from firemesh_cli.stack.reading import Billed, MeterReading
from tests.support.meshes import until

MANAGERS = ("pm1", "pm2", "pm3")


class Trio:
    """Three processes with a manager each; m1 leads until it dies."""

    def __init__(self, seed: int) -> None:
        self.memory = MeteredMemory()
        self.managers: list[ManagerAgent] = []
        self.processes: list[AgentProcess] = []
        self._seed = seed

    async def start(self) -> None:
        await Mesh.create(self.memory.client("operator"), "m", machine="counter", setup={}, params=TEST)
        for name in MANAGERS:
            jitter = random.Random(f"{self._seed} {name}")
            self.processes.append(await AgentProcess.open(self.memory.client(name), "m", name, jitter=jitter))
            self.managers.append(await self.processes[-1].add_manager(name[1:]))
        await asyncio.sleep(3 * TEST.renew_ms / 1000)  # every listener that had to start has started

    async def succeed(self) -> int:
        """Have the leader die; the place of whoever leads after it."""
        await self.processes[0].abandon()
        await until(lambda: any(manager.role is ManagerRole.LEADER for manager in self.managers), every=0.001)
        return [manager.role for manager in self.managers].index(ManagerRole.LEADER)

    async def end(self) -> None:
        for process in self.processes:
            await process.abandon()

    def head(self, place: int) -> Head:
        return self.managers[place].driver.manager.state.head


def of(spent: MeterReading, client: str, kind: str) -> Billed:
    return spent.by_client_kind.get((client, kind), Billed())


async def take_over(seed: int) -> None:
    trio = Trio(seed)
    await trio.start()
    before, term = trio.memory.counts(), trio.head(0).term
    place = await trio.succeed()
    spent, terms = trio.memory.counts() - before, trio.head(place).term - term
    winner, other = MANAGERS[place], MANAGERS[3 - place]
    assert [of(spent, winner, kind).writes for kind in ("head", "log", "views", "votes")] == [1, 1, 1, terms]
    assert [of(spent, other, kind).writes for kind in ("head", "log", "views")] == [0, 0, 0]
    assert of(spent, other, "votes").writes <= terms
    for candidate in (winner, other):
        looks, rest = divmod(of(spent, candidate, "votes").reads, len(MANAGERS))
        assert rest == 0
        assert looks <= 12
        assert of(spent, candidate, "head").reads - looks <= 1  # the first look is at the head alone
    await trio.end()


@pytest.mark.parametrize("seed", range(10))
def test_a_takeover_costs_head_log_and_topology_a_vote_per_term_and_four_reads_per_look(seed: int) -> None:
    virtual_time.run(take_over(seed))
