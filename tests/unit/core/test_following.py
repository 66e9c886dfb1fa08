"""How a manager that does not lead keeps up with the head, by whatever it needs to read."""

from dataclasses import replace

import pytest

from firemesh.core import log
from firemesh.core.effects import (
    EntriesRead,
    HeadRead,
    HeadSeen,
    ManagerRole,
    ReadEntries,
    ReadFailed,
    ReadHead,
    ReadSnapshot,
    SnapshotRead,
    Timer,
    TimerFired,
)
from firemesh.core.messages import Head
from firemesh.core.params import TEST, Params
from firemesh.errors import CorruptDocument, InvariantViolation
from tests.support.model_store import Silence
from tests.support.scripted import Scripted, ScriptedMesh, command, join

SHORT = Params(ttl_ms=1500, renew_ms=500, grace_ms=200, rpc_timeout_ms=375, snapshot_every=5, keep_entries=1)
LOOKING = replace(TEST, standbys_listen=0)


def mesh_with(commands: int, params: Params | None = None) -> ScriptedMesh:
    """m1 has ordered so many commands that m2 has not heard of."""
    mesh = (ScriptedMesh("m1", "m2", params=params) if params else ScriptedMesh("m1", "m2")).led_by("m1", join("w"))
    for seq in range(2, 2 + commands):
        mesh["m1"].sees(command("w", seq))
        mesh["m1"].settle()
    return mesh


def reads(follower: Scripted) -> list[object]:
    return [effect for effect in follower.effects if isinstance(effect, ReadHead | ReadEntries | ReadSnapshot)]


def at_head(follower: Scripted) -> bool:
    return follower.state.replica == follower.mesh["m1"].state.replica


# --- starting ------------------------------------------------------------------------------------------------------


def test_manager_first_asks_for_the_head() -> None:
    follower = Scripted(ScriptedMesh(), "m1")
    assert follower.manager.start() == [ReadHead()]


def test_manager_that_cannot_read_the_head_asks_again() -> None:
    mesh = ScriptedMesh("m1")
    follower = mesh["m1"]
    follower.answers_reads = False
    follower.start()
    follower.reads.clear()
    follower.tell(ReadFailed(ReadHead()))
    follower.fire(Timer.RETRY)
    assert follower.reads == [ReadHead()]


# --- the head ------------------------------------------------------------------------------------------------------


def test_every_new_head_starts_the_patience_anew() -> None:
    follower = mesh_with(1)["m2"]
    del follower.armed[Timer.CAMPAIGN]
    follower.sees_head()
    assert follower.armed[Timer.CAMPAIGN].after_ms == 1700
    assert follower.armed[Timer.CAMPAIGN].jitter_ms == 250


def test_older_head_is_a_late_message() -> None:
    mesh = mesh_with(0)
    old, old_version = mesh.store.head, mesh.store.version
    mesh["m1"].fire(Timer.RENEW)
    mesh["m1"].lands()
    mesh["m2"].sees_head()
    before = mesh["m2"].state
    assert mesh["m2"].tell(HeadSeen(old, old_version)) == []
    assert mesh["m2"].tell(HeadRead(old, old_version)) == []
    assert mesh["m2"].state == before


def test_same_head_again_changes_nothing() -> None:
    follower = mesh_with(1)["m2"]
    follower.sees_head()
    assert follower.sees_head() == []


def test_leader_that_sees_a_head_it_did_not_write_steps_down() -> None:
    mesh = mesh_with(0)
    leader = mesh["m1"]
    usurped = mesh.store.head.model_copy(update={"term": 2, "leader": "m2", "seq": mesh.store.head.seq + 1, "nonce": "x"})
    leader.tell(HeadSeen(usurped, mesh.store.version + 1))
    assert leader.role is ManagerRole.FOLLOWER
    assert leader.state.head.leader == "m2"


# --- catching up ---------------------------------------------------------------------------------------------------


def test_follower_applies_what_the_head_carries_without_reading() -> None:
    follower = mesh_with(3)["m2"]
    follower.sees_head()
    assert reads(follower) == []
    assert at_head(follower)


def test_follower_reads_entries_the_head_no_longer_carries() -> None:
    follower = mesh_with(20)["m2"]
    behind = follower.state.replica.index
    follower.sees_head()
    assert reads(follower) == [ReadEntries(behind + 1, behind + 20)]
    assert at_head(follower)


def test_standby_that_only_looks_reads_the_log_when_it_is_to_lead_and_not_before() -> None:
    mesh = mesh_with(20, LOOKING)
    follower = mesh["m2"]
    follower.sees_head()
    assert reads(follower) == []
    mesh.silence(Silence.EXPIRED)
    follower.fire(Timer.CAMPAIGN)
    assert any(isinstance(effect, ReadEntries) for effect in reads(follower))
    assert at_head(follower)


def test_follower_far_behind_reads_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "ENTRIES_PER_READ", 8)
    follower = mesh_with(30)["m2"]
    follower.sees_head()
    assert [read.last - read.first + 1 for read in reads(follower) if isinstance(read, ReadEntries)] == [8, 8, 8]
    assert at_head(follower)


def test_follower_behind_the_compacted_log_starts_from_the_snapshot() -> None:
    mesh = mesh_with(30, SHORT)
    newcomer = Scripted(mesh, "m9")
    newcomer.start()
    assert reads(newcomer)[1] == ReadSnapshot(mesh.store.head.snapshot_index)
    assert newcomer.state.replica == mesh["m1"].state.replica


def test_follower_whose_entries_are_compacted_away_while_it_reads_asks_for_a_newer_head() -> None:
    mesh = mesh_with(20)
    follower = mesh["m2"]
    follower.answers_reads = False
    follower.sees_head()
    follower.reads.clear()
    follower.answers_reads = True
    follower.tell(EntriesRead(()))
    assert reads(follower)[0] == ReadHead()


def test_follower_whose_snapshot_was_superseded_starts_from_the_newer_one() -> None:
    mesh = mesh_with(20, SHORT)
    newcomer = Scripted(mesh, "m9")
    newcomer.answers_reads = False
    newcomer.start()
    newcomer.answer_reads_once()
    assert isinstance(newcomer.reads[0], ReadSnapshot)
    for seq in range(22, 40):
        mesh["m1"].sees(command("w", seq))
        mesh["m1"].settle()
    newcomer.answer_reads()
    assert newcomer.state.replica == mesh["m1"].state.replica


def test_failed_read_of_entries_is_tried_again() -> None:
    mesh = mesh_with(20)
    follower = mesh["m2"]
    follower.answers_reads = False
    follower.sees_head()
    (read,) = follower.reads
    assert isinstance(read, ReadEntries)
    follower.reads.clear()
    follower.tell(ReadFailed(read))
    follower.answers_reads = True
    follower.fire(Timer.RETRY)
    assert at_head(follower)


def test_head_seen_while_entries_are_read_is_caught_up_with_afterwards() -> None:
    mesh = mesh_with(20)
    follower = mesh["m2"]
    follower.answers_reads = False
    follower.sees_head()
    mesh["m1"].sees(command("w", 22))
    mesh["m1"].lands()
    follower.sees_head()
    assert len(follower.reads) == 1
    follower.answer_reads()
    assert at_head(follower)


def test_entries_read_twice_are_applied_once() -> None:
    mesh = mesh_with(20)
    follower = mesh["m2"]
    follower.sees_head()
    before = follower.state.replica
    follower.tell(EntriesRead(mesh.store.log))
    assert follower.state.replica is before


def test_log_that_disagrees_with_the_replica_stops_the_manager() -> None:
    mesh = mesh_with(20)
    follower = mesh["m2"]
    follower.answers_reads = False
    follower.sees_head()
    tampered = tuple(entry.model_copy(update={"state_hash": "0" * 32}) for entry in mesh.store.log)
    with pytest.raises(InvariantViolation, match="state hash"):
        follower.tell(EntriesRead(tampered))


def test_snapshot_that_is_corrupt_stops_the_manager() -> None:
    mesh = mesh_with(20, SHORT)
    newcomer = Scripted(mesh, "m9")
    newcomer.answers_reads = False
    newcomer.start()
    newcomer.answer_reads_once()
    assert mesh.store.snapshot is not None
    with pytest.raises(CorruptDocument):
        newcomer.tell(SnapshotRead(mesh.store.snapshot.model_copy(update={"sha256": "0" * 64})))


def test_leader_timers_that_fire_late_do_nothing_to_a_follower() -> None:
    follower = mesh_with(1)["m2"]
    before = follower.state
    for timer in (Timer.RENEW, Timer.LEASE, Timer.APPEND):
        assert follower.tell(TimerFired(timer)) == []
    assert follower.state == before


def test_head_of_a_new_mesh_is_released_and_empty() -> None:
    assert Head().released
    assert Head().last_index == 0
