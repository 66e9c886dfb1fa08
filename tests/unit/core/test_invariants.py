"""The checker finds what must not be, each invariant from both sides."""

from collections.abc import Callable
from typing import Any

import pytest

from firemesh.core.invariants import INVARIANTS, Checker
from firemesh.core.messages import Command, Entry, Head, mesh_command
from firemesh.core.params import Params
from firemesh.core.replica import advance, initial_replica
from tests.support.ledger import LedgerMachine
from tests.support.model_store import ModelStore
from tests.support.scripted import ScriptedMesh, command, join

MS = 1_000_000
MACHINE = LedgerMachine()
HELD = Head(term=1, leader="m1", leader_inc="a" * 12, ttl_ms=1000, seq=5, nonce="n5", last_index=3, last_term=1)


def next_head(head: Head, **changes: Any) -> Head:
    return head.model_copy(update={"seq": head.seq + 1, "nonce": f"n{head.seq + 1}", **changes})


def taken_over(head: Head, **changes: Any) -> Head:
    taken = {"term": 2, "leader": "m2", "leader_inc": "b" * 12, "last_index": head.last_index + 1, "last_term": 2}
    return next_head(head, **{**taken, **changes})


def checker() -> Checker[Any]:
    return Checker(MACHINE, {})


def found_in_heads(*heads: tuple[Head, int]) -> set[str]:
    it = checker()
    for head, version_ms in heads:
        it.see_head(head, version_ms * MS)
    return {violation.invariant for violation in it.violations}


def log_of(*batches: tuple[Command, ...], terms: tuple[int, ...] = ()) -> list[Entry]:
    replica, entries = initial_replica(MACHINE, {}), []
    for place, batch in enumerate(batches):
        term = terms[place] if terms else 1
        after = advance(replica, MACHINE, term=term, at_ms=0, batch=batch)
        entries.append(
            Entry(
                index=after.index,
                term=term,
                prev_term=replica.term,
                at_ms=0,
                batch=batch,
                nonce="n",
                state_hash=after.state_hash,
            )
        )
        replica = after
    return entries


def found_in_entries(entries: list[Entry], *acknowledged: Command) -> set[str]:
    it = checker()
    for each in acknowledged:
        it.see_acknowledged(each)
    last = entries[-1]
    it.check_log(Head(last_index=last.index, last_term=last.term), entries)
    return {violation.invariant for violation in it.violations}


GOOD = log_of((join("w"),), (command("w", 2),), (), (command("w", 3), command("w", 4)))


# --- a whole mesh --------------------------------------------------------------------------------------------------


def played(params: Params | None = None) -> tuple[ScriptedMesh, ModelStore]:
    mesh = (ScriptedMesh("m1", params=params) if params else ScriptedMesh("m1")).led_by("m1", join("w"))
    for seq in range(2, 15):
        mesh["m1"].sees(command("w", seq))
        mesh["m1"].settle()
    return mesh, mesh.store


def test_sound_mesh_has_no_violation_and_was_really_checked() -> None:
    mesh, store = played()
    mesh.checker.see_acknowledged(command("w", 5))
    mesh.checker.see_view("views/public", 3)
    mesh.checker.check_log(store.head, store.log, store.snapshot)
    assert mesh.checker.violations == []
    assert mesh.checker.checked == set(INVARIANTS) - {"I3"}


def test_sound_compacted_mesh_is_checked_from_its_snapshot_on() -> None:
    _, store = played(Params(ttl_ms=1500, renew_ms=500, rpc_timeout_ms=375, snapshot_every=4, keep_entries=1))
    late = checker()
    late.see_acknowledged(command("w", 2))
    late.check_log(store.head, store.log, store.snapshot)
    assert store.head.first_index > 1
    assert late.violations == []


# --- heads: I1, I2, I3 ---------------------------------------------------------------------------------------------


def test_one_leader_per_term() -> None:
    assert found_in_heads((HELD, 0), (next_head(HELD), 10)) == set()
    assert "I1" in found_in_heads((HELD, 0), (next_head(HELD, leader="m2"), 10))
    assert "I1" in found_in_heads((HELD, 0), (next_head(HELD, leader_inc="c" * 12), 10))


@pytest.mark.parametrize("name", ["term", "last_index", "last_term", "snapshot_index", "first_index"])
def test_number_that_never_decreases(name: str) -> None:
    high = HELD.model_copy(update={"term": 7, "last_index": 7, "last_term": 7, "snapshot_index": 7, "first_index": 7})
    assert "I2" not in found_in_heads((high, 0), (next_head(high), 10))
    assert "I2" in found_in_heads((high, 0), (next_head(high, **{name: 6}), 10))


def test_seq_grows_with_every_version() -> None:
    assert "I2" in found_in_heads((HELD, 0), (HELD.model_copy(update={"nonce": "other"}), 10))


def test_voters_version_never_decreases() -> None:
    old = HELD.model_copy(update={"voters": HELD.voters.model_copy(update={"version": 2})})
    assert "I2" in found_in_heads((old, 0), (next_head(HELD), 10))


def test_one_version_has_one_content() -> None:
    assert found_in_heads((HELD, 0), (HELD, 0)) == set()
    assert "I2" in found_in_heads((HELD, 0), (next_head(HELD), 0))


@pytest.mark.parametrize("age_ms, violated", [(999, True), (1000, False)])
def test_nobody_takes_over_within_the_ttl(age_ms: int, violated: bool) -> None:
    assert ("I3" in found_in_heads((HELD, 0), (taken_over(HELD), age_ms))) is violated


def test_released_lease_may_be_taken_at_once() -> None:
    released = next_head(HELD, leader="", leader_inc="", ttl_ms=0)
    assert found_in_heads((HELD, 0), (released, 5), (taken_over(released), 6)) == set()


def test_released_term_is_led_no_more() -> None:
    released = next_head(HELD, leader="", leader_inc="", ttl_ms=0)
    again = next_head(released, leader="m1", leader_inc="a" * 12, ttl_ms=1000)
    assert "I3" in found_in_heads((HELD, 0), (released, 5), (again, 6))


def test_versions_between_may_be_missing() -> None:
    far = next_head(taken_over(next_head(next_head(HELD))))
    assert found_in_heads((HELD, 0), (far, 10)) == set()


@pytest.mark.parametrize("age_ms, violated", [(999, True), (1000, False)])
def test_takeover_seen_late_is_judged_where_no_commit_between_can_have_been_a_release(age_ms: int, violated: bool) -> None:
    taken = taken_over(HELD)
    appended = next_head(taken, last_index=taken.last_index + 1)
    assert ("I3" in found_in_heads((HELD, 0), (appended, age_ms))) is violated


def test_no_commit_orders_two_entries() -> None:
    assert "I4" in found_in_heads((HELD, 0), (next_head(HELD, last_index=HELD.last_index + 2), 10))
    assert "I4" in found_in_heads((HELD, 0), (next_head(next_head(HELD), last_index=HELD.last_index + 3), 10))


def test_new_term_opens_with_an_entry_of_its_own() -> None:
    assert "I4" in found_in_heads((HELD, 0), (taken_over(HELD, last_index=3), 5000))


# --- the log: I4, I6 -----------------------------------------------------------------------------------------------


def test_contiguous_log_is_sound() -> None:
    assert found_in_entries(GOOD) == set()


def test_missing_entry_is_found() -> None:
    assert "I4" in found_in_entries([GOOD[0], GOOD[2], GOOD[3]])


def test_entry_beyond_the_head_is_found() -> None:
    it = checker()
    it.check_log(Head(last_index=3, last_term=1), GOOD)
    assert "I4" in {violation.invariant for violation in it.violations}


def test_compacted_entries_without_a_snapshot_are_found() -> None:
    it = checker()
    it.check_log(Head(first_index=3, last_index=4, last_term=1), GOOD[2:])
    assert "I4" in {violation.invariant for violation in it.violations}


def test_overwritten_entry_is_found() -> None:
    it = checker()
    it.see_entry(GOOD[0])
    it.see_entry(GOOD[0].model_copy(update={"nonce": "another"}))
    assert [violation.invariant for violation in it.violations] == ["I4"]


def test_term_that_goes_back_is_found() -> None:
    assert "I4" in found_in_entries(log_of((), (), terms=(2, 1)))


def test_tail_that_differs_from_the_log_is_found() -> None:
    it = checker()
    it.check_log(Head(last_index=4, last_term=1, tail=(GOOD[3].model_copy(update={"nonce": "other"}),)), GOOD)
    assert [violation.invariant for violation in it.violations] == ["I4"]


def test_hash_that_replay_does_not_give_is_found() -> None:
    tampered = [*GOOD[:3], GOOD[3].model_copy(update={"state_hash": "0" * 32})]
    assert found_in_entries(tampered) == {"I6"}


def test_managers_that_differ_at_one_index_are_found() -> None:
    it = checker()
    it.see_applied("m1", 4, "aaaa")
    it.see_applied("m2", 4, "aaaa")
    it.see_applied("m2", 5, "bbbb")
    assert it.violations == []
    it.see_applied("m1", 5, "cccc")
    assert [violation.invariant for violation in it.violations] == ["I6"]


# --- commands: I5, I7, I9 ------------------------------------------------------------------------------------------


def test_acknowledged_command_that_is_missing_is_found() -> None:
    assert found_in_entries(GOOD, command("w", 4)) == set()
    assert found_in_entries(GOOD, command("w", 5)) == {"I5"}


def test_acknowledged_command_in_whose_place_another_stands_is_found() -> None:
    assert found_in_entries(GOOD, command("w", 4, "ledger.forbidden")) == {"I5"}


def test_skipped_command_is_found() -> None:
    assert found_in_entries(log_of((join("w"),), (command("w", 3),))) == {"I5"}


def test_command_ordered_twice_is_found() -> None:
    assert found_in_entries(log_of((join("w"),), (command("w", 2),), (command("w", 2),))) == {"I7"}
    assert "I7" in found_in_entries(log_of((join("w"),), (command("w", 2), command("w", 2))))


DEATH = mesh_command("mesh.member_dead", {"agent": "w"})


@pytest.mark.parametrize(
    "entries",
    [
        lambda: log_of((join("w"),), (DEATH,), (command("w", 2),)),
        lambda: log_of((join("w"),), (DEATH, command("w", 2))),
        lambda: log_of((join("w"),), (DEATH,), (join("w", run=1),), (command("w", 2),)),
    ],
    ids=["later", "in the same batch", "after its successor joined"],
)
def test_command_of_a_dead_incarnation_is_found(entries: Callable[[], list[Entry]]) -> None:
    assert "I9" in found_in_entries(entries())


def test_next_incarnation_may_speak() -> None:
    sound = log_of((join("w"),), (DEATH,), (join("w", run=1),), (command("w", 2, run=1),))
    assert found_in_entries(sound) == set()


# --- views: I8 -----------------------------------------------------------------------------------------------------


def test_view_that_goes_back_is_found() -> None:
    it = checker()
    for index in (3, 3, 9):
        it.see_view("views/public", index)
    it.see_view("views/agent_w", 4)
    assert it.violations == []
    it.see_view("views/public", 8)
    assert [violation.invariant for violation in it.violations] == ["I8"]


def test_violations_kept_are_bounded() -> None:
    it = checker()
    for index in range(1000, 0, -1):
        it.see_view("views/public", index)
    assert len(it.violations) == 100
