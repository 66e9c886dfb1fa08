"""What a mesh costs, counted from outside: nothing is billed more than its row in the committed table."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from firemesh.core.messages import Head
from firemesh_cli.bench import mesh_operations
from firemesh_cli.bench.budget import budget, over_budget
from firemesh_cli.stack.meter import Meter
from firemesh_cli.stack.reading import Billed, MeterReading
from tests.integration.crew import PATIENCE_SECONDS, Crew

MANAGERS = ("pm1", "pm2", "pm3")
NOTHING = Billed()
CALM_SECONDS = 0.05
"""A commit is answered and counted long before; the next renewal is ten times as far."""


class Bill:
    """A mesh of three managers, m1 leading, all behind a meter. The observer goes past it."""

    def __init__(self, crew: Crew, meter: Meter) -> None:
        self.crew = crew
        self._meter = meter

    async def now(self) -> tuple[MeterReading, Head]:
        """What was billed so far, and the head to which that belongs: both unchanged for a while, so nothing is on its way."""
        seen = await self._look()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                await asyncio.sleep(CALM_SECONDS)
                before, seen = seen, await self._look()
                if (before[0].by_client_kind, before[1]) == (seen[0].by_client_kind, seen[1]):
                    return seen

    async def _look(self) -> tuple[MeterReading, Head]:
        head, _, _ = await self.crew.documents.read_head()
        return self._meter.counts(), head

    async def renewals(self, count: int) -> None:
        """Wait until the head was written so many times more."""
        seq = self.crew.observer.head.seq
        await self.crew.until(lambda: self.crew.observer.head.seq >= seq + count)


@asynccontextmanager
async def billed(host: str, folder: Path) -> AsyncIterator[Bill]:
    async with Meter(host) as meter, Crew.aboard(host, folder) as crew:
        for number in (1, 2, 3):
            await (await crew.process(f"pm{number}", host=meter.host)).add_manager(f"m{number}")
        await crew.until(lambda: crew.observer.head.voters.managers == ("m1", "m2", "m3"))
        bill = Bill(crew, meter)
        await bill.renewals(3)  # every listener that had to start has started
        yield bill


def of(spent: MeterReading, client: str, kind: str) -> Billed:
    return spent.by_client_kind.get((client, kind), NOTHING)


async def test_what_a_mesh_does_is_billed_its_row_as_in_memory(firestore_host: str) -> None:
    rows = mesh_operations.table(await mesh_operations.count_on_emulator(firestore_host))
    assert over_budget("mesh-operations", mesh_operations.COLUMNS, rows) == ()
    exact = {name: tuple(columns.values()) for name, columns in budget()["mesh-operations"].items()}
    race = f"takeover, {mesh_operations.CANDIDATES} candidates"
    assert rows.pop(race)[1:] == exact.pop(race)[1:] == (4, 0)  # one has won; what the others read depends on who was how late
    reads, *rest = rows.pop("join")
    most, *others = exact.pop("join")
    assert rest == others
    assert reads in (most - 1, most)  # whoever is admitted early stops listening for a refusal before it was answered
    assert rows == exact


async def test_a_takeover_costs_head_log_and_topology_and_four_reads_per_look(firestore_host: str, tmp_path: Path) -> None:
    async with billed(firestore_host, tmp_path) as bill:
        crew = bill.crew
        before, head_before = await bill.now()
        leading = next(process for process, _ in crew._local if process.process_id == "pm1")
        await leading.abandon()
        await crew.until(lambda: crew.observer.head.term > head_before.term)
        after, head = await bill.now()
        winner = f"p{head.leader}"
        other = next(name for name in MANAGERS if name not in ("pm1", winner))
        spent = after - before
        # The old leader's last renewal may still have been on its way.
        commits = head.seq - head_before.seq - of(spent, "pm1", "head").writes
        entries = head.last_index - head_before.last_index
        assert of(spent, winner, "head").writes == commits >= 1
        assert of(spent, winner, "log") == Billed(writes=entries)
        assert of(spent, winner, "views").writes >= 1
        assert of(spent, winner, "votes").writes <= 1 + (head.term - head_before.term)
        for candidate in (winner, other):
            looks, rest = divmod(of(spent, candidate, "votes").reads, len(MANAGERS))
            assert rest == 0
            assert looks <= 12
        assert of(spent, other, "head").writes == 0
