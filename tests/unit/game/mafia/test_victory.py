from tests.unit.game.mafia.table import Table

SIX = ("Mafioso", "Detective", "Doctor", "Villager", "Villager", "Villager")


def test_the_town_wins_with_the_last_mafioso_and_it_is_announced_with_all_roles() -> None:
    table = Table(*SIX)
    table.execute("mafioso")
    assert (table.phase, table.public["winner"], table.public["why"]) == ("over", "town", "no mafia is left alive")
    assert {seat["id"]: seat["role"] for seat in table.public["seats"]}["detective"] == "Detective"


def test_parity_by_night_ends_the_game_for_the_mafia() -> None:
    table = Table("Mafioso", "Mafioso", "Villager", "Villager", "Villager")
    table.night(**{"mafioso": "villager", "mafioso-2": "villager"})
    assert (table.phase, table.public["winner"]) == ("over", "mafia")
    assert table.public["why"] == "the mafia is as many as the rest"


def test_parity_by_ballot_ends_the_game_for_the_mafia() -> None:
    table = Table("Mafioso", "Mafioso", "Villager", "Villager", "Villager")
    table.execute("villager")
    assert (table.phase, table.public["winner"]) == ("over", "mafia")


def test_one_short_of_parity_the_game_goes_on() -> None:
    table = Table("Mafioso", "Mafioso", *["Villager"] * 4)
    table.execute("villager")
    assert table.phase == "dusk"


def test_the_godfather_s_survival_keeps_the_mafia_alive() -> None:
    table = Table("Mafioso", "Godfather", *["Villager"] * 5)
    table.execute("mafioso")
    assert table.phase == "dusk"
    assert "winner" not in table.public


def test_nights_are_published_after_the_game_only() -> None:
    table = Table(*SIX)
    table.night(mafioso="villager", doctor="villager")
    assert "nights" not in table.public
    table.execute("mafioso")
    assert table.public["nights"] == [
        {"day": 1, "actions": {"doctor": "villager", "mafioso": "villager"}, "died": [], "saved": ["villager"]}
    ]
