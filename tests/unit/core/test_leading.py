"""How a leader renews, resolves what it is in doubt about, and stops."""

import pytest

from firemesh.core.effects import (
    ArmDeadline,
    Commit,
    Committed,
    CommitUndecided,
    Disarm,
    HeadRead,
    ManagerRole,
    Proposal,
    ProposalKind,
    ReadFailed,
    ReadHead,
    ReleaseAsked,
    RoleChanged,
    Timer,
)
from firemesh.errors import InvariantViolation
from tests.support.scripted import Scripted, ScriptedMesh, command

LEASE_MS = int(0.99 * 1500) - 150


def only(proposals: list[Proposal]) -> Proposal:
    (proposal,) = proposals
    return proposal


# --- renewing ------------------------------------------------------------------------------------------------------


def test_renewal_always_changes_the_head(mesh: ScriptedMesh, leader: Scripted) -> None:
    before = mesh.store.head
    leader.fire(Timer.RENEW)
    renewal = leader.lands()
    assert renewal.kind is ProposalKind.RENEW
    assert renewal.head.seq == before.seq + 1
    assert renewal.head.nonce != before.nonce
    assert renewal.entry is None


def test_every_commit_has_a_nonce_of_its_own(mesh: ScriptedMesh, leader: Scripted) -> None:
    nonces = set()
    for _ in range(5):
        leader.fire(Timer.RENEW)
        nonces.add(leader.lands().nonce)
    assert len(nonces) == 5


def test_leader_renews_only_when_nothing_else_is_in_flight(leader: Scripted) -> None:
    leader.sees(command("w", 2))
    leader.fire(Timer.RENEW)
    assert only(leader.commits).kind is ProposalKind.APPEND


def test_every_landing_starts_the_lease_anew_from_the_time_of_sending(leader: Scripted) -> None:
    leader.fire(Timer.RENEW)
    renewal = leader.commits.pop()
    version = leader.mesh.land(renewal)
    leader.tell(Committed(renewal.nonce, version, elapsed_ms=300))
    assert leader.armed[Timer.LEASE].after_ms == LEASE_MS - 300
    assert leader.armed[Timer.RENEW].after_ms == 500


def test_leader_stops_believing_in_its_lease_before_anybody_may_take_over(leader: Scripted) -> None:
    effects = leader.fire(Timer.LEASE)
    assert RoleChanged(ManagerRole.FOLLOWER, 1) in effects
    assert {Disarm(Timer.RENEW), Disarm(Timer.LEASE), Disarm(Timer.APPEND), ArmDeadline(None)} <= set(effects)
    assert set(leader.armed) == {Timer.CAMPAIGN}


def test_answer_to_a_commit_that_was_given_up_changes_nothing(leader: Scripted) -> None:
    leader.fire(Timer.RENEW)
    late = leader.commits.pop()
    leader.fire(Timer.LEASE)
    version = leader.mesh.land(late)
    before = leader.state
    assert leader.tell(Committed(late.nonce, version)) == []
    assert leader.tell(CommitUndecided(late.nonce)) == []
    assert leader.state == before


# --- finding out ---------------------------------------------------------------------------------------------------


def test_leader_whose_acknowledgement_was_lost_knows_its_nonce_and_goes_on(leader: Scripted) -> None:
    leader.sees(command("w", 2))
    leader.lands_unheard()
    assert leader.role is ManagerRole.LEADER
    assert leader.state.pending is None
    assert leader.state.replica.machine_state.applied == ("w:2",)
    assert leader.state.version == leader.mesh.store.version


def test_leader_in_doubt_sends_the_identical_commit_again(leader: Scripted) -> None:
    leader.sees(command("w", 2))
    first = only(leader.commits)
    leader.is_lost()
    again = only(leader.commits)
    assert again == first
    assert again.nonce == first.nonce
    leader.lands()
    assert leader.role is ManagerRole.LEADER


def test_leader_that_finds_a_newer_head_steps_down(mesh: ScriptedMesh, leader: Scripted) -> None:
    leader.sees(command("w", 2))
    lost = leader.commits.pop()
    mesh.taken_over_by("m2")
    leader.tell(CommitUndecided(lost.nonce))
    assert leader.role is ManagerRole.FOLLOWER
    assert leader.state.head.leader == "m2"
    assert leader.state.replica.machine_state.applied == ()
    assert leader.commits == []


def test_leader_paused_through_a_takeover_loses_its_first_commit(mesh: ScriptedMesh, leader: Scripted) -> None:
    mesh.taken_over_by("m2")
    leader.sees(command("w", 2))
    woken = only(leader.commits)
    assert not mesh.store.accepts(woken)
    leader.is_lost()
    assert leader.role is ManagerRole.FOLLOWER
    assert mesh.store.head.leader == "m2"


def test_leader_out_of_luck_gives_up_after_so_many_sends(leader: Scripted) -> None:
    leader.fire(Timer.RENEW)
    for _ in range(4):
        assert leader.role is ManagerRole.LEADER
        leader.is_lost()
    assert leader.role is ManagerRole.FOLLOWER
    assert leader.commits == []
    assert Timer.CAMPAIGN in leader.armed


def test_leader_refused_for_ever_by_an_unchanged_head_says_what_is_in_the_way(leader: Scripted) -> None:
    leader.sees(command("w", 2))
    index = leader.mesh.store.head.last_index + 1
    for _ in range(3):
        leader.tell(CommitUndecided(leader.commits.pop().nonce, refused=True))
    with pytest.raises(InvariantViolation, match=f"log entry {index} exists already"):
        leader.tell(CommitUndecided(leader.commits.pop().nonce, refused=True))


def test_leader_that_was_refused_and_then_unlucky_gives_up_as_ever(leader: Scripted) -> None:
    leader.sees(command("w", 2))
    for refused in (True, True, True, False):
        leader.tell(CommitUndecided(leader.commits.pop().nonce, refused=refused))
    assert leader.role is ManagerRole.FOLLOWER


def test_leader_refused_because_its_first_copy_landed_goes_on(leader: Scripted) -> None:
    leader.sees(command("w", 2))
    leader.mesh.land(leader.commits[0])
    leader.tell(CommitUndecided(leader.commits.pop().nonce, refused=True))
    assert leader.role is ManagerRole.LEADER
    assert leader.state.replica.machine_state.applied == ("w:2",)


def test_leader_that_cannot_read_the_head_tries_again(leader: Scripted) -> None:
    leader.answers_reads = False
    leader.fire(Timer.RENEW)
    leader.is_lost()
    leader.reads.clear()
    leader.tell(ReadFailed(ReadHead()))
    assert leader.armed[Timer.RETRY].after_ms == 100
    leader.answers_reads = True
    assert any(isinstance(effect, Commit) for effect in leader.fire(Timer.RETRY))


def test_elapsed_time_of_a_resolved_commit_counts_from_its_first_sending(leader: Scripted) -> None:
    leader.answers_reads = False
    leader.fire(Timer.RENEW)
    leader.lands_unheard()
    leader.reads.clear()
    leader.tell(HeadRead(leader.mesh.store.head, leader.mesh.store.version, elapsed_ms=700))
    assert leader.armed[Timer.LEASE].after_ms == LEASE_MS - 700


def test_sight_of_the_head_while_a_commit_is_in_flight_concludes_nothing(mesh: ScriptedMesh, leader: Scripted) -> None:
    leader.fire(Timer.RENEW)
    (renewal,) = leader.commits
    version = mesh.land(renewal)
    leader.sees_head()
    assert leader.role is ManagerRole.LEADER
    leader.tell(Committed(renewal.nonce, version))
    assert leader.role is ManagerRole.LEADER


# --- handing over --------------------------------------------------------------------------------------------------


def test_release_empties_the_lease_and_ends_the_lead(mesh: ScriptedMesh, leader: Scripted) -> None:
    leader.tell(ReleaseAsked())
    release = leader.lands()
    assert release.kind is ProposalKind.RELEASE
    assert (release.head.leader, release.head.leader_inc, release.head.ttl_ms) == ("", "", 0)
    assert mesh.store.head.released
    assert leader.role is ManagerRole.FOLLOWER


def test_release_waits_for_the_commit_in_flight(leader: Scripted) -> None:
    leader.sees(command("w", 2))
    leader.tell(ReleaseAsked(transfer_to="m2"))
    assert leader.lands().kind is ProposalKind.APPEND
    release = leader.lands()
    assert (release.kind, release.head.transfer_to) == (ProposalKind.RELEASE, "m2")


def test_release_comes_before_what_waits(leader: Scripted) -> None:
    leader.fire(Timer.RENEW)
    leader.tell(ReleaseAsked())
    leader.sees(command("w", 2))
    leader.lands()
    assert only(leader.commits).kind is ProposalKind.RELEASE


def test_follower_asked_to_release_has_nothing_to_release(mesh: ScriptedMesh) -> None:
    assert mesh["m2"].tell(ReleaseAsked()) == []
    assert mesh["m2"].state.release_to is None
