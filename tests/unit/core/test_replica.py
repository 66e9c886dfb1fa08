"""The replicated state moves by entries alone, and equally everywhere."""

from dataclasses import replace

import pytest

from firemesh.core.log import next_entry
from firemesh.core.membership import MemberStatus
from firemesh.core.messages import Command, Entry, mesh_command
from firemesh.core.replica import (
    REFUSALS_KEPT,
    Replica,
    advance,
    apply_entry,
    initial_replica,
    restore,
    take_snapshot,
    views,
)
from firemesh.errors import CorruptDocument, InvariantViolation
from tests.support.ledger import Ledger, LedgerMachine
from tests.support.scripted import command, incarnation, join

MACHINE = LedgerMachine()
EMPTY = initial_replica(MACHINE, {})


def after(replica: Replica[Ledger], *batch: Command, term: int = 1, at_ms: int = 10) -> Replica[Ledger]:
    return advance(replica, MACHINE, term=term, at_ms=at_ms, batch=batch)


def entry_after(replica: Replica[Ledger], *batch: Command, term: int = 1) -> Entry:
    return next_entry(replica, MACHINE, term=term, at_ms=10, batch=batch, nonce="n")[0]


def test_applying_a_stored_entry_gives_what_its_leader_had() -> None:
    entry, leaders = next_entry(EMPTY, MACHINE, term=1, at_ms=10, batch=(join("w"), command("w", 2)), nonce="n")
    followers = apply_entry(EMPTY, MACHINE, entry)
    assert followers == leaders
    assert followers.machine_state == leaders.machine_state


def test_entry_that_is_not_the_next_one_is_a_violation() -> None:
    entry = entry_after(after(EMPTY, join("w")), command("w", 2))
    with pytest.raises(InvariantViolation, match="does not follow"):
        apply_entry(EMPTY, MACHINE, entry)


def test_entry_after_another_term_is_a_violation() -> None:
    replica = after(EMPTY, join("w"))
    entry = entry_after(replica, command("w", 2)).model_copy(update={"prev_term": 7})
    with pytest.raises(InvariantViolation, match="does not follow"):
        apply_entry(replica, MACHINE, entry)


def test_entry_whose_hash_differs_is_a_violation() -> None:
    entry = entry_after(EMPTY, join("w")).model_copy(update={"state_hash": "0" * 32})
    with pytest.raises(InvariantViolation, match="state hash at entry 1"):
        apply_entry(EMPTY, MACHINE, entry)


def test_hash_covers_all_history() -> None:
    """The same members by another way: the states are alike, the hashes are not."""
    one, other = after(EMPTY, join("w")), after(EMPTY)
    left = after(one, command("w", 2, "ledger.forbidden"))
    assert left.state_hash != one.state_hash
    assert after(after(EMPTY), join("w")).state_hash != after(after(EMPTY, term=1, at_ms=9), join("w")).state_hash
    assert after(other, join("w")).state_hash == after(after(EMPTY), join("w")).state_hash


@pytest.mark.parametrize("term, at_ms", [(2, 10), (1, 11)])
def test_hash_covers_term_and_time(term: int, at_ms: int) -> None:
    assert after(EMPTY, join("w"), term=term, at_ms=at_ms).state_hash != after(EMPTY, join("w")).state_hash


def test_clock_of_the_log_never_goes_back() -> None:
    late = after(EMPTY, join("w"), at_ms=500)
    entry, _ = next_entry(late, MACHINE, term=1, at_ms=400, batch=(command("w", 2),), nonce="n")
    assert entry.at_ms == 500


def test_command_counts_in_its_session() -> None:
    replica = after(EMPTY, join("w"), command("w", 2), command("w", 3))
    assert replica.sessions == {command("w", 1).client: 3}


def test_refused_command_counts_too_and_is_remembered_for_its_sender() -> None:
    replica = after(EMPTY, join("w"), command("w", 2, "ledger.forbidden"))
    assert replica.sessions == {command("w", 1).client: 2}
    assert replica.machine_state == Ledger()
    row = {"seq": 2, "kind": "ledger.forbidden", "reason": "FORBIDDEN"}
    assert views(replica, MACHINE)["agent_w"] == {"refused": [row]}


def test_only_the_last_refusals_are_kept() -> None:
    replica = after(EMPTY, join("w"), *(command("w", seq, "ledger.forbidden") for seq in range(2, 9)))
    assert [row["seq"] for row in replica.refused["w"]] == [5, 6, 7, 8]
    assert len(replica.refused["w"]) == REFUSALS_KEPT


def test_refusals_go_with_the_member() -> None:
    replica = after(EMPTY, join("w"), command("w", 2, "ledger.forbidden"))
    assert after(replica, command("w", 3, "mesh.leave")).refused == {}


def test_leaving_ends_session_and_membership_and_tells_the_machine() -> None:
    replica = after(EMPTY, join("w"), command("w", 2, "mesh.leave"))
    assert replica.sessions == {}
    assert replica.roster.members["w"].status is MemberStatus.LEFT
    assert replica.machine_state.applied == ("mesh.member_left",)


def test_death_ends_session_and_membership_and_tells_the_machine() -> None:
    replica = after(EMPTY, join("w"), mesh_command("mesh.member_dead", {"agent": "w", "inc": incarnation("w")}))
    assert replica.sessions == {}
    assert replica.roster.members["w"].status is MemberStatus.DEAD
    assert replica.machine_state.applied == ("mesh.member_dead",)


def test_death_of_an_earlier_incarnation_does_not_touch_the_present_one() -> None:
    replica = after(EMPTY, join("w"), join("w", run=1, replaces=[incarnation("w")]))
    late = after(replica, mesh_command("mesh.member_dead", {"agent": "w", "inc": incarnation("w")}))
    assert late.roster == replica.roster
    assert late.sessions == replica.sessions
    assert late.machine_state == replica.machine_state


def test_rejoining_ends_the_session_before() -> None:
    replica = after(EMPTY, join("w"), command("w", 2), join("w", run=1, replaces=[incarnation("w")]))
    assert replica.sessions == {command("w", 1, run=1).client: 1}


def test_entry_without_commands_moves_index_and_term_only() -> None:
    replica = after(EMPTY, join("w"))
    noop = after(replica, term=2)
    assert (noop.index, noop.term) == (2, 2)
    assert noop.machine_state == replica.machine_state


def test_snapshot_restores_the_whole_replica() -> None:
    replica = after(EMPTY, join("w"), join("m1", "manager"), command("w", 2), command("w", 3, "ledger.forbidden"))
    restored = restore(take_snapshot(replica, MACHINE), MACHINE)
    assert restored == replica
    for name in ("term", "at_ms", "roster", "sessions", "refused", "machine_state"):
        assert getattr(restored, name) == getattr(replica, name), name
    assert after(restored, command("w", 4)) == after(replica, command("w", 4))


def test_snapshot_that_was_tampered_with_is_corrupt() -> None:
    snapshot = take_snapshot(after(EMPTY, join("w")), MACHINE)
    with pytest.raises(CorruptDocument, match="checksum"):
        restore(snapshot.model_copy(update={"state": snapshot.state + " "}), MACHINE)


def test_replicas_are_equal_when_index_and_hash_are() -> None:
    replica = after(EMPTY, join("w"))
    assert replace(replica, at_ms=99) == replica
    assert replace(replica, state_hash="other") != replica
