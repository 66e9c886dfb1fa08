import pytest

from firemesh.game.mafia.state import PhaseName
from tests.unit.game.mafia.table import MACHINE, Lobby, Table

SIX = ("Mafioso", "Detective", "Doctor", "Villager", "Villager", "Villager")


def test_a_day_passes_through_its_phases_by_deadlines_alone() -> None:
    table = Table(*SIX)
    seen = []
    for _ in range(7):
        seen.append(table.phase)
        table.deadline()
    assert seen == ["night", "dawn", "discussion", "ballot", "dusk", "night", "dawn"]


@pytest.mark.parametrize("phase", [name for name in PhaseName if name not in ("lobby", "over", "revote")])
def test_every_phase_has_the_deadline_that_its_duration_says(phase: PhaseName) -> None:
    table = Lobby(durations_ms={phase.value: 4_321})
    table.sit("a", "b", "c", "d", "e")
    table.until(phase)
    assert table.state.deadline_ms == table.state.started_ms + 4_321


def test_a_deadline_sent_twice_ends_one_phase_only() -> None:
    table = Table(*SIX)
    deadline_ms = table.state.deadline_ms
    assert table.deadline() == ""
    assert table.tell("", "mesh.deadline", deadline_ms=deadline_ms) == "STALE_DEADLINE"
    assert table.phase == "dawn"


def test_two_phases_never_share_a_deadline_even_if_the_clock_goes_back() -> None:
    table = Table(*SIX)
    seen = []
    while table.phase != "over":
        deadline_ms = table.state.deadline_ms
        seen.append(deadline_ms)
        table.now_ms = 5
        assert table.tell("", "mesh.deadline", deadline_ms=deadline_ms) == ""
    assert len(set(seen)) == len(seen)


def test_under_a_lagging_clock_a_phase_that_is_done_ends_by_its_deadline_and_not_in_the_past() -> None:
    table = Table(*SIX)
    started_ms = table.state.started_ms
    table.now_ms = 5
    for actor in ("mafioso", "detective", "doctor"):
        table.act(actor, None)
    assert (table.phase, table.state.deadline_ms) == ("night", started_ms)
    table.deadline()
    assert (table.phase, table.state.started_ms) == ("dawn", started_ms)


def test_the_night_ends_early_when_all_who_can_act_have_chosen() -> None:
    table = Table(*SIX)
    table.act("mafioso", "villager")
    table.act("detective", None)
    assert table.phase == "night"
    table.act("doctor", "mafioso")
    assert table.phase == "dawn"


def test_an_early_night_lasts_at_least_its_floor() -> None:
    table = Table(*SIX, night_floor_ms=4_000)
    start = table.state.started_ms
    for actor in ("mafioso", "detective", "doctor"):
        table.act(actor, None)
    assert table.phase == "night"
    assert table.state.deadline_ms == start + 4_000


def test_a_kill_lands_when_doctor_and_detective_are_dead() -> None:
    table = Table(*SIX, "Villager", "Villager")
    table.execute("doctor")
    table.until("night")
    table.night(mafioso="detective")
    table.until("night")
    table.night(mafioso="villager")
    assert not table.alive("villager")


def test_an_absent_player_is_not_waited_for() -> None:
    table = Table(*SIX)
    table.obeyed("", "mesh.member_dead", agent="doctor")
    table.act("mafioso", "villager")
    table.act("detective", None)
    assert table.phase == "dawn"
    assert table.alive("doctor")


def test_losing_the_last_one_waited_for_ends_the_phase() -> None:
    table = Table(*SIX)
    table.act("mafioso", "villager")
    table.act("detective", None)
    table.obeyed("", "mesh.member_left", agent="doctor")
    assert table.phase == "dawn"


def test_with_nobody_present_the_game_keeps_to_the_clock_and_still_ends() -> None:
    table = Table(*SIX)
    for seat in table.state.seats:
        table.obeyed("", "mesh.member_dead", agent=seat.agent_id)
    assert table.phase == "night"
    for _ in range(200):
        if table.phase == "over":
            break
        table.deadline()
    assert table.public["why"] == "stalemate: day 12 was the last"


def test_one_slow_driver_does_not_stop_the_others_from_acting() -> None:
    table = Table(*SIX)
    assert table.act("doctor", "villager") == ""
    assert table.act("mafioso", "villager-2") == ""
    table.deadline()
    assert not table.alive("villager-2")


def test_an_absent_player_is_back_with_any_command_that_is_obeyed() -> None:
    table = Table(*SIX)
    table.obeyed("", "mesh.member_dead", agent="doctor")
    assert next(seat for seat in table.public["seats"] if seat["id"] == "doctor")["absent"]
    table.act("doctor", "villager")
    assert not table.seat("doctor").absent


def test_an_absent_player_may_sit_down_again_in_any_phase() -> None:
    table = Table(*SIX)
    table.obeyed("", "mesh.member_dead", agent="villager")
    table.obeyed("villager", "mafia.sit", name="whatever")
    assert not table.seat("villager").absent
    assert table.seat("villager").name == "Villager"


def test_members_without_a_seat_come_and_go_unnoticed() -> None:
    table = Table(*SIX)
    before = table.state
    table.obeyed("", "mesh.member_dead", agent="manager-1")
    assert table.state == before


def test_the_end_has_no_deadline_and_takes_no_commands() -> None:
    table = Table(*SIX)
    table.execute("mafioso")
    assert table.phase == "over"
    assert MACHINE.deadline_ms(table.state) is None
    assert table.say("villager", "town", "We did it!") == "GAME_OVER"
    assert table.tell("villager", "mafia.sit", name="x") == "GAME_OVER"
    assert table.tell("", "mesh.deadline", deadline_ms=1) == "STALE_DEADLINE"
    table.obeyed("", "mesh.member_left", agent="villager")
