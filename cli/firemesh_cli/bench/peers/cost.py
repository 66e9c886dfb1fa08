"""What an hour of a mesh costs, against the number of its agents.

Three managers and so many workers, each in a process of its own, which is the dearest way to run them; everybody listens to the
public view. Played in virtual time on a store that bills as the meter does: the figures are exact, and the same on every
machine.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from firemesh.core.params import DEFAULT, THRIFTY, Params
from firemesh.runtime.behaviour import Intent
from firemesh.runtime.mesh import Mesh
from firemesh.runtime.process import AgentProcess
from firemesh.runtime.pulse import HeartbeatPolicy
from firemesh.runtime.worker_agent import WorkerAgent
from firemesh_cli.bench import virtual_time
from firemesh_cli.bench.game import THRIFTY_BEAT
from firemesh_cli.bench.metered_memory import MeteredMemory
from firemesh_cli.stack.prices import dollars

AGENTS = (5, 10, 20, 30)
MANAGERS = 3
MESH = "cost"
SETTLED_SECONDS = 360.0
"""Whoever has nothing to do shows rarely that it lives, from the sixth minute on."""
MEASURED_SECONDS = 240.0
"""A multiple of all that repeats itself."""


@dataclass(frozen=True, slots=True)
class Life:
    """How a mesh lives: its timing, how often it shows that it lives, and how much each worker says."""

    params: Params
    heartbeat: HeartbeatPolicy
    commands_per_minute: int = 0


LIVES: Mapping[str, Life] = {
    "each speaks once a minute": Life(DEFAULT, HeartbeatPolicy(), 1),
    "the same, thrifty": Life(THRIFTY, THRIFTY_BEAT, 1),
    "nobody speaks": Life(DEFAULT, HeartbeatPolicy()),
    "nobody speaks, thrifty": Life(THRIFTY, THRIFTY_BEAT),
}


def measure() -> dict[str, dict[int, float]]:
    """Dollars for an hour, by life and number of agents."""
    return {name: {agents: round(dollars_per_hour(life, agents), 4) for agents in AGENTS} for name, life in LIVES.items()}


def dollars_per_hour(life: Life, agents: int) -> float:
    """The bill of one hour at list price, without the free quota."""
    return virtual_time.run(_hour(life, agents))


async def _hour(life: Life, agents: int) -> float:
    memory = MeteredMemory()
    await Mesh.create(memory.client("operator"), MESH, machine="counter", setup={}, params=life.params)
    processes = []

    async def process(name: str) -> AgentProcess:
        client, jitter = memory.client(name), random.Random(name)
        processes.append(await AgentProcess.open(client, MESH, name, heartbeat=life.heartbeat, jitter=jitter))
        return processes[-1]

    for number in range(MANAGERS):
        await (await process(f"managers-{number}")).add_manager(f"m{number}")
    workers = [await (await process(f"workers-{number}")).add_worker(f"w{number}", _Hearer()) for number in range(agents)]
    speaking = [asyncio.create_task(_speak(worker, life, number / agents)) for number, worker in enumerate(workers)]
    await asyncio.sleep(SETTLED_SECONDS)
    before = memory.counts().total
    await asyncio.sleep(MEASURED_SECONDS)
    billed = memory.counts().total - before
    for task in speaking:
        task.cancel()
    for each in processes:
        await each.abandon()
    return dollars(billed) * 3600 / MEASURED_SECONDS


async def _speak(worker: WorkerAgent, life: Life, share: float) -> None:
    """Speak in turn with the others, evenly over each minute."""
    if life.commands_per_minute == 0:
        return
    pause_seconds = 60 / life.commands_per_minute
    await asyncio.sleep(share * pause_seconds)
    while True:
        await worker.send_to_manager("counter.add", {"n": 1})
        await asyncio.sleep(pause_seconds)


class _Hearer:
    """Listens, as any worker with a behaviour does, and wants nothing. See `Behaviour`."""

    def moment(self, public: Mapping[str, Any], own: Mapping[str, Any]) -> str:
        return ""

    def decide(self, public: Mapping[str, Any], own: Mapping[str, Any]) -> Sequence[Intent]:
        return ()

    def memory(self) -> Mapping[str, Any]:
        return {}

    def restore(self, memory: Mapping[str, Any]) -> None:
        pass
