"""How a leader renews, orders, resolves what it is in doubt about, and stops."""

from typing import Any

import pytest

from firemesh.core import leading
from firemesh.core.effects import (
    ArmDeadline,
    Commit,
    Committed,
    CommitUndecided,
    DeadlinePassed,
    Disarm,
    HeadRead,
    ManagerRole,
    Projection,
    ProjectionChanged,
    Proposal,
    ProposalKind,
    Proposed,
    ReadFailed,
    ReadHead,
    ReleaseAsked,
    Request,
    RequestsSeen,
    RoleChanged,
    Timer,
)
from firemesh.core.machine import Machine
from firemesh.core.messages import Snapshot, mesh_command
from firemesh.core.params import Params
from firemesh.core.replica import Replica
from firemesh.core.sessions import GAP_PATIENCE_MS
from firemesh.errors import InvariantViolation
from tests.support.model_store import Silence
from tests.support.scripted import AT_MS, Scripted, ScriptedMesh, command, join, request

LEASE_MS = int(0.99 * 1500) - 150


@pytest.fixture
def mesh() -> ScriptedMesh:
    return ScriptedMesh("m1", "m2").led_by("m1", join("w"))


@pytest.fixture
def leader(mesh: ScriptedMesh) -> Scripted:
    return mesh["m1"]


def takes_over(mesh: ScriptedMesh, name: str) -> Scripted:
    """Another manager takes the lead from whoever has it."""
    mesh.silence(Silence.DESERTED)
    other = mesh[name]
    other.sees_head()
    other.fire(Timer.CAMPAIGN)
    other.lands()
    return other


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
    takes_over(mesh, "m2")
    leader.tell(CommitUndecided(lost.nonce))
    assert leader.role is ManagerRole.FOLLOWER
    assert leader.state.head.leader == "m2"
    assert leader.state.replica.machine_state.applied == ()
    assert leader.commits == []


def test_leader_paused_through_a_takeover_loses_its_first_commit(mesh: ScriptedMesh, leader: Scripted) -> None:
    takes_over(mesh, "m2")
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


# --- ordering ------------------------------------------------------------------------------------------------------


def test_waiting_requests_go_into_one_entry(mesh: ScriptedMesh, leader: Scripted) -> None:
    leader.sees(command("w", 2), command("w", 3))
    proposal = leader.lands()
    assert proposal.entry is not None
    assert [each.seq for each in proposal.entry.batch] == [2, 3]
    assert set(proposal.requests_done) == {request(command("w", 2)).id, request(command("w", 3)).id}
    assert leader.commits == []


def test_requests_seen_while_a_commit_is_in_flight_go_into_the_next_one(leader: Scripted) -> None:
    leader.sees(command("w", 2))
    leader.sees(command("w", 2), command("w", 3))
    leader.lands()
    following = only(leader.commits)
    assert following.entry is not None
    assert [each.seq for each in following.entry.batch] == [3]


def test_requests_shown_again_after_their_commit_are_not_settled_twice(leader: Scripted) -> None:
    leader.sees(command("w", 2))
    leader.lands()
    leader.sees(command("w", 2))
    assert leader.commits == []


def test_command_sent_again_after_it_was_ordered_is_refused_without_an_entry(leader: Scripted) -> None:
    leader.sees(command("w", 2))
    leader.lands()
    leader.tell(RequestsSeen((request(command("w", 2), received=99),)))
    removal = leader.lands()
    assert removal.entry is None
    assert [(refusal.request_id, refusal.reason) for refusal in removal.refusals] == [
        (request(command("w", 2)).id, "ALREADY_ORDERED")
    ]


def test_command_sent_again_while_its_commit_is_in_doubt_is_dealt_with_too(leader: Scripted) -> None:
    """Found by the simulation: the later document was taken for the settled one and lay in the inbox for ever."""
    leader.answers_reads = False
    leader.sees(command("w", 2))
    leader.lands_unheard()
    leader.tell(RequestsSeen((request(command("w", 2), received=99),)))
    leader.answer_reads()
    assert [refusal.reason for refusal in only(leader.commits).refusals] == ["ALREADY_ORDERED"]


def test_malformed_request_is_refused_with_what_was_sent(leader: Scripted) -> None:
    leader.tell(RequestsSeen((Request("junk", 1, None, "payload is not JSON", "{"),)))
    (refusal,) = leader.lands().refusals
    assert (refusal.request_id, refusal.reason, refusal.detail, refusal.sent) == (
        "junk",
        "MALFORMED",
        "payload is not JSON",
        "{",
    )


def test_request_that_waits_for_those_before_it_costs_no_commit_until_they_come(leader: Scripted) -> None:
    leader.sees(command("w", 3))
    assert leader.commits == []
    leader.sees(command("w", 3), command("w", 2))
    entry = leader.lands().entry
    assert entry is not None
    assert [each.seq for each in entry.batch] == [2, 3]


def test_request_that_waits_in_vain_is_refused_after_a_renewal(leader: Scripted) -> None:
    leader.tell(RequestsSeen((request(command("w", 3), received=(AT_MS - GAP_PATIENCE_MS + 1) * 1_000_000),)))
    assert leader.commits == []
    leader.at_ms = AT_MS + 1
    leader.fire(Timer.RENEW)
    leader.lands()
    assert [refusal.reason for refusal in leader.lands().refusals] == ["SEQUENCE_GAP"]
    assert leader.commits == []


def test_an_entry_says_when_its_oldest_request_reached_the_inbox(leader: Scripted) -> None:
    asked = {2: 7_900_000, 3: 5_100_000, 5: 1_000_000}
    leader.tell(RequestsSeen(tuple(request(command("w", seq), received=at) for seq, at in asked.items())))
    entry = leader.lands().entry
    assert entry is not None
    assert [each.seq for each in entry.batch] == [2, 3], "5 waits for 4, so its time is not this entry's"
    assert entry.asked_ms == 5


def test_what_the_mesh_itself_wants_was_asked_by_nobody(mesh: ScriptedMesh) -> None:
    entry = takes_over(mesh, "m2").state.head.tail[-1]
    assert (entry.batch, entry.asked_ms) == ((), 0)


def test_follower_ignores_requests(mesh: ScriptedMesh) -> None:
    mesh["m2"].sees(command("w", 2))
    assert mesh["m2"].commits == []
    assert mesh["m2"].state.waiting == ()


def test_commands_of_the_mesh_come_before_requests(leader: Scripted) -> None:
    leader.fire(Timer.RENEW)
    leader.sees(command("w", 2))
    leader.tell(Proposed(mesh_command("mesh.member_dead", {"agent": "w", "inc": command("w", 2).inc})))
    leader.lands()
    first = leader.lands()
    assert first.entry is not None
    assert [each.kind for each in first.entry.batch] == ["mesh.member_dead"]


def test_death_of_somebody_long_gone_is_not_ordered(leader: Scripted) -> None:
    leader.tell(Proposed(mesh_command("mesh.member_dead", {"agent": "w", "inc": "0" * 12})))
    leader.tell(Proposed(mesh_command("mesh.member_dead", {"agent": "nobody"})))
    assert leader.commits == []


def test_voters_end_one_entry_at_a_time() -> None:
    mesh = ScriptedMesh("m1", "m2", "m3").led_by("m1")
    leader = mesh["m1"]
    leader.fire(Timer.RENEW)
    for agent in ("m2", "m3"):
        leader.tell(Proposed(mesh_command("mesh.member_dead", {"agent": agent})))
    leader.lands()
    entries = [leader.lands().entry, leader.lands().entry]
    assert [len(entry.batch) for entry in entries if entry] == [1, 1]
    assert mesh.store.head.voters.managers == ("m1",)
    assert leader.commits == []


def test_pause_between_appends_gathers_commands_into_one_entry() -> None:
    params = Params(ttl_ms=1500, renew_ms=500, grace_ms=200, rpc_timeout_ms=375, append_interval_ms=400)
    mesh = ScriptedMesh("m1", params=params).start()
    leader = mesh["m1"]
    leader.fire(Timer.CAMPAIGN)
    leader.lands()
    leader.sees(join("w"))
    leader.lands()
    leader.sees(command("w", 2))
    leader.sees(command("w", 2), command("w", 3))
    assert leader.commits == []
    leader.fire(Timer.APPEND)
    proposal = leader.lands()
    assert proposal.entry is not None
    assert len(proposal.entry.batch) == 2


# --- views ---------------------------------------------------------------------------------------------------------


def written(proposal: Proposal) -> dict[str, Projection]:
    return {projection.path: projection for projection in proposal.projections}


def test_views_that_changed_are_part_of_the_commit(leader: Scripted) -> None:
    leader.sees(command("w", 2))
    proposal = leader.lands()
    assert proposal.entry is not None
    fields = written(proposal)["views/public"].fields
    assert fields == {"applied_index": proposal.entry.index, "at_ms": 1000, "view": {"applied": 1}}


def test_refused_command_is_told_to_its_sender_alone(leader: Scripted) -> None:
    leader.sees(command("w", 2, "ledger.forbidden"))
    projections = written(leader.lands())
    assert set(projections) == {"views/agent_w"}
    assert projections["views/agent_w"].fields is not None
    row = {"seq": 2, "kind": "ledger.forbidden", "reason": "FORBIDDEN"}
    assert projections["views/agent_w"].fields["view"] == {"refused": [row]}


def test_health_rides_on_the_next_commit_and_only_on_that(leader: Scripted) -> None:
    rider = Projection("views/health", {"w": "suspect"})
    leader.fire(Timer.RENEW)
    leader.tell(ProjectionChanged(rider))
    assert "views/health" not in written(leader.lands())
    leader.fire(Timer.RENEW)
    assert written(leader.lands())["views/health"] is rider
    leader.fire(Timer.RENEW)
    assert written(leader.lands()) == {}


def test_of_two_changes_of_one_view_the_later_one_is_written(leader: Scripted) -> None:
    leader.fire(Timer.RENEW)
    leader.tell(ProjectionChanged(Projection("views/health", {"w": "suspect"})))
    latest = Projection("views/health", {"w": "healthy"})
    leader.tell(ProjectionChanged(latest))
    leader.lands()
    leader.fire(Timer.RENEW)
    assert leader.lands().projections == (latest,)


# --- deadlines -----------------------------------------------------------------------------------------------------


def test_deadline_of_the_machine_is_armed_once(leader: Scripted) -> None:
    leader.sees(command("w", 2, "ledger.deadline", {"deadline_ms": 5000}))
    leader.lands()
    assert ArmDeadline(5000) in leader.effects
    leader.fire(Timer.RENEW)
    leader.lands()
    assert ArmDeadline(5000) not in leader.effects


def test_deadline_that_has_passed_is_ordered(leader: Scripted) -> None:
    leader.sees(command("w", 2, "ledger.deadline", {"deadline_ms": 5000}))
    leader.lands()
    leader.tell(DeadlinePassed(5000))
    entry = leader.lands().entry
    assert entry is not None
    assert [(each.kind, each.body) for each in entry.batch] == [("mesh.deadline", {"deadline_ms": 5000})]
    assert ArmDeadline(None) in leader.effects


def test_deadline_that_was_moved_meanwhile_is_not_ordered(leader: Scripted) -> None:
    leader.sees(command("w", 2, "ledger.deadline", {"deadline_ms": 5000}))
    leader.lands()
    leader.tell(DeadlinePassed(4000))
    assert leader.commits == []


def test_new_leader_arms_the_deadline_it_inherits(mesh: ScriptedMesh, leader: Scripted) -> None:
    leader.sees(command("w", 2, "ledger.deadline", {"deadline_ms": 5000}))
    leader.lands()
    heir = takes_over(mesh, "m2")
    assert ArmDeadline(5000) in heir.effects


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


# --- keeping the log short -----------------------------------------------------------------------------------------


SHORT = Params(ttl_ms=1500, renew_ms=500, grace_ms=200, rpc_timeout_ms=375, snapshot_every=4, keep_entries=1)


def test_snapshot_follows_after_enough_entries_and_compaction_after_the_snapshot() -> None:
    mesh = ScriptedMesh("m1", params=SHORT).start()
    leader = mesh["m1"]
    leader.fire(Timer.CAMPAIGN)
    leader.lands()
    leader.sees(join("w"))
    leader.lands()
    for seq in (2, 3):
        leader.sees(command("w", seq))
        leader.lands()
    snapshot, compaction = leader.lands(), leader.lands()
    assert (snapshot.kind, snapshot.head.snapshot_index) == (ProposalKind.SNAPSHOT, 4)
    assert snapshot.snapshot is not None
    assert (compaction.kind, compaction.entries_dropped, compaction.head.first_index) == (ProposalKind.COMPACT, (1, 3), 4)
    assert leader.commits == []


def test_next_snapshot_replaces_the_one_before() -> None:
    mesh = ScriptedMesh("m1", params=SHORT).start()
    leader = mesh["m1"]
    leader.fire(Timer.CAMPAIGN)
    leader.sees_head()
    leader.settle()
    leader.sees(join("w"))
    leader.settle()
    dropped = []
    for seq in range(2, 12):
        leader.sees(command("w", seq))
        while leader.commits:
            landed = leader.lands()
            if landed.kind is ProposalKind.SNAPSHOT:
                dropped.append((landed.snapshot_dropped, landed.head.snapshot_index))
    assert dropped == [(0, 4), (4, 8), (8, 12)]


def test_leader_takes_no_snapshot_that_would_not_fit_a_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leading, "SNAPSHOT_BYTES_MAX", 10)
    mesh = ScriptedMesh("m1", params=SHORT).start()
    leader = mesh["m1"]
    leader.fire(Timer.CAMPAIGN)
    leader.lands()
    leader.sees(join("w"))
    leader.lands()
    for seq in range(2, 8):
        leader.sees(command("w", seq))
        assert leader.lands().kind is ProposalKind.APPEND
    assert leader.commits == []


def test_state_too_large_for_a_snapshot_is_not_written_out_after_every_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    written_out: list[int] = []
    take = leading.take_snapshot

    def taken(replica: Replica[Any], machine: Machine[Any]) -> Snapshot:
        written_out.append(replica.index)
        return take(replica, machine)

    monkeypatch.setattr(leading, "SNAPSHOT_BYTES_MAX", 10)
    monkeypatch.setattr(leading, "take_snapshot", taken)
    mesh = ScriptedMesh("m1", params=SHORT).start()
    leader = mesh["m1"]
    leader.fire(Timer.CAMPAIGN)
    leader.lands()
    leader.sees(join("w"))
    leader.settle()
    for seq in range(2, 12):
        leader.sees(command("w", seq))
        leader.settle()
        leader.fire(Timer.RENEW)
        leader.settle()
    assert written_out == [4, 8, 12]


def test_leader_without_enough_entries_takes_no_snapshot(leader: Scripted) -> None:
    leader.sees(command("w", 2))
    leader.lands()
    assert leader.commits == []
