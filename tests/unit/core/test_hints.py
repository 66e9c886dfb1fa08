"""Word that a process has ended: its lease is not waited for, and a word that is wrong costs a leader and nothing else."""

from dataclasses import replace

from firemesh.core.effects import ManagerRole, ProposalKind, ReadElection, ReleaseAsked, RunEnded, Timer
from firemesh.core.following import ENDED_MAX
from firemesh.core.invariants import Checker
from firemesh.core.messages import Head
from firemesh.core.params import TEST
from tests.support.ledger import LedgerMachine
from tests.support.model_store import Silence
from tests.support.scripted import Scripted, ScriptedMesh, command, incarnation, join

LOOKING = replace(TEST, standbys_listen=0)


def mesh_of_three() -> ScriptedMesh:
    return ScriptedMesh("m1", "m2", "m3").led_by("m1", join("w"))


def hears_of_the_end_of(manager: Scripted, name: str) -> None:
    manager.tell(RunEnded(incarnation(name)))


def takes_over(manager: Scripted) -> None:
    manager.fire(Timer.CAMPAIGN)
    assert manager.lands().kind is ProposalKind.TAKEOVER


def looks_until_it_takes_over(manager: Scripted) -> None:
    """It learns who leads, and reads the log, before it stands."""
    for _ in range(4):
        if not manager.commits:
            manager.fire(Timer.CAMPAIGN)
            assert manager.commits or manager.armed[Timer.CAMPAIGN].after_ms <= LOOKING.poll_ms
    assert manager.lands().kind is ProposalKind.TAKEOVER


def test_a_leader_whose_run_has_ended_is_succeeded_at_once_and_without_votes() -> None:
    mesh = mesh_of_three()
    hears_of_the_end_of(mesh["m2"], "m1")
    assert (mesh["m2"].armed[Timer.CAMPAIGN].after_ms, mesh["m2"].armed[Timer.CAMPAIGN].jitter_ms) == (0, 0)
    takes_over(mesh["m2"])
    assert (mesh.store.head.term, mesh.store.head.leader, mesh.store.votes) == (2, "m2", frozenset())


def test_the_head_says_whose_lease_was_not_waited_for_and_later_terms_do_not() -> None:
    mesh = mesh_of_three()
    hears_of_the_end_of(mesh["m2"], "m1")
    takes_over(mesh["m2"])
    assert mesh.store.head.deposed_inc == incarnation("m1")
    mesh["m3"].sees_head()
    mesh.silence(Silence.DESERTED)
    takes_over(mesh["m3"])
    assert (mesh.store.head.term, mesh.store.head.deposed_inc) == (3, "")


def test_the_survivors_queue_so_that_the_first_has_no_rival() -> None:
    mesh = ScriptedMesh("m1", "m2", "m3", "m4").led_by("m2", join("w"))
    for name in ("m4", "m3", "m1"):
        hears_of_the_end_of(mesh[name], "m2")
    waits = {name: mesh[name].armed[Timer.CAMPAIGN].after_ms for name in ("m1", "m3", "m4")}
    assert waits == {"m1": 0, "m3": 60, "m4": 120}


def test_word_of_a_follower_changes_nothing() -> None:
    mesh = mesh_of_three()
    before = mesh["m2"].armed[Timer.CAMPAIGN]
    hears_of_the_end_of(mesh["m2"], "m3")
    assert mesh["m2"].armed[Timer.CAMPAIGN] == before
    mesh["m2"].fire(Timer.CAMPAIGN)
    assert (mesh["m2"].role, mesh["m2"].commits) == (ManagerRole.FOLLOWER, [])


def test_the_leader_and_a_run_itself_do_not_believe_that_they_have_ended() -> None:
    mesh = mesh_of_three()
    for name in ("m1", "m2"):
        assert mesh[name].tell(RunEnded(incarnation(name))) == []
        assert mesh[name].state.ended == ()


def test_a_takeover_that_was_on_its_way_when_its_sender_died_is_succeeded_at_once() -> None:
    mesh = ScriptedMesh("m1", "m2", "m3").led_by("m3", join("w"))
    mesh.silence(Silence.DESERTED)
    mesh["m1"].fire(Timer.CAMPAIGN)
    hears_of_the_end_of(mesh["m2"], "m1")
    mesh["m1"].lands()
    mesh["m2"].sees_head()
    assert mesh["m2"].armed[Timer.CAMPAIGN].after_ms == 0
    takes_over(mesh["m2"])
    assert (mesh.store.head.leader, mesh.store.head.deposed_inc) == ("m2", incarnation("m1"))


def test_a_word_that_is_wrong_costs_the_leader_its_term_and_loses_no_command() -> None:
    mesh = mesh_of_three()
    mesh["m1"].sees(command("w", 2))
    (on_its_way,) = mesh["m1"].commits
    hears_of_the_end_of(mesh["m2"], "m1")
    takes_over(mesh["m2"])
    assert not mesh.store.accepts(on_its_way)
    mesh["m1"].is_lost()
    assert mesh["m1"].role is ManagerRole.FOLLOWER
    mesh["m2"].sees(command("w", 2))
    mesh["m2"].settle()
    assert mesh.store.log[-1].batch == (command("w", 2),)


def test_each_word_deposes_once_so_two_that_are_wrong_end_in_peace() -> None:
    mesh = mesh_of_three()
    hears_of_the_end_of(mesh["m2"], "m1")
    hears_of_the_end_of(mesh["m1"], "m2")
    takes_over(mesh["m2"])
    mesh["m1"].sees_head()
    takes_over(mesh["m1"])
    mesh["m2"].sees_head()
    mesh["m2"].fire(Timer.CAMPAIGN)
    assert (mesh["m2"].role, mesh["m2"].commits, mesh.store.head.term) == (ManagerRole.FOLLOWER, [], 3)


def test_word_that_comes_during_an_election_read_counts_in_its_answer() -> None:
    mesh = mesh_of_three()
    candidate = mesh["m2"]
    candidate.answers_reads = False
    candidate.fire(Timer.CAMPAIGN)
    assert isinstance(candidate.reads[0], ReadElection)
    hears_of_the_end_of(candidate, "m1")
    candidate.answer_reads()
    assert candidate.lands().kind is ProposalKind.TAKEOVER


def test_a_takeover_whose_answer_is_lost_still_uses_the_word_up() -> None:
    mesh = mesh_of_three()
    hears_of_the_end_of(mesh["m2"], "m1")
    mesh["m2"].fire(Timer.CAMPAIGN)
    mesh["m2"].lands_unheard()
    assert (mesh["m2"].role, mesh["m2"].state.ended) == (ManagerRole.LEADER, ())


def test_a_standby_that_does_not_listen_looks_at_once_for_it_may_not_know_who_leads() -> None:
    mesh = ScriptedMesh("m1", "m2", "m3", params=LOOKING).led_by("m1", join("w"))
    mesh["m1"].tell(ReleaseAsked("m3"))
    mesh["m1"].settle()
    looks_until_it_takes_over(mesh["m3"])
    hears_of_the_end_of(mesh["m2"], "m3")
    assert mesh["m2"].armed[Timer.CAMPAIGN].after_ms == 0
    looks_until_it_takes_over(mesh["m2"])
    assert mesh.store.head.deposed_inc == incarnation("m3")


def test_a_standby_that_does_not_listen_looks_once_when_it_was_not_the_leader_that_ended() -> None:
    mesh = ScriptedMesh("m1", "m2", "m3", params=LOOKING).led_by("m1", join("w"))
    hears_of_the_end_of(mesh["m2"], "m3")
    mesh["m2"].fire(Timer.CAMPAIGN)
    assert (mesh["m2"].commits, mesh["m2"].armed[Timer.CAMPAIGN].after_ms) == ([], LOOKING.ttl_ms + LOOKING.grace_ms)


def test_a_manager_that_is_no_voter_yet_leaves_it_to_those_who_are() -> None:
    mesh = ScriptedMesh("m1").led_by("m1")
    newcomer = mesh.managers["m2"] = Scripted(mesh, "m2").start()
    hears_of_the_end_of(newcomer, "m1")
    newcomer.fire(Timer.CAMPAIGN)
    assert newcomer.commits == []


def test_of_very_many_words_the_oldest_are_forgotten() -> None:
    mesh = mesh_of_three()
    for number in range(ENDED_MAX + 5):
        mesh["m2"].tell(RunEnded(f"{number:012x}"))
    assert len(mesh["m2"].state.ended) == ENDED_MAX
    assert mesh["m2"].state.ended[-1] == f"{ENDED_MAX + 4:012x}"


def test_a_term_that_was_taken_from_another_than_the_leader_is_a_violation() -> None:
    checker = Checker(LedgerMachine(), {})
    led = Head(term=1, leader="m1", leader_inc=incarnation("m1"), ttl_ms=1500, seq=1, last_index=1, last_term=1)
    taken = led.model_copy(
        update={"term": 2, "leader": "m2", "leader_inc": incarnation("m2"), "seq": 2, "last_index": 2, "last_term": 2}
    )
    checker.see_head(led, 1)
    checker.see_head(taken.model_copy(update={"deposed_inc": incarnation("m3")}), 2)
    assert [violation.invariant for violation in checker.violations] == ["I3"]
