from tests.unit.game.mafia.table import Table

ROLES = ("Godfather", "Mafioso", "Detective", "Doctor", "Villager", "Villager", "Villager")


def test_the_godfather_reads_innocent() -> None:
    table = Table(*ROLES)
    table.night(detective="godfather")
    assert table.private("detective")["results"] == [{"night": 1, "target": "godfather", "says": "innocent"}]


def test_the_godfather_chooses_victims_with_the_mafia() -> None:
    table = Table(*ROLES)
    table.night(godfather="villager", mafioso="villager")
    assert not table.alive("villager")


def test_the_godfather_counts_as_mafia_for_the_end() -> None:
    table = Table(*ROLES)
    table.execute("mafioso")
    assert table.phase == "dusk"
    table.execute("godfather")
    assert table.state.outcome is not None
    assert table.state.outcome.winner == "town"
