import pytest

from firemesh.errors import InvalidMessage
from firemesh.game.mafia.guide import SEATS_MAX, SEATS_MIN, roles_for
from firemesh.game.mafia.roles import ROLES
from firemesh.game.mafia.setup import read_setup
from firemesh.game.mafia.sides import Side

FIVE = ["Mafioso", "Detective", "Doctor", "Villager", "Villager"]


@pytest.mark.parametrize("seats", range(SEATS_MIN, SEATS_MAX + 1))
def test_the_guide_deals_a_playable_game_to_every_table(seats: int) -> None:
    roles = roles_for(seats)
    mafia = sum(ROLES[name].side is Side.MAFIA for name in roles)
    assert len(roles) == seats
    assert 1 <= mafia < seats / 2.5
    assert {"Detective", "Doctor", "Villager"} <= set(roles)


def test_the_guide_never_takes_mafia_away_as_the_table_grows() -> None:
    mafia = [sum(ROLES[name].side is Side.MAFIA for name in roles_for(seats)) for seats in range(5, 31)]
    assert mafia == sorted(mafia)


def test_every_role_file_is_a_role_of_the_game() -> None:
    assert set(ROLES) == {"Villager", "Mafioso", "Detective", "Doctor", "Godfather"}


def test_an_exact_list_of_roles_is_dealt_as_given() -> None:
    setup = read_setup({"seats": 5, "seed": 1, "roles": FIVE})
    assert sorted(setup.roles_dealt(5)) == sorted(FIVE)


def test_a_setup_survives_json() -> None:
    setup = read_setup({"seats": 5, "seed": 1, "roles": FIVE, "ballot": {"ties": "random"}, "durations_ms": {"night": 5}})
    assert read_setup(setup.as_json) == setup


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"seats": 4}, "setup.seats: Input should be greater than or equal to 5"),
        ({"seats": 31}, "setup.seats: Input should be less than or equal to 30"),
        ({"seats": "5"}, "setup.seats: Input should be a valid integer"),
        ({"seed": -1}, "setup.seed: Input should be greater than or equal to 0"),
        ({"colour": 1}, "setup.colour: Extra inputs are not permitted"),
        ({"roles": ["Mafioso"]}, "roles has 1 names for 5 seats"),
        ({"roles": ["King", *FIVE[1:]]}, "roles has an unknown name; known: "),
        ({"roles": ["Villager"] * 5}, "0 of 5 roles are mafia"),
        ({"roles": ["Mafioso"] * 3 + ["Villager"] * 2}, "3 of 5 roles are mafia: the game would be over before it starts"),
        ({"durations_ms": {"siesta": 1}}, "durations_ms names 1 unknown phase(s); known: lobby, reveal, night"),
        ({"durations_ms": {"night": 0}}, "setup.durations_ms.night: Input should be greater than or equal to 1"),
        ({"ballot": {"rule": "majority", "ties": "random"}}, "'majority' cannot go with ties 'random'"),
        ({"ballot": {"rule": "loudest"}}, "setup.ballot.rule: Input should be 'plurality' or 'majority'"),
    ],
)
def test_a_senseless_setup_is_refused_by_name(fault: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidMessage) as refusal:
        read_setup({"seats": 5, "seed": 1, **fault})
    assert words in str(refusal.value)


def test_a_refused_setup_is_not_repeated_in_the_message() -> None:
    with pytest.raises(InvalidMessage) as refusal:
        read_setup({"seats": "sesame", "seed": 1, "roles": ["hunter2"] * 5})
    assert "sesame" not in str(refusal.value)
    assert "hunter2" not in str(refusal.value)
