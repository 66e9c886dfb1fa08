"""A mesh of thirty agents that beats every half second for five minutes, while its workers send commands: is anything lost?

Three processes run a manager and nine workers each. Afterwards every command that a sender knew to be in the inbox must stand
in the log exactly once, nobody may have been declared dead, and nobody may have taken over. What the mesh used in that time
is billed as an hour of it; the meter stands between the processes and the emulator, and this process looks past it.
"""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firemesh.errors import LocalStackError
from firemesh_cli.bench.children import child
from firemesh_cli.bench.crew import WORKERS
from firemesh_cli.bench.load import TICKS_PER_SECOND, ForeignLoad
from firemesh_cli.bench.section import Section
from firemesh_cli.stack.prices import dollars

if TYPE_CHECKING:
    from firemesh.store.mesh_store import MeshStore
    from firemesh_cli.stack.meter import Meter
    from firemesh_cli.stack.reading import Billed
    from firemesh_cli.stack.supervisor import LocalStack

PROJECT = "demo-soak"
MESH = "bench"
PROCESSES = 3
AGENTS = PROCESSES * (1 + WORKERS)
SOAK_SECONDS = 300.0
SETTLE_SECONDS = 1.0
"""For what is being sent when the sending ends."""
SETTLE_SECONDS_MAX = 60.0
PAGE = 200
HOUR_SECONDS = 3600
WRONG = ("commands lost", "commands ordered twice", "members lost", "takeovers")
"""The rows whose goal is 0."""


@dataclass(frozen=True, slots=True)
class Used:
    """What the processes of the mesh had used up to some moment, or held at it."""

    ticks: int
    megabytes: float
    threads: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was sent and what the log says of it, and who is still there."""

    sent: Counter[str]
    ordered: Counter[str]
    members_lost: int
    """Declared dead, whether they came back or not, or not there at the end."""
    takeovers: int


def measure(root: Path, repeats: int) -> Section:
    """Run it once. Raises LocalStackError when something does not start, or what was sent is not dealt with in a minute."""
    from firemesh_cli.stack.supervisor import LocalStack

    with LocalStack(root, project=PROJECT) as stack:
        return asyncio.run(_soak(stack, SOAK_SECONDS))


async def _soak(stack: "LocalStack", seconds: float) -> Section:
    from firemesh.runtime.mesh import Mesh
    from firemesh.store.firestore import FirestoreStore
    from firemesh.store.mesh_store import MeshStore
    from firemesh_cli.stack.meter import Meter

    async with AsyncExitStack() as around:
        store = FirestoreStore(PROJECT, host=stack.firestore_host)
        around.push_async_callback(store.close)
        await Mesh.create(store, MESH, machine="counter", setup={})
        mesh = MeshStore(store, MESH)
        meter = await around.enter_async_context(Meter(stack.firestore_host))
        journals = [stack.log_folder / f"crew-{number}.sent" for number in range(1, PROCESSES + 1)]
        pids = [await _crew(around, stack, meter.host, number, path) for number, path in enumerate(journals, start=1)]
        term = (await mesh.read_head())[0].term
        consumption = await _consumption(pids, meter, seconds)
        judged = _judged(await _outcome(mesh, journals, term))
    return Section(
        title="soak",
        about=f"{AGENTS} agents in {PROCESSES} processes for {seconds:.0f} s, figures of all together",
        columns=("figure",),
        rows={name: (figure,) for name, figure in {**judged, **consumption}.items()},
        missed=tuple(name for name in WRONG if judged[name]),
    )


async def _consumption(pids: list[int], meter: "Meter", seconds: float) -> Mapping[str, float]:
    """Let the workers send for some time; what the processes used and were billed meanwhile."""
    load, started, used, billed = ForeignLoad(), time.monotonic(), _used(pids), meter.counts().total
    _signal(pids)
    await asyncio.sleep(seconds)
    took_seconds, used_then, spent = time.monotonic() - started, _used(pids), meter.counts().total - billed
    foreign_cores = load.cores()
    _signal(pids)
    return {
        "processor, % of a core": round(100 * (used_then.ticks - used.ticks) / TICKS_PER_SECOND / took_seconds, 1),
        "memory, MB": round(used_then.megabytes),
        "memory grown, MB": round(used_then.megabytes - used.megabytes, 1),
        "threads": used_then.threads,
        **_hourly(spent, took_seconds),
        "cores used by others": foreign_cores,
    }


def _judged(outcome: Outcome) -> Mapping[str, int]:
    return {
        "commands sent": outcome.sent.total(),
        "commands lost": (outcome.sent - outcome.ordered).total(),
        "commands ordered twice": sum(times - 1 for times in outcome.ordered.values()),
        "members lost": outcome.members_lost,
        "takeovers": outcome.takeovers,
    }


def _hourly(spent: "Billed", seconds: float) -> Mapping[str, float]:
    hours = seconds / HOUR_SECONDS
    return {
        "reads per hour": round(spent.reads / hours),
        "writes per hour": round(spent.writes / hours),
        "deletes per hour": round(spent.deletes / hours),
        "dollars per hour": round(dollars(spent) / hours, 4),
    }


async def _crew(around: AsyncExitStack, stack: "LocalStack", host: str, number: int, journal: Path) -> int:
    """Start one process; its pid."""
    arguments = (PROJECT, host, MESH, str(number), str(journal))
    crew = await around.enter_async_context(child(stack, f"crew-{number}", "firemesh_cli.bench.crew", *arguments))
    return crew.process.pid


def _signal(pids: list[int]) -> None:
    try:
        for pid in pids:
            os.kill(pid, signal.SIGUSR1)
    except ProcessLookupError as error:
        raise LocalStackError("a process of the mesh has ended by itself; see the newest folder in .firemesh/logs") from error


def _used(pids: list[int]) -> Used:
    ticks, kilobytes, threads = 0, 0, 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        kilobytes += int(status["VmRSS"].split()[0])
        threads += int(status["Threads"])
    return Used(ticks, kilobytes / 1024, threads)


async def _outcome(mesh: "MeshStore", journals: list[Path], first_term: int) -> Outcome:
    """Wait until everything sent is dealt with, then read the log. Raises LocalStackError when that takes over a minute."""
    from firemesh.core.membership import MEMBER_DEAD, MemberStatus
    from firemesh.store import paths

    await asyncio.sleep(SETTLE_SECONDS)
    try:
        async with asyncio.timeout(SETTLE_SECONDS_MAX):
            async for snapshot in mesh.watch_inbox():
                if not snapshot.documents:
                    break
    except TimeoutError as error:
        raise LocalStackError(f"commands still lie in the inbox after {SETTLE_SECONDS_MAX:.0f} s") from error
    sent = Counter(line for journal in journals for line in journal.read_text(encoding="utf-8").splitlines())
    head = (await mesh.read_head())[0]
    ordered: Counter[str] = Counter()
    deaths = 0
    for first in range(head.first_index, head.last_index + 1, PAGE):
        for entry in await mesh.read_entries(first, min(first + PAGE - 1, head.last_index)):
            ordered.update(_name(command) for command in entry.batch if command.kind == "counter.add")
            deaths += sum(command.kind == MEMBER_DEAD for command in entry.batch)
    rows = (await mesh.store.list_documents(paths.agents(MESH))).documents.values()
    alive = sum(row.fields["status"] == MemberStatus.ALIVE for row in rows)
    return Outcome(sent, ordered, deaths + AGENTS - alive, head.term - first_term)


def _name(command: Any) -> str:
    """A command as the journal writes it."""
    return f"{command.agent_id} {command.inc} {command.seq}"
