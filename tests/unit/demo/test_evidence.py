"""What the demo proves from the stored documents, and that it would notice."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from firemesh.core.invariants import Checker
from firemesh.core.log import next_entry
from firemesh.core.messages import Command, Entry, Head
from firemesh.core.params import TEST
from firemesh.core.replica import initial_replica
from firemesh.errors import LocalStackError
from firemesh.game.counter import CounterMachine
from firemesh.runtime.mesh import Mesh
from firemesh.store import paths
from firemesh.store.base import Put
from firemesh.store.memory import MemoryStore
from firemesh.store.mesh_store import MeshStore
from firemesh_cli.demo.evidence import Stored, check_invariants, count_commands, count_others, read_settled

MACHINE = CounterMachine()
INC = "0" * 12
JOIN = Command(agent_id="w1", inc=INC, seq=1, kind="mesh.join", payload='{"type":"worker","process":"p"}')
SECOND, THIRD = (Command(agent_id="w1", inc=INC, seq=seq, kind="counter.add", payload='{"by":1}') for seq in (2, 3))


def request_id(command: Command) -> str:
    return paths.request_id(command.agent_id, command.inc, command.seq)


def stored(
    *batches: tuple[Command, ...], waiting: tuple[Command, ...] = (), refused: Mapping[str, str] | None = None
) -> Stored:
    """A mesh that has ordered these batches."""
    replica, entries = initial_replica(MACHINE, {}), list[Entry]()
    for number, batch in enumerate(batches, start=1):
        entry, replica = next_entry(replica, MACHINE, term=1, at_ms=1, batch=batch, nonce=f"m1/x/{number}")
        entries.append(entry)
    head = Head(term=1, leader="m1", leader_inc="x", seq=9, last_index=len(entries), last_term=1, voters=replica.roster.voters)
    return Stored(head, tuple(entries), None, {}, tuple(map(request_id, waiting)), refused or {})


def counts(found: Stored, *sent: Command) -> dict[str, int]:
    """What is not zero of the counts."""
    return {name: count for name, count in count_commands(found, sent).items() if count}


def violations(found: Stored, *sent: Command) -> set[str]:
    checker: Checker[Any] = Checker(MACHINE, {})
    check_invariants(checker, found, sent)
    return {violation.invariant for violation in checker.violations}


def test_each_command_ordered_is_counted_and_acknowledged() -> None:
    found = stored((JOIN,), (SECOND, THIRD))
    assert counts(found, JOIN, SECOND, THIRD) == {"sent": 3, "committed": 3}
    assert violations(found, JOIN, SECOND, THIRD) == set()


def test_command_surely_sent_and_gone_from_the_inbox_without_an_entry_is_lost() -> None:
    found = stored((JOIN,), (SECOND,))
    assert counts(found, JOIN, SECOND, THIRD) == {"sent": 3, "committed": 2, "lost": 1}
    assert violations(found, JOIN, SECOND, THIRD) == {"I5"}


def test_entry_that_orders_another_command_under_that_number_breaks_i5() -> None:
    other = SECOND.model_copy(update={"payload": '{"by":2}'})
    assert violations(stored((JOIN,), (other,)), JOIN, SECOND) == {"I5"}


def test_waiting_command_is_neither_lost_nor_acknowledged() -> None:
    found = stored((JOIN,), waiting=(SECOND,))
    assert counts(found, JOIN, SECOND) == {"sent": 2, "committed": 1, "waiting": 1}
    assert violations(found, JOIN, SECOND) == set()


def test_refused_command_is_counted_apart() -> None:
    found = stored((JOIN,), refused={request_id(SECOND): "SEQUENCE_GAP"})
    assert counts(found, JOIN, SECOND) == {"sent": 2, "committed": 1, "refused": 1}
    assert violations(found, JOIN, SECOND) == set()


@pytest.mark.parametrize(("ordered", "expected"), [(True, {"sent": 1, "committed": 1}), (False, {"sent": 1, "lost": 1})])
def test_copy_refused_as_ordered_already_leaves_the_command_ordered_or_lost(ordered: bool, expected: dict[str, int]) -> None:
    found = stored((JOIN,) if ordered else (), refused={request_id(JOIN): "ALREADY_ORDERED"})
    assert counts(found, JOIN) == expected


def test_command_ordered_twice_is_counted() -> None:
    assert counts(stored((JOIN,), (SECOND, SECOND)), JOIN, SECOND) == {"sent": 2, "committed": 2, "duplicated": 1}


def test_commands_of_runs_that_nobody_here_started_are_counted_apart() -> None:
    person = JOIN.model_copy(update={"agent_id": "w2"})
    found = stored((JOIN, person), (SECOND,))
    assert count_others(found, [JOIN, SECOND]) == 1
    assert count_others(found, [JOIN, SECOND], frozenset({request_id(person)})) == 0


def test_what_a_page_knew_to_be_in_the_inbox_must_be_found_like_the_rest() -> None:
    known = frozenset({request_id(JOIN), request_id(SECOND)})
    assert {name: count for name, count in count_commands(stored((JOIN,)), [], known).items() if count} == {
        "sent": 2,
        "committed": 1,
        "lost": 1,
    }


class Busy(MeshStore):
    """A mesh whose head changes after every look at it."""

    change: Callable[[Head], Head]

    async def read_head(self) -> tuple[Head, int, int]:
        found = await super().read_head()
        await self.store.commit([Put(paths.head(self.mesh_id), self.change(found[0]).model_dump(mode="json"))])
        return found


async def busy(change: Callable[[Head], Head]) -> Busy:
    mesh = Busy(MemoryStore().client("reader"), "m1")
    await Mesh.create(mesh.store, "m1", machine="counter", setup={}, params=TEST)
    mesh.change = change
    return mesh


async def test_reading_is_settled_though_the_lease_is_renewed_meanwhile() -> None:
    mesh = await busy(lambda head: head.model_copy(update={"seq": head.seq + 1, "nonce": f"m1/x/{head.seq}"}))
    assert (await read_settled(mesh.store, mesh)).entries == ()


async def test_mesh_that_never_becomes_still_is_not_judged() -> None:
    mesh = await busy(lambda head: head.model_copy(update={"term": head.term + 1}))
    with pytest.raises(LocalStackError, match="still changed"):
        await read_settled(mesh.store, mesh)
