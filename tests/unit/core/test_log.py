"""What the head carries of the log, what a late manager must read, what may be dropped."""

import pytest

from firemesh.core import log
from firemesh.core.effects import ReadEntries, ReadSnapshot
from firemesh.core.messages import TAIL_BYTES_MAX, TAIL_ENTRIES_MAX, Command, Entry, Head
from firemesh.core.replica import Replica, advance, initial_replica
from tests.support.ledger import Ledger, LedgerMachine
from tests.support.scripted import command, join

MACHINE = LedgerMachine()


def entry(index: int, payload_bytes: int = 2) -> Entry:
    note = command("w", index).model_copy(update={"payload": "{" + " " * (payload_bytes - 2) + "}"})
    return Entry(index=index, term=1, prev_term=1, at_ms=0, batch=(note,), nonce="n", state_hash="h")


def replica_at(index: int) -> Replica[Ledger]:
    replica = initial_replica(MACHINE, {})
    for _ in range(index):
        replica = advance(replica, MACHINE, term=1, at_ms=0, batch=())
    return replica


def indexes(entries: object) -> list[int]:
    assert isinstance(entries, tuple)
    return [each.index for each in entries]


def test_tail_keeps_the_newest_entries_up_to_its_limit() -> None:
    tail = log.shortened(tuple(entry(index, 2) for index in range(1, 40)))
    assert tail[-1].index == 39
    assert len(tail) <= TAIL_ENTRIES_MAX
    assert indexes(tail) == list(range(tail[0].index, 40))


def test_tail_stays_below_its_size() -> None:
    tail = log.shortened(tuple(entry(index, 900) for index in range(1, 10)))
    assert indexes(tail) == [8, 9]
    assert sum(len(each.batch[0].payload) for each in tail) <= TAIL_BYTES_MAX


def test_entry_too_large_for_the_head_leaves_the_tail_empty() -> None:
    assert log.shortened((entry(1), entry(2, 4000))) == ()
    assert indexes(log.shortened((entry(3),))) == [3]


@pytest.mark.parametrize(
    "replica_index, expected",
    [
        (19, ReadEntries(20, 30)),
        (9, ReadEntries(10, 30)),
        (8, ReadSnapshot(15)),
        (0, ReadSnapshot(15)),
    ],
)
def test_what_a_late_replica_reads(replica_index: int, expected: object) -> None:
    head = Head(last_index=30, first_index=10, snapshot_index=15, tail=tuple(entry(index) for index in range(25, 31)))
    assert log.missing(head, replica_at(replica_index)) == expected


def test_tail_that_reaches_back_far_enough_needs_no_read() -> None:
    head = Head(last_index=30, tail=tuple(entry(index) for index in range(25, 31)))
    assert indexes(log.missing(head, replica_at(24))) == [25, 26, 27, 28, 29, 30]
    assert indexes(log.missing(head, replica_at(28))) == [29, 30]
    assert log.missing(head, replica_at(23)) == ReadEntries(24, 30)


def test_one_read_asks_for_a_bounded_number_of_entries() -> None:
    assert log.missing(Head(last_index=1000), replica_at(0)) == ReadEntries(1, log.ENTRIES_PER_READ)


@pytest.mark.parametrize(
    "snapshot, first, keep, dropped",
    [(0, 1, 0, None), (100, 1, 0, (1, 100)), (100, 1, 40, (1, 60)), (100, 61, 40, None), (2000, 1, 0, (1, 400))],
)
def test_only_entries_below_the_snapshot_and_beyond_those_kept_are_dropped(
    snapshot: int, first: int, keep: int, dropped: tuple[int, int] | None
) -> None:
    assert log.droppable(Head(snapshot_index=snapshot, first_index=first, last_index=9999), keep) == dropped


# --- projections ---------------------------------------------------------------------------------------------------


def projected(before: Replica[Ledger], *batch: Command, term: int = 1) -> dict[str, object]:
    after = advance(before, MACHINE, term=term, at_ms=7, batch=batch)
    head = Head(term=term, leader="m1")
    return {each.path: each.fields for each in log.projections(before, after, MACHINE, head)}


OPENED = advance(initial_replica(MACHINE, {}), MACHINE, term=1, at_ms=0, batch=())
MEMBER = advance(initial_replica(MACHINE, {}), MACHINE, term=1, at_ms=0, batch=(join("w"),))


def test_join_writes_the_members_row_and_the_topology() -> None:
    written = projected(OPENED, join("w"))
    assert {"agents/w", "views/topology"} <= set(written)
    row = written["agents/w"]
    assert isinstance(row, dict)
    assert (row["agent"], row["type"], row["status"], row["applied_index"]) == ("w", "worker", "alive", 2)
    assert "past" not in row


def test_first_entry_writes_every_view() -> None:
    assert set(projected(initial_replica(MACHINE, {}))) == {"views/public", "views/topology"}


def test_views_that_did_not_change_are_not_written() -> None:
    assert set(projected(MEMBER, command("w", 2))) == {"views/public"}
    assert projected(MEMBER) == {}


def test_new_term_writes_the_topology() -> None:
    (fields,) = projected(MEMBER, term=2).values()
    assert isinstance(fields, dict)
    assert (fields["term"], fields["leader"]) == (2, "m1")


def test_audience_that_is_gone_gets_an_empty_view() -> None:
    refused = advance(MEMBER, MACHINE, term=1, at_ms=0, batch=(command("w", 2, "ledger.forbidden"),))
    written = projected(refused, command("w", 3, "mesh.leave"))
    assert written["views/agent_w"] == {"applied_index": 3, "at_ms": 7, "view": {}}
