import pytest

from tests.unit.game.mafia.table import Table

TOWN = ("Detective", "Doctor", "Villager", "Villager", "Villager", "Villager")


def test_the_victim_dies_at_dawn_and_all_are_told() -> None:
    table = Table("Mafioso", *TOWN)
    table.night(mafioso="villager", detective=None, doctor=None)
    assert table.phase == "dawn"
    assert not table.alive("villager")
    victim = next(seat for seat in table.public["seats"] if seat["id"] == "villager")
    assert victim["death"] == {"day": 1, "cause": "killed"}
    assert victim["role"] == "Villager"


def test_a_mafioso_knows_the_partners_and_sees_their_choices() -> None:
    table = Table("Mafioso", "Godfather", *TOWN)
    table.act("godfather", "doctor")
    view = table.private("mafioso")
    assert view["partners"] == {"godfather": "Godfather"}
    assert view["faction"]["choices"] == {"godfather": "doctor"}


def test_partners_choose_by_plurality_and_one_kill_is_all() -> None:
    table = Table("Mafioso", "Mafioso", "Mafioso", *TOWN, "Villager")
    for actor, target in {"mafioso": "doctor", "mafioso-2": "villager", "mafioso-3": "villager"}.items():
        assert table.act(actor, target) == ""
    table.deadline()
    assert [seat.agent_id for seat in table.state.seats if not seat.alive] == ["villager"]


def test_a_divided_faction_is_settled_by_lot_the_same_way_each_time() -> None:
    victims = set()
    for _ in range(3):
        table = Table("Mafioso", "Mafioso", *TOWN)
        table.act("mafioso", "doctor")
        table.act("mafioso-2", "villager")
        table.deadline()
        victims.add(table.state.nights[-1].died)
    assert victims in ({("doctor",)}, {("villager",)})


def test_a_divided_faction_does_not_end_the_night_early() -> None:
    table = Table("Mafioso", "Mafioso", "Villager", "Villager", "Villager", "Villager", "Villager")
    table.act("mafioso", "villager")
    table.act("mafioso-2", "villager-2")
    assert table.phase == "night"
    table.act("mafioso-2", "villager")
    assert table.phase == "dawn"


def test_a_choice_may_be_changed_until_the_night_ends() -> None:
    table = Table("Mafioso", *TOWN)
    table.act("mafioso", "villager")
    table.act("mafioso", "villager-2")
    table.deadline()
    assert table.state.nights[-1].died == ("villager-2",)


def test_choosing_nobody_kills_nobody() -> None:
    table = Table("Mafioso", *TOWN)
    table.night(mafioso=None, detective=None, doctor=None)
    assert table.phase == "dawn"
    assert table.state.nights[-1].died == ()


@pytest.mark.parametrize("target", ["mafioso", "mafioso-2"])
def test_the_mafia_cannot_turn_on_itself(target: str) -> None:
    assert Table("Mafioso", "Mafioso", *TOWN).act("mafioso", target) == "ILLEGAL_TARGET"


def test_a_dead_mafioso_s_partners_go_on() -> None:
    table = Table("Mafioso", "Mafioso", *TOWN)
    table.execute("mafioso")
    table.until("night")
    assert table.act("mafioso", "doctor") == "NOT_ALIVE"
    table.act("mafioso-2", "doctor")
    table.deadline()
    assert not table.alive("doctor")
