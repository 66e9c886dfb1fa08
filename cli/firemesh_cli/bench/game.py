"""What a whole game is billed, to the document, played in virtual time.

The programs are those of the demo: three processes with a manager each, and three with four scripted players each. Time and
store are others: the clock jumps, and the store is the one in memory, which bills as the meter does. So a game follows from
its seed alone, and its figures are exact. When it is over its processes stay, until twenty minutes have passed since the
first of them came.
"""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from firemesh.core.params import DEFAULT, THRIFTY, Params
from firemesh.runtime.mesh import Mesh
from firemesh.runtime.process import AgentProcess
from firemesh.runtime.pulse import HeartbeatPolicy
from firemesh.runtime.scripted_behaviour import scripted_behaviour
from firemesh.store.base import Delete
from firemesh.store.documents import kind_of
from firemesh.store.memory import CommitRecord
from firemesh_cli.bench import virtual_time
from firemesh_cli.bench.budget import over_budget
from firemesh_cli.bench.metered_memory import MeteredMemory
from firemesh_cli.bench.section import Section
from firemesh_cli.demo.options import MANAGER_PROCESSES, WORKER_PROCESSES, DemoOptions
from firemesh_cli.stack.prices import read_equivalents
from firemesh_cli.stack.reading import Billed, MeterReading

READ_EQUIVALENTS_MAX = 2_200
"""The goal for the first match. What tutorials teach takes 185,700 for a game of as many commands."""

LIVENESS_SECONDS = 1_200.0
MESH = "game"
PUBLIC = f"meshes/{MESH}/views/public"
COLUMNS = ("commands", "reads", "writes", "deletes", "read_equivalents", "without_liveness")


THRIFTY_BEAT = HeartbeatPolicy.every(60_000)
"""As `firemesh agent run --heartbeat-ms 60000` has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which game is played, and in which rhythm its mesh lives."""

    seed: int = 1
    params: Params = THRIFTY
    heartbeat: HeartbeatPolicy = THRIFTY_BEAT


GOAL = "seed 1, thrifty"
MATCHES: Mapping[str, Match] = {
    GOAL: Match(),
    "seed 7, thrifty": Match(seed=7),
    "seed 1, default": Match(params=DEFAULT, heartbeat=HeartbeatPolicy()),
}


@dataclass(frozen=True, slots=True)
class Played:
    """What a game was, and what it was billed.

    `liveness` is what keeps a mesh alive in which nobody says a word: signs of life, commits that only renew the lease,
    and what standbys read of the head.
    """

    winner: str
    commands: int
    billed: MeterReading
    liveness: Billed

    def figures(self) -> tuple[int, ...]:
        """A row of the section."""
        total = self.billed.total
        costs = (read_equivalents(total), read_equivalents(total - self.liveness))
        return (self.commands, total.reads, total.writes, total.deletes, *map(round, costs))


def measure(root: Path, repeats: int) -> Section:
    """Play every match once: nothing varies."""
    rows = {name: play(match).figures() for name, match in MATCHES.items()}
    spent = dict(zip(COLUMNS, rows[GOAL], strict=True))
    too_dear = (GOAL,) if spent["read_equivalents"] > READ_EQUIVALENTS_MAX else ()
    return Section(
        title="game",
        about="billed documents of a game of 12 seats and of 20 minutes of liveness, exact; "
        f"goal: {GOAL} takes at most {READ_EQUIVALENTS_MAX} read-equivalents (R + 3 W + D / 3)",
        columns=COLUMNS,
        rows=rows,
        missed=tuple(dict.fromkeys(too_dear + over_budget("game", COLUMNS, rows))),
        headline={
            "game_read_equivalents": {
                "without_liveness": spent["without_liveness"],
                "with_liveness": spent["read_equivalents"],
            }
        },
    )


def play(match: Match) -> Played:
    """Play one game to its end."""
    return virtual_time.run(_play(match))


async def _play(match: Match) -> Played:
    table = _Table(match)
    async with asyncio.TaskGroup() as both:
        both.create_task(asyncio.sleep(LIVENESS_SECONDS))
        await table.sit_down()
        await table.over.wait()
    billed = table.counts()
    await table.leave()
    return Played(table.winner, table.commands, billed, table.liveness(billed))


class _Table:
    """The store, and the processes that play over it."""

    def __init__(self, match: Match) -> None:
        self.over = asyncio.Event()
        self.winner = ""
        self.commands = 0
        self._match = match
        self._options = DemoOptions(seed=match.seed)
        self._memory = MeteredMemory(on_commit=self._note)
        self._renewing_writes = 0
        self._processes: list[AgentProcess] = []
        self.counts = self._memory.counts

    async def sit_down(self) -> None:
        """Create the mesh and start every process, one after the other."""
        setup, params = self._options.setup, self._match.params
        await Mesh.create(self._memory.client("operator"), MESH, machine="mafia", setup=setup, params=params)
        for number in range(1, MANAGER_PROCESSES + 1):
            await (await self._process(f"managers-{number}")).add_manager(f"m{number}")
        seats = self._options.seats // WORKER_PROCESSES
        for number in range(WORKER_PROCESSES):
            process = await self._process(f"workers-{number + 1}")
            await asyncio.gather(*(self._seat(process, each) for each in range(number * seats, (number + 1) * seats)))

    def liveness(self, billed: MeterReading) -> Billed:
        """See `Played`."""
        kinds = billed.by_kind
        return kinds["liveness"] + Billed(reads=kinds["head"].reads, writes=self._renewing_writes)

    async def leave(self) -> None:
        """End all processes without a word."""
        for process in self._processes:
            await process.abandon()

    async def _process(self, name: str) -> AgentProcess:
        client, jitter = self._memory.client(name), random.Random(name)
        process = await AgentProcess.open(
            client, MESH, name, heartbeat=self._match.heartbeat, jitter=jitter, on_sent=self._count
        )
        self._processes.append(process)
        return process

    async def _seat(self, process: AgentProcess, number: int) -> None:
        agent, seed, pace = f"p{number + 1:02d}", self._options.seed, self._options.pace
        await process.add_worker(agent, scripted_behaviour("mafia", agent, seed=seed, number=number, pace=pace))

    def _count(self, _: object) -> None:
        self.commands += 1

    def _note(self, record: CommitRecord) -> None:
        kinds = {kind_of(write.path) for write in record.writes}
        if "head" in kinds and kinds <= {"head", "views"}:
            self._renewing_writes += len(record.writes)
        for write in record.writes:
            if write.path == PUBLIC and not isinstance(write, Delete) and write.fields["view"].get("phase") == "over":
                self.winner = write.fields["view"]["winner"]
                self.over.set()
