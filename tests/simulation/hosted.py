"""A seeded run of a mesh without a process: instances that die, triggers that are lost, wakes that come twice, a bad store."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from firemesh.core.messages import Command
from firemesh.errors import MeshError, StoreUnavailable
from firemesh.hosting.hosted_mesh import SHARED_MANAGER
from firemesh.hosting.hosted_meshes import HostedMeshes
from firemesh.ids import is_program
from firemesh.runtime.process import AgentProcess
from firemesh.runtime.scripted_behaviour import scripted_behaviour
from firemesh.store import paths
from firemesh.store.memory import MemoryClient
from tests.simulation.fate import CLIMATES, Luck
from tests.support.hosted import HostedLocalMesh
from tests.support.meshes import until

INSTANCES, WORKERS, COMMANDS = 3, 3, 12
SCHEDULE_SECONDS = 10.0
CALM_SECONDS_MAX = 120.0
GAME_SECONDS_MAX = 1200.0
DURATIONS_MS = {"reveal": 2000, "night": 10_000, "dawn": 2000, "discussion": 15_000, "ballot": 10_000, "dusk": 2000}


@dataclass(slots=True)
class HostedRun:
    """What one run has shown."""

    seed: int
    commands: int = 0
    deaths: int = 0
    """Activations that died before their end."""
    moves: int = 0
    """What programs did."""
    lost: list[str] = field(default_factory=list)
    leaders: set[str] = field(default_factory=set)
    ended_at: float = 0.0
    """The time of the loop: equal for equal seeds."""


class RoughHosting(HostedLocalMesh):
    """Instances as flaky as the seed says, until `heal`."""

    def __init__(self, seed: int, machine: str = "counter", setup: Mapping[str, Any] | None = None) -> None:
        super().__init__(machine, setup)
        self.run = HostedRun(seed)
        self.rng = random.Random(seed)
        self.luck = Luck(CLIMATES[seed % len(CLIMATES)], self.rng)
        self.living: list[MemoryClient] = []
        self.functions = [self._start(number) for number in range(INSTANCES)]
        self.sent: list[Command] = []
        self.rough = True

    def _start(self, place: int) -> HostedMeshes:
        """A fresh instance in this place; whatever was there before is dead: what it has sent may land, nothing else."""
        client = self.memory.client(f"function-{place}", self.luck.faults())
        if place < len(self.living):
            self.living[place].disconnect()
            self.living[place] = client
        else:
            self.living.append(client)
        return HostedMeshes(client, self)

    async def flaky_process(self, name: str) -> AgentProcess:
        process = await self.process(name, on_sent=self.sent.append, jitter=random.Random(self.rng.random()))
        self.clients[name].faults = self.luck.faults()
        return process

    def heal(self) -> None:
        self.luck.heal()
        self.rough = False

    def _spawn(self, on_request: bool = False) -> None:
        if not self.rough:
            super()._spawn(on_request)
            return
        if on_request and self.rng.random() < 0.1:
            return  # the trigger is lost
        for _ in range(self.rng.choice((1, 1, 1, 2))):
            asyncio.get_running_loop().create_task(self._activate_and_perhaps_die(on_request))

    async def _activate(self, function: HostedMeshes, on_request: bool) -> None:
        """Once it is calm: an instance may still die of what went before, and the queue tries a failed activation again."""
        while True:
            try:
                return await super()._activate(function, on_request)
            except StoreUnavailable:
                await asyncio.sleep(1)
                function = self.functions[0]

    async def _activate_and_perhaps_die(self, on_request: bool) -> None:
        await asyncio.sleep(self.rng.uniform(0, 0.5))
        place = self.rng.randrange(INSTANCES)
        function = self.functions[place]
        work = asyncio.create_task(function.on_request("m1") if on_request else function.activate("m1"))
        if self.rng.random() < 0.1:
            await asyncio.sleep(self.rng.uniform(0, 0.2))
            self.run.deaths += not work.done()
            self.functions[place] = self._start(place)
        await asyncio.gather(work, return_exceptions=True)


async def rough_run(seed: int) -> HostedRun:
    """Play one seed to its end; `lost` names every acknowledged command that was neither ordered nor refused."""
    mesh = RoughHosting(seed)
    await mesh.create()
    schedule = asyncio.create_task(_come_by(mesh))
    work = [asyncio.create_task(_speak(mesh, number)) for number in range(WORKERS)]
    managers = asyncio.create_task(_come_and_go(mesh))
    await asyncio.gather(*work)
    mesh.heal()
    await managers
    await until(lambda: mesh.all_of("inbox") == {}, seconds=CALM_SECONDS_MAX)
    schedule.cancel()
    await asyncio.gather(schedule, return_exceptions=True)
    _settle_accounts(mesh)
    await mesh.end()
    return mesh.run


async def rough_game(seed: int) -> HostedRun:
    """A person and programs play a whole game; whoever leads at a moment plays the programs."""
    setup = {"seats": 7, "programs": 6, "seed": seed, "durations_ms": DURATIONS_MS}
    mesh = RoughHosting(seed, "mafia", setup)
    await mesh.create()
    schedule = asyncio.create_task(_come_by(mesh))
    managers = asyncio.create_task(_come_and_go(mesh))
    process = await mesh.flaky_process("p1")
    await process.add_worker("w1", scripted_behaviour("mafia", "w1", seed=seed, pace=0.5))
    await managers
    await until(lambda: mesh.fields("views/public")["view"]["phase"] == "over", seconds=GAME_SECONDS_MAX, every=1.0)
    mesh.heal()
    await until(lambda: mesh.all_of("inbox") == {}, seconds=CALM_SECONDS_MAX)
    schedule.cancel()
    await asyncio.gather(schedule, return_exceptions=True)
    _settle_accounts(mesh)
    mesh.run.moves = sum(is_program(each.agent_id) for entry in mesh.stored()[1] for each in entry.batch)
    await mesh.end()
    return mesh.run


async def _come_by(mesh: RoughHosting) -> None:
    while True:
        await asyncio.sleep(SCHEDULE_SECONDS)
        try:
            await mesh.rng.choice(mesh.functions).rearm_all()
        except MeshError:
            continue


async def _speak(mesh: RoughHosting, number: int) -> None:
    process = await mesh.flaky_process(f"p{number}")
    worker = await process.add_worker(f"w{number}")
    for _ in range(COMMANDS):
        await asyncio.sleep(mesh.rng.uniform(0, 2))
        await worker.send_to_manager("counter.add", {"n": 1})


async def _come_and_go(mesh: RoughHosting) -> None:
    """A manager process comes, leads for a while, and is killed."""
    if mesh.rng.random() < 0.5:
        return
    await asyncio.sleep(mesh.rng.uniform(0, 10))
    process = await mesh.flaky_process("pm1")
    await mesh.within("pm1", process.add_manager("m1"))
    await asyncio.sleep(mesh.rng.uniform(0, 10))
    mesh.run.leaders.add(mesh.fields("consensus/head")["leader"])
    mesh.clients["pm1"].disconnect()
    await process.abandon()


def _settle_accounts(mesh: RoughHosting) -> None:
    ordered = {(each.client, each.seq) for entry in mesh.stored()[1] for each in entry.batch}
    refused = set(mesh.all_of("refused"))
    mesh.run.commands = len(mesh.sent)
    mesh.run.ended_at = asyncio.get_running_loop().time()
    mesh.run.leaders.add(SHARED_MANAGER)
    for each in mesh.sent:
        if (each.client, each.seq) not in ordered and paths.request_id(each.agent_id, each.inc, each.seq) not in refused:
            mesh.run.lost.append(f"{each.client}:{each.seq}")
