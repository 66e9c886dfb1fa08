"""What a mesh costs, counted from outside: each operation has its budget of billed reads and writes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from firemesh.core.messages import Head
from firemesh.runtime.worker_agent import WorkerAgent
from firemesh_cli.stack.meter import Meter
from firemesh_cli.stack.reading import Billed, MeterReading
from tests.integration.crew import PATIENCE_SECONDS, Crew

MANAGERS = ("pm1", "pm2", "pm3")
NOTHING = Billed()
CALM_SECONDS = 0.05
"""A commit is answered and counted long before; the next renewal is ten times as far."""


class Bill:
    """A mesh of three managers, m1 leading, and a worker, all behind a meter. The observer goes past it."""

    def __init__(self, crew: Crew, meter: Meter, hand: WorkerAgent) -> None:
        self.crew = crew
        self.hand = hand
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
        hand = await (await crew.process("hand", host=meter.host)).add_worker("hand")
        await crew.until(lambda: crew.observer.head.voters.managers == ("m1", "m2", "m3"))
        bill = Bill(crew, meter, hand)
        await bill.renewals(3)  # every listener that had to start has started
        yield bill


def of(spent: MeterReading, client: str, kind: str) -> Billed:
    return spent.by_client_kind.get((client, kind), NOTHING)


async def test_renewing_costs_the_leader_one_write_and_no_read_and_nobody_polls(firestore_host: str, tmp_path: Path) -> None:
    async with billed(firestore_host, tmp_path) as bill:
        before, head_before = await bill.now()
        await bill.renewals(8)
        after, head = await bill.now()
        spent, renewals = after - before, head.seq - head_before.seq
        assert of(spent, "pm1", "head") == Billed(writes=renewals)
        for follower in ("pm2", "pm3"):
            assert of(spent, follower, "head").writes == 0
            assert abs(of(spent, follower, "head").reads - renewals) <= 1  # its listener's; one may be on its way
        assert set(spent.by_kind) == {"head", "liveness"}
        assert set(spent.rpcs) == {"Commit"}


async def test_ordering_a_command_costs_head_log_and_what_it_changes_and_no_read_but_the_inbox(
    firestore_host: str, tmp_path: Path
) -> None:
    async with billed(firestore_host, tmp_path) as bill:
        before, head_before = await bill.now()
        for total in range(1, 11):
            await bill.hand.send_to_manager("counter.add", {"n": 1})
            await bill.crew.until(lambda total=total: bill.crew.total() == total)
        after, head = await bill.now()
        spent, commits, entries = after - before, head.seq - head_before.seq, head.last_index - head_before.last_index
        assert entries == 10
        assert of(spent, "hand", "inbox") == Billed(writes=10)
        assert of(spent, "pm1", "head") == Billed(writes=commits)
        assert of(spent, "pm1", "log") == Billed(writes=10)
        assert of(spent, "pm1", "views") == Billed(writes=10)
        assert of(spent, "pm1", "inbox") == Billed(reads=10, deletes=10)
        for follower in ("pm2", "pm3"):
            assert of(spent, follower, "log") == of(spent, follower, "inbox") == NOTHING
        assert "BatchGetDocuments" not in spent.rpcs


async def test_a_sign_of_life_costs_one_write_of_its_process_and_one_read_of_the_leader(
    firestore_host: str, tmp_path: Path
) -> None:
    async with billed(firestore_host, tmp_path) as bill:
        seqs = await beat_seqs(bill)
        before, _ = await bill.now()
        await bill.renewals(8)
        after, _ = await bill.now()
        spent, beats = after - before, await beat_seqs(bill)
        for client in (*MANAGERS, "hand"):
            written = of(spent, client, "liveness").writes
            assert written >= 4
            assert written <= beats[client] - seqs[client]
            if client != "pm1":
                assert of(spent, client, "liveness").reads == 0
        total = sum(of(spent, client, "liveness").writes for client in (*MANAGERS, "hand"))
        assert abs(of(spent, "pm1", "liveness").reads - total) <= 2  # one may be on its way at either end


async def beat_seqs(bill: Bill) -> dict[str, int]:
    """The number of the last beat of each process."""
    found = await bill.crew.store.list_documents(f"meshes/{bill.crew.mesh_id}/liveness")
    return {document.id: document.fields["seq"] for document in found.documents.values()}


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
