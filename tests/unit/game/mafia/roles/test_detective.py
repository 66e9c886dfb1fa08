from tests.unit.game.mafia.table import Table

ROLES = ("Detective", "Mafioso", "Doctor", "Villager", "Villager", "Villager")


def test_a_mafioso_reads_guilty_and_a_villager_innocent() -> None:
    table = Table(*ROLES)
    table.night(detective="mafioso")
    table.until("night")
    table.night(detective="villager")
    assert table.private("detective")["results"] == [
        {"night": 1, "target": "mafioso", "says": "guilty"},
        {"night": 2, "target": "villager", "says": "innocent"},
    ]


def test_the_result_comes_at_dawn_and_not_before() -> None:
    table = Table(*ROLES)
    table.act("detective", "mafioso")
    assert "results" not in table.private("detective")


def test_nobody_else_sees_the_result() -> None:
    table = Table(*ROLES)
    table.night(detective="mafioso")
    for player in ("mafioso", "doctor", "villager"):
        assert "results" not in table.private(player)
    assert "guilty" not in str(table.public)


def test_a_detective_who_dies_that_night_still_gets_the_result() -> None:
    table = Table(*ROLES)
    table.night(mafioso="detective", detective="mafioso")
    assert not table.alive("detective")
    assert table.private("detective")["results"][0]["says"] == "guilty"


def test_a_detective_cannot_check_oneself_or_the_dead() -> None:
    table = Table(*ROLES)
    assert table.act("detective", "detective") == "ILLEGAL_TARGET"
    table.night(mafioso="villager")
    table.until("night")
    assert table.act("detective", "villager") == "ILLEGAL_TARGET"


def test_a_detective_may_check_nobody() -> None:
    table = Table(*ROLES)
    table.night(detective=None, mafioso=None, doctor=None)
    assert "results" not in table.private("detective")
