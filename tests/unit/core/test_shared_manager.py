"""Several runs act as one manager, each for a moment: what they share, and what keeps them apart."""

import pytest

from firemesh.core.effects import HeadSeen, ManagerRole, ReleaseAsked, Timer
from firemesh.core.messages import Head
from firemesh.errors import InvariantViolation
from tests.support.model_store import Silence
from tests.support.scripted import SHARED, ScriptedMesh, command, join


def test_run_leads_on_in_the_term_that_another_run_has_taken_over() -> None:
    mesh = ScriptedMesh("@1", "@2").led_by("@1", join("w"))
    term = mesh.store.head.term
    mesh["@2"].sees(command("w", 2))
    mesh["@2"].lands()
    assert mesh["@2"].role is ManagerRole.LEADER
    assert (mesh.store.head.leader, mesh.store.head.term) == (SHARED, term)
    assert mesh["@2"].state.replica.machine_state.applied == ("w:2",)


def test_run_whose_commit_was_overtaken_leads_on_from_the_newer_head() -> None:
    mesh = ScriptedMesh("@1", "@2").led_by("@1", join("v"), join("w"))
    mesh["@1"].sees(command("v", 2))
    mesh["@2"].sees(command("w", 2))
    mesh["@1"].lands()
    mesh["@2"].is_lost()
    assert mesh["@2"].role is ManagerRole.LEADER
    mesh["@2"].sees(command("w", 2))
    mesh["@2"].lands()
    assert mesh["@2"].state.replica.machine_state.applied == ("v:2", "w:2")


def test_two_runs_never_order_the_same_command_twice() -> None:
    mesh = ScriptedMesh("@1", "@2").led_by("@1", join("w"))
    mesh["@1"].sees(command("w", 2))
    mesh["@2"].sees(command("w", 2))
    mesh["@1"].lands()
    mesh["@2"].is_lost()
    mesh["@2"].sees(command("w", 2))
    mesh["@2"].settle()
    assert mesh.store.head.last_index == mesh["@1"].state.replica.index == 3
    assert mesh["@2"].state.replica.machine_state.applied == ("w:2",)


def test_shared_leader_holds_no_lease_of_its_own() -> None:
    mesh = ScriptedMesh("@1").led_by("@1", join("w"))
    assert not {Timer.LEASE, Timer.RENEW, Timer.CAMPAIGN} & mesh["@1"].armed.keys()


def test_manager_that_is_not_shared_never_leads_on() -> None:
    mesh = ScriptedMesh("m1").led_by("m1", join("w"))
    restarted = ScriptedMesh("m1")
    restarted.store = mesh.store
    restarted.start()
    assert mesh.store.head.leader == "m1"
    assert restarted["m1"].role is ManagerRole.FOLLOWER


def test_shared_manager_leaves_the_lead_to_managers_that_vote() -> None:
    mesh = ScriptedMesh("m1", "m2", "@1").led_by("m1", join("w"))
    mesh.silence(Silence.EXPIRED)
    mesh["@1"].fire(Timer.CAMPAIGN)
    assert mesh["@1"].commits == []
    assert mesh.store.votes == frozenset()
    assert Timer.CAMPAIGN in mesh["@1"].armed


def test_shared_manager_takes_over_a_mesh_that_all_others_have_deserted() -> None:
    mesh = ScriptedMesh("m1", "m2", "@1").led_by("m1", join("w"))
    mesh.silence(Silence.DESERTED)
    mesh["@1"].fire(Timer.CAMPAIGN)
    mesh["@1"].lands()
    assert mesh.store.head.leader == SHARED


def test_shared_manager_hands_over_to_a_manager_that_votes() -> None:
    mesh = ScriptedMesh("m1", "@1").led_by("m1", join("w"))
    mesh.silence(Silence.DESERTED)
    mesh["@1"].fire(Timer.CAMPAIGN)
    mesh["@1"].lands()
    mesh["@1"].tell(ReleaseAsked("m1"))
    mesh["@1"].settle()
    mesh["m1"].sees_head()
    mesh["m1"].fire(Timer.CAMPAIGN)
    mesh["m1"].lands()
    assert mesh.store.head.leader == "m1"


@pytest.mark.parametrize("name", ["m1", "@1"])
def test_manager_stops_when_the_log_went_back(name: str) -> None:
    mesh = ScriptedMesh(name).led_by(name, join("w"))
    with pytest.raises(InvariantViolation, match="the log went back from"):
        mesh[name].tell(HeadSeen(Head(), mesh.store.version + 1))
