from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from firemesh.game.mafia.night import choose_deeds, resolve
from firemesh.game.mafia.roles import ROLES
from firemesh.game.mafia.stages import NIGHT_ORDER, Night, NightOutcome, Stage
from tests.unit.game.mafia.table import REPEATABLE, Table

ROLE_NAMES = ("Mafioso", "Godfather", "Detective", "Doctor", "Doctor", "Villager", "Villager", "Villager")
TABLE = Table(*ROLE_NAMES)
PLAYERS = [seat.agent_id for seat in TABLE.state.seats]


def test_the_stages_stand_in_the_agreed_order() -> None:
    assert [stage.value for stage in NIGHT_ORDER] == [
        "redirect", "block", "protect", "investigate_modify", "kill", "revive", "convert", "investigate",
    ]  # fmt: skip


def test_protection_comes_before_the_attack_whatever_the_seat_order() -> None:
    for roles in (("Mafioso", "Doctor", *["Villager"] * 4), ("Doctor", "Mafioso", *["Villager"] * 4)):
        table = Table(*roles)
        table.night(mafioso="villager", doctor="villager")
        assert table.alive("villager")


def test_two_doctors_on_one_victim_save_once() -> None:
    table = Table(*ROLE_NAMES)
    table.night(**{"doctor": "villager", "doctor-2": "villager", "mafioso": "villager", "godfather": "villager"})
    assert table.state.nights[-1].saved == ("villager",)


def test_an_actor_whose_deed_is_taken_away_does_nothing() -> None:
    deeds, _ = choose_deeds(replace(TABLE.state, actions={"doctor": "villager", "mafioso": "villager"}))
    blocked = {actor: target for actor, target in deeds.items() if actor != "mafioso"}
    assert resolve(TABLE.state, deeds).outcomes["villager"] is NightOutcome.SAVED
    assert resolve(TABLE.state, blocked).outcomes["villager"] is NightOutcome.UNTOUCHED


def test_an_unprotected_death_outweighs_an_earlier_rescue() -> None:
    night = replace(Night({}, {}), dying=frozenset({"villager"}), saved=frozenset({"villager"}))
    assert night.outcome_of("villager") is NightOutcome.DIED


def test_every_ability_has_a_stage_of_the_night() -> None:
    assert {role.ability.stage for role in ROLES.values() if role.ability} == {
        Stage.PROTECT,
        Stage.KILL,
        Stage.INVESTIGATE,
    }


@REPEATABLE
@given(st.dictionaries(st.sampled_from(PLAYERS), st.one_of(st.none(), st.sampled_from(PLAYERS))))
def test_every_player_has_exactly_one_outcome_and_at_most_one_dies(actions: dict[str, str | None]) -> None:
    deeds, state = choose_deeds(replace(TABLE.state, actions=actions))
    outcomes = resolve(state, deeds).outcomes
    assert list(outcomes) == PLAYERS
    assert sum(outcome is NightOutcome.DIED for outcome in outcomes.values()) <= 1
    assert len(deeds) <= 4


@REPEATABLE
@given(st.permutations([("mafioso", "villager"), ("godfather", "doctor"), ("doctor", "villager"), ("detective", None)]))
def test_the_order_in_which_players_act_changes_nothing(order: list[tuple[str, str | None]]) -> None:
    table = Table(*ROLE_NAMES)
    for actor, target in order:
        table.act(actor, target)
    table.deadline()
    assert table.state == _in_seat_order()


def _in_seat_order() -> object:
    table = Table(*ROLE_NAMES)
    for actor, target in {"mafioso": "villager", "godfather": "doctor", "doctor": "villager", "detective": None}.items():
        table.act(actor, target)
    table.deadline()
    return table.state
