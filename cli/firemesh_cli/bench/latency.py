"""How long a command takes to show in another agent's view, against two raw hops through the same emulator.

A command goes from an agent in this process to the inbox, from there to the leader in a process of its own, and by its commit
to another agent here. The raw hops take the same way without a mesh: a document is set, a process that listens to it sets a
second one, and that is heard here. A third way gives the store the same work as a command does, without any thought: a
document is created in a collection that is listened to, and deleted by a commit of four. All go in turns, so the emulator and
the machine are the same for all.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firemesh_cli.bench.children import child
from firemesh_cli.bench.load import FOREIGN_CORES_MAX, ForeignLoad
from firemesh_cli.bench.section import Section

if TYPE_CHECKING:
    from firemesh_cli.bench.floor.raw import RawClient
    from firemesh_cli.stack.supervisor import LocalStack

PROJECT = "demo-latency"
MESH = "bench"
RATIO_MAX = 1.5
"""The goal."""
ROW = "command to view, against two raw hops"
WORK_ROW = "the same, against the same work for the store"
WARM_UP_TURNS = 150
BLOCK_TURNS = 60
"""A block takes a second or more, so that the load of others is known."""
BLOCKS_PER_REPEAT = 3
"""How often a block is tried at most for each that is wanted, while others use the machine."""
PAUSE_SECONDS = 0.005
"""Between two turns, so that one does not disturb the next."""
TURN_SECONDS_MAX = 30.0
SUBJECT, OBJECT = "raw/heard", "raw/written"
INBOX, WORKED = "raw/mesh/inbox", "raw/worked"
COMMAND_TEXT = "x" * 60
"""About as long as what a command says besides its number."""

Way = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Block:
    """Medians of some turns, in milliseconds, and the cores that others used meanwhile."""

    command_ms: float
    raw_ms: float
    work_ms: float
    foreign_cores: float

    @property
    def quiet(self) -> bool:
        """Whether the latencies can be believed."""
        return self.foreign_cores < FOREIGN_CORES_MAX


def measure(root: Path, repeats: int) -> Section:
    """Measure until `repeats` blocks were undisturbed, within limits. Raises LocalStackError when something does not start."""
    from firemesh_cli.stack.supervisor import LocalStack

    with LocalStack(root, project=PROJECT) as stack:
        blocks = asyncio.run(_measure(stack, repeats))
    return summary(blocks, repeats)


def summary(blocks: list[Block], wanted: int) -> Section:
    """The section: of undisturbed blocks alone, unless fewer than wanted were; then of all, and not judged."""
    quiet = [block for block in blocks if block.quiet]
    judged = len(quiet) >= wanted
    used = quiet if judged else blocks
    rows = {ROW: _row(used, lambda block: block.raw_ms), WORK_ROW: _row(used, lambda block: block.work_ms)}
    ratio = rows[ROW][2]
    return Section(
        title="latency",
        about=f"milliseconds, medians of {len(used)} blocks of {BLOCK_TURNS} turns; goal: at most {RATIO_MAX} x two raw hops, "
        f"judged where others use less than {FOREIGN_CORES_MAX} cores",
        columns=("firemesh_ms", "raw_ms", "ratio", "foreign_cores"),
        rows=rows,
        missed=(ROW,) if judged and ratio > RATIO_MAX else (),
        not_judged=() if judged else (ROW,),
        headline={"command_to_view_ratio": ratio} if judged else {},
    )


def _row(blocks: list[Block], floor_ms: Callable[[Block], float]) -> tuple[float, float, float, float]:
    figures = [(each.command_ms, floor_ms(each), each.command_ms / floor_ms(each), each.foreign_cores) for each in blocks]
    command_ms, raw_ms, ratio, foreign_cores = (round(statistics.median(each), 2) for each in zip(*figures, strict=True))
    return command_ms, raw_ms, ratio, foreign_cores


async def _measure(stack: "LocalStack", repeats: int) -> list[Block]:
    async with AsyncExitStack() as around:
        ways = [await _commands(around, stack), await _raw_hops(around, stack), await _raw_work(around, stack)]
        turns = iter(range(1, sys.maxsize))
        for _ in range(WARM_UP_TURNS):
            await _block(ways, turns, 1)
        blocks: list[Block] = []
        for _ in range(BLOCKS_PER_REPEAT * repeats):
            load = ForeignLoad()
            command_ms, raw_ms, work_ms = await _block(ways, turns, BLOCK_TURNS)
            blocks.append(Block(command_ms, raw_ms, work_ms, load.cores()))
            if sum(block.quiet for block in blocks) >= repeats:
                break
    return blocks


async def _block(ways: list[Way], turns: Any, count: int) -> list[float]:
    """Go all ways in turns; the medians of what each took, in milliseconds."""
    took_ms: list[list[float]] = [[] for _ in ways]
    for _ in range(count):
        turn = next(turns)
        for way, took in zip(ways, took_ms, strict=True):
            await asyncio.sleep(PAUSE_SECONDS)
            started = time.perf_counter()
            async with asyncio.timeout(TURN_SECONDS_MAX):
                await way(turn)
            took.append(1000 * (time.perf_counter() - started))
    return [statistics.median(each) for each in took_ms]


async def _raw_hops(around: AsyncExitStack, stack: "LocalStack") -> Way:
    raw, heard = await _relayed(around, stack, SUBJECT, OBJECT)

    async def go(turn: int) -> None:
        await raw.set(SUBJECT, {"n": turn})
        while (await heard.get())["n"] != turn:
            pass

    return go


async def _raw_work(around: AsyncExitStack, stack: "LocalStack") -> Way:
    raw, heard = await _relayed(around, stack, INBOX, WORKED)

    async def go(turn: int) -> None:
        await raw.set(f"{INBOX}/{turn}", {"n": turn, "text": COMMAND_TEXT}, create=True)
        while (await heard.get())["n"] != turn:
            pass

    return go


async def _relayed(around: AsyncExitStack, stack: "LocalStack", subject: str, answer: str) -> tuple["RawClient", Any]:
    """A raw client, and what it hears of `answer` once a process of its own writes there what it hears of `subject`."""
    from firemesh_cli.bench.floor.raw import RawClient

    raw = await around.enter_async_context(RawClient(PROJECT, stack.firestore_host))
    for path in (SUBJECT, answer):
        await raw.set(path, {"n": 0})
    arguments = ("firemesh_cli.bench.floor.relay", PROJECT, stack.firestore_host, subject, answer)
    await around.enter_async_context(child(stack, f"relay-{answer.rpartition('/')[2]}", *arguments))
    (heard,) = await raw.listen(answer)
    await heard.get()
    return raw, heard


async def _commands(around: AsyncExitStack, stack: "LocalStack") -> Way:
    """An agent that sends, a leader in its own process, and what another agent, on a connection of its own, sees."""
    from firemesh.runtime.mesh import Mesh
    from firemesh.runtime.process import AgentProcess
    from firemesh.store.firestore import FirestoreStore

    store, other = (FirestoreStore(PROJECT, host=stack.firestore_host) for _ in range(2))
    for each in (store, other):
        around.push_async_callback(each.close)
    await Mesh.create(store, MESH, machine="counter", setup={})
    leader = ("--mesh", MESH, "--host", stack.firestore_host, "--type", "manager", "--agents", "m1", "--process", "leading")
    await around.enter_async_context(child(stack, "leading", "firemesh_cli", "agent", "run", *leader))
    process = await AgentProcess.open(store, MESH, "sending")
    around.push_async_callback(process.abandon)
    sender = await process.add_worker("w1")
    totals = await around.enter_async_context(aclosing(_totals(other)))

    async def go(turn: int) -> None:
        await sender.send_to_manager("counter.add", {"n": 1})
        while await anext(totals) < turn:
            pass

    return go


async def _totals(store: Any) -> AsyncGenerator[int, None]:
    """What an agent that listens to the public view is shown."""
    from firemesh.runtime.watch_supervisor import supervised
    from firemesh.store.mesh_store import MeshStore

    mesh = MeshStore(store, MESH)
    async with aclosing(supervised(lambda: mesh.watch_document("views/public"))) as snapshots:
        async for snapshot in snapshots:
            for document in snapshot.documents.values():
                yield document.fields["view"]["total"]
