"""What a leader orders, and what a commit brings with it: entries, refusals, views, deadlines."""

from firemesh.core.effects import (
    ArmDeadline,
    DeadlinePassed,
    Projection,
    ProjectionChanged,
    Proposal,
    Proposed,
    Request,
    RequestsSeen,
    Timer,
)
from firemesh.core.messages import mesh_command
from firemesh.core.params import Params
from firemesh.core.sessions import GAP_PATIENCE_MS
from tests.support.scripted import AT_MS, Scripted, ScriptedMesh, command, join, request


def only(proposals: list[Proposal]) -> Proposal:
    (proposal,) = proposals
    return proposal


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
    entry = mesh.taken_over_by("m2").state.head.tail[-1]
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
    heir = mesh.taken_over_by("m2")
    assert ArmDeadline(5000) in heir.effects
