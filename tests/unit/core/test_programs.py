"""Programs: the leader makes their moves, when they are due, once, and nobody else makes any in their name."""

from dataclasses import replace

import pytest

from firemesh.core import programs
from firemesh.core.effects import ArmDeadline, DeadlinePassed, Proposal, Timer
from firemesh.core.machine import Move
from firemesh.core.messages import BATCH_COMMANDS_MAX, Command
from firemesh.core.programs import PROGRAM_COMMANDS_MAX, PROGRAM_INC
from firemesh.core.replica import Replica, advance, initial_replica
from firemesh.core.sessions import admit
from tests.support.band import BandMachine, note
from tests.support.ledger import Ledger
from tests.support.model_store import Silence
from tests.support.scripted import AT_MS, Scripted, ScriptedMesh, command, join, request

SOON, LATER = AT_MS + 100, AT_MS + 200


def band(*moves: Move, managers: tuple[str, ...] = ("m1", "m2")) -> ScriptedMesh:
    """A mesh led by the first manager, whose programs want this."""
    mesh = ScriptedMesh(*managers)
    for name in managers:
        mesh.managers[name] = Scripted(mesh, name, machine=BandMachine(*moves))
    return mesh.led_by(managers[0])


def ordered(mesh: ScriptedMesh) -> list[tuple[str, int]]:
    """Who of the programs did what, by number, in the order of the log."""
    commands = [each for entry in mesh.store.log for each in entry.batch]
    return [(each.agent_id, each.seq) for each in commands if each.agent_id.startswith("@")]


def wakes(leader: Scripted, at_ms: int) -> None:
    """The alarm rings, by a clock that is a little slow."""
    leader.at_ms = at_ms - 1
    leader.tell(DeadlinePassed(at_ms))


def names(proposal: Proposal) -> list[tuple[str, int]]:
    assert proposal.entry is not None
    return [(each.agent_id, each.seq) for each in proposal.entry.batch]


def test_a_move_is_made_when_it_is_due_and_those_of_one_moment_in_one_entry() -> None:
    mesh = band(note("@1", SOON), note("@2", SOON), note("@1", LATER))
    leader = mesh["m1"]
    assert ordered(mesh) == []
    assert leader.state.deadline_ms == SOON
    wakes(leader, SOON)
    assert ArmDeadline(LATER) in leader.effects
    assert names(leader.lands()) == [("@1", 1), ("@2", 1)]
    assert leader.commits == []
    wakes(leader, LATER)
    assert names(leader.lands()) == [("@1", 2)]
    assert leader.state.deadline_ms is None


def test_several_moves_of_one_program_are_made_in_their_order() -> None:
    mesh = band(note("@1", SOON, n=1), note("@1", SOON, n=2))
    wakes(mesh["m1"], SOON)
    proposal = mesh["m1"].lands()
    assert proposal.entry is not None
    assert [(each.seq, each.body["n"]) for each in proposal.entry.batch] == [(1, 1), (2, 2)]


def test_a_late_alarm_makes_good_what_was_missed() -> None:
    mesh = band(note("@1", SOON), note("@2", LATER))
    wakes(mesh["m1"], LATER + 5000)
    assert names(mesh["m1"].lands()) == [("@1", 1), ("@2", 1)]


def test_moves_wait_for_no_alarm_when_something_else_happens() -> None:
    mesh = band(note("@1", SOON))
    leader = mesh["m1"]
    leader.at_ms = SOON
    leader.sees(join("w"))
    leader.settle()
    assert ordered(mesh) == [("@1", 1)]


def test_what_the_machine_would_refuse_is_never_ordered_and_rings_no_alarm() -> None:
    mesh = band(note("@1", SOON, kind="ledger.forbidden"), note("@2", SOON))
    leader = mesh["m1"]
    wakes(leader, SOON)
    leader.settle()
    assert ordered(mesh) == [("@2", 1)]
    assert leader.state.replica.refused == {}
    assert leader.state.deadline_ms is None


def test_a_batch_ends_with_the_move_after_which_something_else_is_due() -> None:
    mesh = band(note("@1", SOON, kind="ledger.deadline", deadline_ms=LATER), note("@2", SOON))
    leader = mesh["m1"]
    wakes(leader, SOON)
    assert names(leader.lands()) == [("@1", 1)]


def test_more_moves_than_fit_one_entry_wait_for_whatever_comes_next() -> None:
    mesh = band(*(note("@1", SOON) for _ in range(BATCH_COMMANDS_MAX + 1)))
    wakes(mesh["m1"], SOON)
    assert len(names(mesh["m1"].lands())) == BATCH_COMMANDS_MAX
    assert mesh["m1"].commits == []
    mesh["m1"].sees(join("w"))
    mesh["m1"].settle()
    assert len(ordered(mesh)) == BATCH_COMMANDS_MAX + 1


def test_a_program_that_never_has_enough_falls_silent() -> None:
    machine = BandMachine(note("@1", SOON), note("@2", SOON))
    replica = initial_replica(machine, {})
    tired = replace(replica, sessions={f"@1~{PROGRAM_INC}": PROGRAM_COMMANDS_MAX})
    assert [each.agent_id for each in programs.due(tired, machine, SOON)] == ["@2"]


def test_a_move_whose_commit_landed_unheard_is_not_made_again() -> None:
    mesh = band(note("@1", SOON))
    wakes(mesh["m1"], SOON)
    mesh["m1"].lands_unheard()
    mesh["m1"].settle()
    assert ordered(mesh) == [("@1", 1)]


def test_whoever_leads_next_goes_on_where_the_log_ends() -> None:
    mesh = band(note("@1", SOON), note("@1", LATER))
    wakes(mesh["m1"], SOON)
    mesh["m1"].commits.clear()  # dead before it sends
    mesh.silence(Silence.DESERTED)
    other = mesh["m2"]
    other.at_ms = LATER
    other.sees_head()
    other.fire(Timer.CAMPAIGN)
    other.settle()
    assert ordered(mesh) == [("@1", 1), ("@1", 2)]


def test_of_two_activations_that_think_it_a_programs_turn_one_lands() -> None:
    mesh = band(note("@1", SOON), managers=("@1", "@2"))
    first, second = mesh["@1"], mesh["@2"]
    for each in (first, second):
        wakes(each, SOON)
    first.lands()
    second.is_lost()
    second.settle()
    assert ordered(mesh) == [("@1", 1)]
    assert second.state.replica.index == first.state.replica.index


def test_a_follower_needs_no_programs_to_apply_what_they_did() -> None:
    mesh = band(note("@1", SOON))
    mesh.managers["m2"] = Scripted(mesh, "m2").start()
    wakes(mesh["m1"], SOON)
    mesh["m1"].lands()
    mesh["m2"].sees_head()
    assert mesh["m2"].state.replica == mesh["m1"].state.replica


@pytest.mark.parametrize("forged", ["join", "next"])
def test_nobody_speaks_in_the_name_of_a_program(forged: str) -> None:
    machine = BandMachine()
    first = Command(agent_id="@1", inc=PROGRAM_INC, seq=1, kind="ledger.note")
    replica: Replica[Ledger] = advance(initial_replica(machine, {}), machine, term=1, at_ms=0, batch=(first,))
    says = {"join": join("@1"), "next": first.model_copy(update={"seq": 2})}[forged]
    admission = admit(replica, [request(says)], 30, 0)
    assert admission.batch == ()
    assert [refusal.reason for refusal in admission.refusals] == ["NOT_A_MEMBER_COMMAND"]


def test_an_alarm_that_rings_while_a_commit_is_in_flight_is_not_lost() -> None:
    mesh = band(note("@1", SOON))
    leader = mesh["m1"]
    leader.sees(join("w"))
    leader.settle()
    leader.sees(command("w", 2))
    wakes(leader, SOON)
    leader.settle()
    assert leader.state.deadline_ms == SOON
    wakes(leader, SOON)
    leader.settle()
    assert ordered(mesh) == [("@1", 1)]
    assert leader.state.replica.sessions[join("w").client] == 2
