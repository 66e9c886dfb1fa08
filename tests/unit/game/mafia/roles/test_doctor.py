from tests.unit.game.mafia.table import Table

ROLES = ("Doctor", "Mafioso", "Detective", "Villager", "Villager", "Villager")


def test_a_protected_victim_lives() -> None:
    table = Table(*ROLES)
    table.night(doctor="villager", mafioso="villager")
    assert table.alive("villager")
    assert table.state.nights[-1].saved == ("villager",)


def test_protecting_somebody_else_saves_nobody() -> None:
    table = Table(*ROLES)
    table.night(doctor="detective", mafioso="villager")
    assert not table.alive("villager")


def test_a_saved_player_stays_on_everyone_s_ballot_and_list_of_targets() -> None:
    table = Table(*ROLES)
    table.night(doctor="villager", mafioso="villager")
    table.until("ballot")
    for voter in ("doctor", "mafioso", "detective", "villager-2", "villager-3"):
        assert table.ballot(voter, "villager") == ""
    table.ballot("villager", "nobody")
    assert not table.alive("villager")


def test_a_saved_player_may_be_attacked_again() -> None:
    table = Table(*ROLES)
    table.night(doctor="villager", mafioso="villager")
    table.until("night")
    table.night(doctor="detective", mafioso="villager")
    assert not table.alive("villager")


def test_the_public_is_not_told_who_was_saved() -> None:
    saved, spared = Table(*ROLES), Table(*ROLES)
    saved.night(doctor="villager", mafioso="villager", detective=None)
    spared.night(doctor="villager", mafioso=None, detective=None)
    assert saved.public == spared.public


def test_a_doctor_may_protect_the_same_player_every_night_but_never_oneself() -> None:
    table = Table(*ROLES)
    assert table.act("doctor", "doctor") == "ILLEGAL_TARGET"
    table.night(doctor="villager", mafioso="villager")
    table.until("night")
    table.night(doctor="villager", mafioso="villager")
    assert table.alive("villager")
