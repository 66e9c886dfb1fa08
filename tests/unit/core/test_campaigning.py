"""How a manager that finds the leader silent becomes the leader, and when it must not."""

import pytest

from firemesh.core.effects import (
    Arm,
    CastVote,
    Commit,
    ElectionRead,
    HeadRead,
    ManagerRole,
    ProposalKind,
    ReadElection,
    ReadEntries,
    ReadFailed,
    ReadHead,
    ReleaseAsked,
    Request,
    RequestsSeen,
    RoleChanged,
    Timer,
    VoteFailed,
)
from firemesh.core.membership import CLOSE
from firemesh.core.messages import Vote, mesh_command
from tests.support.model_store import NANOSECONDS_PER_MS, Silence
from tests.support.scripted import Scripted, ScriptedMesh, command, join

TTL_MS = 1500


def mesh_of_three() -> ScriptedMesh:
    return ScriptedMesh("m1", "m2", "m3").led_by("m1", join("w"))


def vote(mesh: ScriptedMesh, voter: str, candidate: str, *, version: int = 0, term: int = 2) -> None:
    mesh.store = mesh.store.with_vote(
        Vote(term=term, voter=voter, candidate=candidate, applied=0, head_version=version or mesh.store.version)
    )


def expired(mesh: ScriptedMesh) -> ScriptedMesh:
    mesh.silence(Silence.EXPIRED)
    return mesh


# --- standing ------------------------------------------------------------------------------------------------------


def test_first_manager_of_an_empty_mesh_takes_over_without_votes() -> None:
    mesh = ScriptedMesh("m1").start()
    mesh["m1"].fire(Timer.CAMPAIGN)
    assert mesh["m1"].lands().kind is ProposalKind.TAKEOVER
    assert mesh["m1"].role is ManagerRole.LEADER
    assert (mesh.store.head.term, mesh.store.head.leader, mesh.store.head.last_index) == (1, "m1", 1)


def test_new_leader_announces_its_role_and_arms_renewal_and_lease() -> None:
    mesh = ScriptedMesh("m1").start()
    mesh["m1"].fire(Timer.CAMPAIGN)
    mesh["m1"].lands()
    assert RoleChanged(ManagerRole.LEADER, 1) in mesh["m1"].effects
    assert set(mesh["m1"].armed) == {Timer.RENEW, Timer.LEASE}


def test_follower_refuses_a_vote_while_the_lease_is_live() -> None:
    mesh = mesh_of_three()
    effects = mesh["m2"].fire(Timer.CAMPAIGN)
    assert not any(isinstance(effect, CastVote) for effect in effects)
    assert mesh["m2"].role is ManagerRole.FOLLOWER
    assert mesh.store.votes == frozenset()


def test_follower_of_a_live_lease_waits_for_exactly_what_is_left_of_it() -> None:
    mesh = mesh_of_three()
    follower = mesh["m2"]
    follower.answers_reads = False
    follower.fire(Timer.CAMPAIGN)
    aged_ms = 400
    read_time = mesh.store.version + aged_ms * NANOSECONDS_PER_MS
    follower.reads.clear()
    follower.tell(ElectionRead(2, mesh.store.head, mesh.store.version, read_time, ()))
    assert follower.armed[Timer.CAMPAIGN].after_ms == TTL_MS + 200 - aged_ms


def test_follower_that_finds_a_newer_head_waits_for_what_is_left_of_its_lease() -> None:
    mesh = mesh_of_three()
    mesh["m1"].fire(Timer.RENEW)
    mesh["m1"].lands()
    follower = mesh["m2"]
    follower.answers_reads = False
    follower.fire(Timer.CAMPAIGN)
    aged_ms = 400
    follower.reads.clear()
    follower.tell(ElectionRead(2, mesh.store.head, mesh.store.version, mesh.store.version + aged_ms * NANOSECONDS_PER_MS, ()))
    assert follower.armed[Timer.CAMPAIGN].after_ms == TTL_MS + 200 - aged_ms


def test_follower_looks_at_the_head_alone_and_at_votes_only_when_the_lease_is_over() -> None:
    mesh = mesh_of_three()
    alive = mesh["m2"].fire(Timer.CAMPAIGN)
    assert [effect.voters for effect in alive if isinstance(effect, ReadElection)] == [()]
    over = expired(mesh)["m2"].fire(Timer.CAMPAIGN)
    asked = [effect.voters for effect in over if isinstance(effect, ReadElection)]
    assert asked[:2] == [(), ("m1", "m2", "m3")]


def test_a_released_lease_is_taken_after_one_look_at_the_head_alone() -> None:
    mesh = mesh_of_three()
    mesh["m1"].tell(ReleaseAsked())
    mesh["m1"].lands()
    mesh["m2"].sees_head()
    looks = mesh["m2"].fire(Timer.CAMPAIGN)
    assert [effect.voters for effect in looks if isinstance(effect, ReadElection)] == [()]
    assert mesh["m2"].lands().kind is ProposalKind.TAKEOVER


def test_follower_that_hears_of_the_end_before_its_look_is_answered_does_not_take_over_what_is_closed() -> None:
    mesh = mesh_of_three()
    follower = mesh["m2"]
    follower.answers_reads = False
    follower.fire(Timer.CAMPAIGN)
    mesh["m1"].tell(RequestsSeen((Request(id="operator_000000000000_00000000", received=9, command=mesh_command(CLOSE, {})),)))
    mesh["m1"].settle()
    follower.sees_head()
    follower.answer_reads()
    assert mesh.store.head.closed
    assert follower.commits == []


def test_follower_votes_for_itself_when_the_lease_has_expired() -> None:
    mesh = expired(mesh_of_three())
    mesh["m2"].fire(Timer.CAMPAIGN)
    (cast,) = mesh.store.votes
    assert (cast.term, cast.voter, cast.candidate) == (2, "m2", "m2")
    assert cast.head_version == mesh.store.version


def test_second_voter_votes_for_whoever_leads_the_count() -> None:
    mesh = expired(mesh_of_three())
    mesh["m3"].fire(Timer.CAMPAIGN)
    mesh["m2"].fire(Timer.CAMPAIGN)
    assert {(cast.voter, cast.candidate) for cast in mesh.store.votes} == {("m3", "m3"), ("m2", "m3")}
    assert mesh["m2"].commits == []


def test_candidate_with_a_majority_takes_over() -> None:
    mesh = expired(mesh_of_three())
    vote(mesh, "m3", "m2")
    mesh["m2"].fire(Timer.CAMPAIGN)
    assert mesh["m2"].lands().kind is ProposalKind.TAKEOVER
    assert (mesh.store.head.term, mesh.store.head.leader) == (2, "m2")


def test_candidate_without_a_majority_looks_again_soon() -> None:
    mesh = expired(mesh_of_three())
    mesh["m2"].fire(Timer.CAMPAIGN)
    assert mesh["m2"].commits == []
    assert mesh["m2"].role is ManagerRole.CANDIDATE
    assert mesh["m2"].armed[Timer.CAMPAIGN].after_ms == 60


def test_candidate_moves_on_to_the_next_term_after_too_many_looks() -> None:
    mesh = expired(mesh_of_three())
    for _ in range(8):
        mesh["m2"].fire(Timer.CAMPAIGN)
    assert {cast.term for cast in mesh.store.votes} == {2, 3}


def split(mesh: ScriptedMesh) -> ScriptedMesh:
    for voter in ("m1", "m2", "m3"):
        vote(mesh, voter, voter)
    return mesh


def test_split_vote_moves_on_to_the_next_term_at_once() -> None:
    mesh = split(expired(mesh_of_three()))
    mesh["m2"].fire(Timer.CAMPAIGN)
    assert mesh["m2"].state.target_term == 3


def test_in_the_next_term_the_favourite_goes_first_and_the_others_leave_it_time() -> None:
    mesh = split(expired(ScriptedMesh("m1", "m2", "m3").led_by("m3", join("w"))))
    for name in ("m1", "m2"):
        mesh[name].fire(Timer.CAMPAIGN)
    assert (mesh["m1"].armed[Timer.CAMPAIGN].after_ms, mesh["m1"].armed[Timer.CAMPAIGN].jitter_ms) == (0, 0)
    assert mesh["m2"].armed[Timer.CAMPAIGN].after_ms == 2 * 60


def test_two_candidates_that_tie_while_the_third_voter_is_dead_do_not_wait_for_it_long() -> None:
    """Found by measuring: each voted for itself, both looked six times, then both voted for themselves again."""
    mesh = expired(ScriptedMesh("m1", "m2", "m3").led_by("m3", join("w")))
    for name in ("m1", "m2"):
        vote(mesh, name, name)
    looks = 0
    while mesh["m1"].state.target_term < 3:
        mesh["m1"].fire(Timer.CAMPAIGN)
        looks += 1
    while mesh["m2"].state.target_term < 3:
        mesh["m2"].fire(Timer.CAMPAIGN)
    assert looks == 3
    mesh["m1"].fire(Timer.CAMPAIGN)
    mesh["m2"].fire(Timer.CAMPAIGN)
    mesh["m1"].fire(Timer.CAMPAIGN)
    assert mesh["m1"].lands().kind is ProposalKind.TAKEOVER


def test_votes_that_speak_of_an_older_head_do_not_count() -> None:
    mesh = expired(mesh_of_three())
    vote(mesh, "m3", "m2", version=mesh.store.version - 1)
    mesh["m2"].fire(Timer.CAMPAIGN)
    assert mesh["m2"].commits == []


def test_votes_of_who_is_no_voter_do_not_count() -> None:
    mesh = expired(mesh_of_three())
    vote(mesh, "m9", "m2")
    mesh["m2"].fire(Timer.CAMPAIGN)
    assert mesh["m2"].commits == []


def test_follower_takes_over_alone_after_three_lease_times() -> None:
    mesh = mesh_of_three()
    mesh.silence(Silence.DESERTED)
    mesh["m2"].fire(Timer.CAMPAIGN)
    assert mesh["m2"].lands().kind is ProposalKind.TAKEOVER
    assert mesh.store.votes == frozenset()


# --- who may stand -------------------------------------------------------------------------------------------------


def newcomer(mesh: ScriptedMesh) -> Scripted:
    mesh.managers["m9"] = Scripted(mesh, "m9").start()
    return mesh["m9"]


def test_manager_that_is_no_voter_does_not_stand_for_an_expired_lease() -> None:
    mesh = expired(mesh_of_three())
    outsider = newcomer(mesh)
    outsider.fire(Timer.CAMPAIGN)
    assert outsider.commits == []
    assert mesh.store.votes == frozenset()
    assert Timer.CAMPAIGN in outsider.armed


def test_manager_that_is_no_voter_does_not_take_a_released_lease() -> None:
    mesh = mesh_of_three()
    mesh["m1"].tell(ReleaseAsked())
    mesh["m1"].lands()
    outsider = newcomer(mesh)
    outsider.fire(Timer.CAMPAIGN)
    assert outsider.commits == []


def test_voter_takes_a_released_lease_without_votes() -> None:
    mesh = mesh_of_three()
    mesh["m1"].tell(ReleaseAsked())
    mesh["m1"].lands()
    mesh["m2"].sees_head()
    mesh["m2"].fire(Timer.CAMPAIGN)
    assert mesh["m2"].lands().kind is ProposalKind.TAKEOVER


def test_manager_that_is_no_voter_takes_over_a_mesh_that_all_voters_have_deserted() -> None:
    mesh = mesh_of_three()
    mesh.silence(Silence.DESERTED)
    outsider = newcomer(mesh)
    outsider.fire(Timer.CAMPAIGN)
    assert outsider.lands().kind is ProposalKind.TAKEOVER


# --- transfer ------------------------------------------------------------------------------------------------------


def transferred(to: str) -> ScriptedMesh:
    mesh = mesh_of_three()
    mesh["m1"].tell(ReleaseAsked(transfer_to=to))
    mesh["m1"].lands()
    mesh.all_see_head()
    return mesh


def test_heir_stands_at_once() -> None:
    mesh = transferred("m2")
    assert (mesh["m2"].armed[Timer.CAMPAIGN].after_ms, mesh["m2"].armed[Timer.CAMPAIGN].jitter_ms) == (0, 0)
    mesh["m2"].fire(Timer.CAMPAIGN)
    assert mesh["m2"].lands().kind is ProposalKind.TAKEOVER
    assert mesh.store.head.transfer_to == ""


def test_others_leave_the_heir_one_lease_time() -> None:
    mesh = transferred("m2")
    assert mesh["m3"].armed[Timer.CAMPAIGN].after_ms == TTL_MS
    mesh["m3"].fire(Timer.CAMPAIGN)
    assert mesh["m3"].commits == []


def test_others_take_over_when_the_heir_does_not_come() -> None:
    mesh = expired(transferred("m2"))
    mesh["m3"].fire(Timer.CAMPAIGN)
    assert mesh["m3"].lands().kind is ProposalKind.TAKEOVER


@pytest.mark.parametrize("heir", ["w", "nobody"])
def test_nobody_waits_for_an_heir_who_is_no_voter(heir: str) -> None:
    mesh = transferred(heir)
    assert mesh["m3"].armed[Timer.CAMPAIGN].after_ms == 0
    mesh["m3"].fire(Timer.CAMPAIGN)
    assert mesh["m3"].lands().kind is ProposalKind.TAKEOVER


# --- losing the race -----------------------------------------------------------------------------------------------


def test_of_two_takeovers_on_one_head_the_second_one_follows() -> None:
    mesh = expired(mesh_of_three())
    vote(mesh, "m1", "m2")
    mesh["m2"].fire(Timer.CAMPAIGN)
    mesh.silence(Silence.DESERTED)
    mesh["m3"].fire(Timer.CAMPAIGN)
    mesh["m2"].lands()
    mesh["m3"].is_lost()
    assert mesh["m3"].role is ManagerRole.FOLLOWER
    assert mesh["m3"].state.head.leader == "m2"
    assert Timer.CAMPAIGN in mesh["m3"].armed


def test_candidate_that_sees_a_new_head_follows_it() -> None:
    mesh = expired(mesh_of_three())
    mesh["m2"].fire(Timer.CAMPAIGN)
    mesh["m1"].fire(Timer.RENEW)
    mesh["m1"].lands()
    mesh["m2"].sees_head()
    assert mesh["m2"].role is ManagerRole.FOLLOWER
    assert mesh["m2"].state.target_term == 0


def test_candidate_whose_read_shows_a_newer_head_follows_it() -> None:
    mesh = mesh_of_three()
    mesh["m1"].fire(Timer.RENEW)
    mesh["m1"].lands()
    mesh["m2"].fire(Timer.CAMPAIGN)
    assert mesh["m2"].role is ManagerRole.FOLLOWER
    assert mesh["m2"].state.version == mesh.store.version


def test_repeated_answer_of_an_earlier_election_is_not_acted_upon() -> None:
    """Its term may have been led meanwhile: two leaders of one term would be the end of fencing by term."""
    mesh = ScriptedMesh("m1", "m2").led_by("m1")
    mesh["m1"].tell(ReleaseAsked())
    mesh["m1"].lands()
    candidate = mesh["m2"]
    candidate.sees_head()
    candidate.answers_reads = False
    candidate.fire(Timer.CAMPAIGN)
    old_term = mesh.store.head.term
    late = ElectionRead(old_term, mesh.store.head, mesh.store.version, mesh.store.version, ())
    candidate.tell(late)
    assert candidate.commits == []


# --- calls that fail -----------------------------------------------------------------------------------------------


def test_failed_election_read_is_tried_again() -> None:
    mesh = expired(mesh_of_three())
    candidate = mesh["m2"]
    candidate.answers_reads = False
    candidate.fire(Timer.CAMPAIGN)
    (read,) = candidate.reads
    assert isinstance(read, ReadElection)
    candidate.reads.clear()
    candidate.tell(ReadFailed(read))
    assert candidate.armed[Timer.CAMPAIGN].after_ms == 100
    assert not candidate.state.electing


def test_failed_vote_is_tried_again() -> None:
    mesh = expired(mesh_of_three())
    candidate = mesh["m2"]
    candidate.answers_reads = False
    candidate.fire(Timer.CAMPAIGN)
    candidate.answer_reads_once()
    candidate.reads.clear()
    candidate.tell(VoteFailed(2))
    assert Timer.CAMPAIGN in candidate.armed
    assert not candidate.state.electing


def test_candidate_does_not_ask_twice_while_an_answer_is_on_its_way() -> None:
    mesh = expired(mesh_of_three())
    candidate = mesh["m2"]
    candidate.answers_reads = False
    candidate.fire(Timer.CAMPAIGN)
    candidate.armed[Timer.CAMPAIGN] = Arm(Timer.CAMPAIGN, 0)
    candidate.fire(Timer.CAMPAIGN)
    assert len(candidate.reads) == 1
    assert Timer.CAMPAIGN in candidate.armed


def lagging(mesh: ScriptedMesh) -> Scripted:
    """A follower that could not read the entries it lacks."""
    follower = mesh["m2"]
    follower.answers_reads = False
    follower.sees_head()
    (read,) = follower.reads
    assert isinstance(read, ReadEntries)
    follower.reads.clear()
    follower.tell(ReadFailed(read))
    return follower


def test_takeover_waits_until_the_replica_is_at_the_head() -> None:
    """Found by the explorer: while it read what it lacked, the candidate had no timer that would make it stand again."""
    mesh = ScriptedMesh("m1", "m2").led_by("m1", join("w"))
    for seq in range(2, 20):
        mesh["m1"].sees(command("w", seq))
        mesh["m1"].lands()
    follower = lagging(mesh)
    mesh.silence(Silence.DESERTED)
    follower.fire(Timer.CAMPAIGN)
    follower.answer_reads_once()
    assert follower.commits == []
    assert any(isinstance(read, ReadEntries) for read in follower.reads)
    follower.answer_reads()
    follower.fire(Timer.CAMPAIGN)
    assert follower.lands().kind is ProposalKind.TAKEOVER


def test_candidate_ignores_a_read_of_the_head_that_is_older_than_its_commit() -> None:
    """The read was asked for before; the commit may land yet."""
    mesh = ScriptedMesh("m1", "m2").led_by("m1")
    mesh.silence(Silence.DESERTED)
    candidate = mesh["m2"]
    candidate.fire(Timer.CAMPAIGN)
    candidate.answers_reads = False
    candidate.is_lost()
    assert candidate.reads == [ReadHead()]
    candidate.reads.clear()
    candidate.tell(HeadRead(mesh.store.head, mesh.store.version - 1))
    assert candidate.state.pending is not None
    assert Timer.RETRY in candidate.armed
    candidate.answers_reads = True
    effects = candidate.fire(Timer.RETRY)
    assert any(isinstance(effect, Commit) for effect in effects)
