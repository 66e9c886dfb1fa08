from tests.unit.game.mafia.table import Table

VILLAGE = ("Villager", "Villager", "Mafioso", "Detective", "Doctor")


def test_a_villager_has_no_night_action() -> None:
    assert Table(*VILLAGE).act("villager", "mafioso") == "NOT_YOUR_ROLE"


def test_a_villager_knows_nobody_else_s_role() -> None:
    view = Table(*VILLAGE).private("villager")
    assert view["you"]["role"] == "Villager"
    assert "partners" not in view
    assert "faction" not in view


def test_a_villager_has_a_ballot_and_a_voice() -> None:
    table = Table(*VILLAGE)
    table.until("discussion")
    assert table.say("villager", "town", "Good morning.") == ""
    table.until("ballot")
    assert table.ballot("villager", "mafioso") == ""
