import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from firemesh.core.machine import agent_audience
from firemesh.game.mafia.offline import new_game
from firemesh.game.mafia.options import Option, options
from tests.unit.game.mafia.table import MACHINE, NOBODY, Table

SEVEN = ("Mafioso", "Godfather", "Detective", "Doctor", "Villager", "Villager", "Villager")
PHASES = ("night", "dawn", "discussion", "ballot", "dusk")


def seen_by(table: Table, viewer: str) -> str:
    """All that one player may read, as text."""
    return json.dumps([table.public, table.private(viewer)], sort_keys=True)


def with_roles(table: Table, roles: Mapping[str, str]) -> Table:
    other = Table(*SEVEN)
    seats = tuple(replace(seat, role_name=roles[seat.agent_id]) for seat in table.state.seats)
    other.state = replace(table.state, seats=seats)
    return other


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("viewer", ["villager", "detective", "doctor"])
def test_what_a_townsperson_sees_does_not_depend_on_the_roles_of_the_others(viewer: str, phase: str) -> None:
    table = Table(*SEVEN)
    table.until(phase)
    others = [seat for seat in table.state.seats if seat.agent_id != viewer]
    for deal in list(permutations([seat.role_name for seat in others]))[::97]:
        roles = dict(zip([seat.agent_id for seat in others], deal, strict=True))
        roles[viewer] = table.seat(viewer).role_name
        assert seen_by(with_roles(table, roles), viewer) == seen_by(table, viewer)


@pytest.mark.parametrize("phase", PHASES)
def test_the_mafia_sees_its_own_and_nothing_of_the_roles_of_the_town(phase: str) -> None:
    table = Table(*SEVEN)
    table.until(phase)
    town = ["detective", "doctor", "villager", "villager-2", "villager-3"]
    for deal in permutations(["Detective", "Doctor", "Villager", "Villager", "Villager"]):
        roles = {"mafioso": "Mafioso", "godfather": "Godfather", **dict(zip(town, deal, strict=True))}
        assert seen_by(with_roles(table, roles), "mafioso") == seen_by(table, "mafioso")


@pytest.mark.parametrize("viewer", ["villager", "doctor", "mafioso"])
def test_a_night_action_shows_in_nobody_else_s_views(viewer: str) -> None:
    table = Table(*SEVEN)
    before = seen_by(table, viewer)
    table.act("detective", "mafioso")
    table.act("detective", viewer)
    assert seen_by(table, viewer) == before


def test_mafia_choices_and_talk_show_in_no_townsperson_s_views() -> None:
    table = Table(*SEVEN)
    before = {viewer: seen_by(table, viewer) for viewer in ("villager", "detective", "doctor")}
    table.act("mafioso", "doctor")
    table.say("godfather", "mafia", "Fine.")
    assert {viewer: seen_by(table, viewer) for viewer in before} == before


def test_talk_of_the_dead_shows_in_no_living_player_s_views() -> None:
    table = Table(*SEVEN)
    table.night(mafioso="villager")
    before = {viewer: seen_by(table, viewer) for viewer in ("villager-2", "mafioso")}
    table.say("villager", "dead", "I know who it was.")
    assert {viewer: seen_by(table, viewer) for viewer in before} == before


def test_a_refused_command_shows_nowhere() -> None:
    table = Table(*SEVEN)
    before = MACHINE.views(table.state)
    assert table.act("villager", "mafioso") == "NOT_YOUR_ROLE"
    assert MACHINE.views(table.state) == before


def test_a_spectator_who_comes_back_sees_no_roles_of_the_living() -> None:
    table = Table(*SEVEN)
    for agent in ("watcher", "watcher"):
        assert table.tell(agent, "mafia.sit", name="Watcher") == "SEATS_TAKEN"
    assert agent_audience("watcher") not in MACHINE.views(table.state)
    assert "spectator" not in MACHINE.views(table.state)
    assert all("role" not in seat for seat in table.public["seats"])


def test_a_hidden_role_stays_hidden_on_death_until_the_game_is_over() -> None:
    table = Table(*SEVEN, reveal_role_on_death=False)
    table.execute("godfather")
    assert "role" not in next(seat for seat in table.public["seats"] if seat["id"] == "godfather")
    table.execute("mafioso")
    assert all("role" in seat for seat in table.public["seats"])


def test_every_living_player_s_role_stays_private_through_whole_games() -> None:
    for seed in range(6):
        game = new_game(seed, 7)
        game.show()
        while game.state.deadline_ms is not None:
            game.step()
            if game.state.outcome is None:
                assert_no_secret(game.views)


def assert_no_secret(views: Mapping[str, Mapping[str, Any]]) -> None:
    for seat in views["public"]["seats"]:
        assert ("role" in seat) == (not seat["alive"])
        private = views[agent_audience(seat["id"])]
        mafia = private["you"].get("side") == "mafia"
        assert set(private) <= {"you", "may", "will", "results", "action", "partners", "faction", "dead_chat"}
        assert ("partners" in private) == mafia
        assert ("faction" in private) == (mafia and seat["alive"])
        assert ("dead_chat" in private) == (not seat["alive"])
        assert "results" not in private or private["you"]["role"] == "Detective"


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    return {audience for audience in after if before.get(audience) != after[audience]}


def test_a_ballot_and_a_line_of_town_talk_write_the_public_view_alone() -> None:
    table = Table(*SEVEN)
    table.until("ballot")
    before = MACHINE.views(table.state)
    table.ballot("villager", "doctor")
    voted = MACHINE.views(table.state)
    table.say("villager", "town", "There.")
    assert changed(before, voted) == {"public"}
    assert changed(voted, MACHINE.views(table.state)) == {"public"}


def test_a_change_of_phase_writes_the_public_view_alone() -> None:
    table = Table(*SEVEN)
    for _ in range(6):
        before = MACHINE.views(table.state)
        table.deadline()
        assert changed(before, MACHINE.views(table.state)) == {"public"}


def test_a_doctor_s_choice_writes_the_doctor_s_view_alone() -> None:
    table = Table(*SEVEN)
    before = MACHINE.views(table.state)
    table.act("doctor", "villager")
    assert changed(before, MACHINE.views(table.state)) == {"agent_doctor"}
    assert table.private("doctor")["action"] == {"night": 1, "target": "villager"}


def test_the_two_views_tell_a_driver_all_that_it_may_do() -> None:
    table = Table(*SEVEN)
    assert options(table.public, table.private("mafioso")) == (
        Option("mafia.will"),
        Option("mafia.act", ("detective", "doctor", "villager", "villager-2", "villager-3")),
        Option("mafia.say", channel="mafia"),
    )
    table.until("ballot")
    living = tuple(seat.agent_id for seat in table.state.seats if seat.agent_id != "villager")
    assert Option("mafia.ballot", (*living, NOBODY)) in options(table.public, table.private("villager"))


@pytest.mark.parametrize("phase", PHASES)
def test_every_option_offered_is_obeyed_and_every_target_left_out_refused(phase: str) -> None:
    table = Table(*SEVEN)
    table.night(mafioso="villager-3")
    table.until(phase)
    kept = table.state
    for seat in kept.seats:
        for option in options(table.public, table.private(seat.agent_id)):
            for target in [other.agent_id for other in kept.seats] if option.targets else ():
                reason = table.tell(seat.agent_id, option.kind, target=target)
                assert (reason == "") == (target in option.targets)
                table.state = kept
            if option.channel:
                assert table.say(seat.agent_id, option.channel, "Hm.") == ""
                table.state = kept


def test_the_public_view_of_a_large_table_stays_far_below_a_document_s_limit() -> None:
    game = new_game(1, 30)
    game.show()
    sizes = []
    while game.state.day < 4:
        game.step()
        sizes.append(len(json.dumps(game.views["public"])))
    assert max(sizes) < 60_000
