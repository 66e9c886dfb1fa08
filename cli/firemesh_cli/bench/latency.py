"""How long a command takes to show in another agent's view, against two raw hops through the same emulator.

A command goes from an agent in this process to the inbox, from there to the leader in a process of its own, and by its commit
to another agent here. The raw hops take the same way without a mesh: a document is set, a process that listens to it sets a
second one, and that is heard here. A third way gives the store the same work as a command does, without any thought: a
document is created in a collection that is listened to, and deleted by a commit of four. A fourth does that with a document
in the inbox's place, where there is nothing to delete. All go in turns, so the emulator and the machine are the same for all.

To tell a collection's listener of a change, the emulator looks through every document that it has ever held, deleted ones too.
So what a command takes grows with those before it. Firestore does not do that; to measure what is comparable, each emulator
sees no more commands than a game of twelve has, and the raw ways write the same few documents again and again.
"""

import asyncio
import itertools
import math
import statistics
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
    from firemesh_cli.stack.supervisor import LocalStack

PROJECT = "demo-latency"
MESH = "bench"
RATIO_MAX = 1.5
"""The goal."""
ROW = "command to view, against two raw hops"
WORK_ROW = "the same, against the same work for the store"
DOCUMENT_ROW = "the same, with a document in the inbox's place"
RAW_WARM_UP_TURNS = 400
WARM_UP_TURNS = 20
"""Of all ways, after the raw ones have warmed up the emulator: few, because each command leaves two documents."""
BLOCK_TURNS = 60
"""A block takes a second or more, so that the load of others is known."""
BLOCKS_PER_EMULATOR = 3
BLOCKS_PER_REPEAT = 2
"""How often a block is tried at most for each that is wanted, while others use the machine."""
PAUSE_SECONDS = 0.005
"""Between two turns, so that one does not disturb the next."""
TURN_SECONDS_MAX = 30.0
COMMAND_TEXT = "x" * 60
"""About as long as what a command says besides its number."""

Way = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Block:
    """Medians of some turns, in milliseconds, and the cores that others used meanwhile."""

    command_ms: float
    raw_ms: float
    work_ms: float
    document_ms: float
    foreign_cores: float

    @property
    def quiet(self) -> bool:
        """Whether the latencies can be believed."""
        return self.foreign_cores < FOREIGN_CORES_MAX


def measure(root: Path, repeats: int) -> Section:
    """Measure until `repeats` blocks were undisturbed, within limits. Raises LocalStackError when something does not start."""
    return summary(asyncio.run(_measure(root, repeats)), repeats)


def summary(blocks: list[Block], wanted: int) -> Section:
    """The section: of undisturbed blocks alone, unless fewer than wanted were; then of all, and not judged."""
    quiet = [block for block in blocks if block.quiet]
    judged = len(quiet) >= wanted
    used = quiet if judged else blocks
    rows = {
        ROW: _row(used, lambda block: block.raw_ms),
        WORK_ROW: _row(used, lambda block: block.work_ms),
        DOCUMENT_ROW: _row(used, lambda block: block.document_ms),
    }
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


async def _measure(root: Path, repeats: int) -> list[Block]:
    from firemesh_cli.stack.supervisor import LocalStack

    blocks: list[Block] = []
    for _ in range(math.ceil(BLOCKS_PER_REPEAT * repeats / BLOCKS_PER_EMULATOR)):
        with LocalStack(root, project=PROJECT) as stack:
            blocks += await _blocks(stack)
        if sum(block.quiet for block in blocks) >= repeats:
            break
    return blocks


async def _blocks(stack: "LocalStack") -> list[Block]:
    """What a fresh emulator is good for."""
    async with AsyncExitStack() as around:
        raw_ways = [
            await _raw_way(around, stack, "hops", "raw/heard", "pass-on"),
            await _raw_way(around, stack, "work", "raw/mesh/inbox", "order"),
            await _raw_way(around, stack, "work-of-one", "raw/box", "order"),
        ]
        await _turns(raw_ways, RAW_WARM_UP_TURNS, 0)
        ways = [await _commands(around, stack), *raw_ways]
        await _turns(ways, WARM_UP_TURNS, 0)
        blocks: list[Block] = []
        for _ in range(BLOCKS_PER_EMULATOR):
            load = ForeignLoad()
            command_ms, raw_ms, work_ms, document_ms = await _turns(ways, BLOCK_TURNS, PAUSE_SECONDS)
            blocks.append(Block(command_ms, raw_ms, work_ms, document_ms, load.cores()))
    return blocks


async def _turns(ways: list[Way], count: int, pause_seconds: float) -> list[float]:
    """Go all ways in turns; the medians of what each took, in milliseconds."""
    took_ms: list[list[float]] = [[] for _ in ways]
    for _ in range(count):
        for way, took in zip(ways, took_ms, strict=True):
            await asyncio.sleep(pause_seconds)
            started = time.perf_counter()
            async with asyncio.timeout(TURN_SECONDS_MAX):
                await way()
            took.append(1000 * (time.perf_counter() - started))
    return [statistics.median(each) for each in took_ms]


async def _raw_way(around: AsyncExitStack, stack: "LocalStack", name: str, subject: str, duty: str) -> Way:
    """By way of `subject`, a document or a collection, and of a process that hears of it and does its duty."""
    from firemesh_cli.bench.floor.raw import RawClient, is_collection
    from firemesh_cli.bench.floor.relay import SLOTS

    raw = await around.enter_async_context(RawClient(PROJECT, stack.firestore_host))
    answer, many = f"answers/{name}", is_collection(subject)
    for path in (answer,) if many else (answer, subject):
        await raw.set(path, {"n": 0})
    arguments = ("firemesh_cli.bench.floor.relay", PROJECT, stack.firestore_host, subject, answer, duty)
    await around.enter_async_context(child(stack, f"relay-{name}", *arguments))
    (heard,) = await raw.listen(answer)
    await heard.get()
    numbers = itertools.count(1)

    async def go() -> None:
        number = next(numbers)
        path = f"{subject}/{number % SLOTS}" if many else subject
        await raw.set(path, {"n": number, "text": COMMAND_TEXT}, create=many)
        while (await heard.get())["n"] != number:
            pass

    return go


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
    sent = itertools.count(1)

    async def go() -> None:
        await sender.send_to_manager("counter.add", {"n": 1})
        total = next(sent)
        while await anext(totals) < total:
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
