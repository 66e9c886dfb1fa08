import pytest

from firemesh.game.mafia.ballots import tally
from tests.unit.game.mafia.table import Table

EIGHT = ("Mafioso", "Detective", "Doctor", "Villager", "Villager", "Villager", "Villager", "Villager")
V = ("villager", "villager-2", "villager-3", "villager-4", "villager-5")


def table(**ballot: object) -> Table:
    made = Table(*EIGHT, ballot=ballot)
    made.until("ballot")
    return made


def test_most_ballots_put_a_player_to_death_under_plurality() -> None:
    game = table()
    verdict = game.ballots({V[0]: V[4], V[1]: V[4], V[2]: V[3]})
    assert (verdict.chosen, verdict.how) == (V[4], "most")
    assert (game.alive(V[4]), game.phase) == (False, "dusk")


def test_a_tie_kills_nobody_by_default_and_never_several() -> None:
    game = table()
    verdict = game.ballots({V[0]: V[4], V[1]: V[3], V[2]: V[1], "doctor": V[2], "detective": V[0]})
    assert (verdict.chosen, verdict.how) == ("nobody", "tie")
    assert len(game.state.living) == 8


def test_a_tie_by_lot_kills_exactly_one_of_those_who_led() -> None:
    chosen = set()
    for seed in range(12):
        game = Table(*EIGHT, seed=seed, ballot={"ties": "random"})
        verdict = game.ballots({V[0]: V[4], V[1]: V[3]})
        assert verdict.how == "drawn"
        assert [seat.agent_id for seat in game.state.seats if not seat.alive] == [verdict.chosen]
        chosen.add(verdict.chosen)
    assert chosen == {V[3], V[4]}


def test_the_lot_is_drawn_afresh_each_time() -> None:
    second = set()
    for seed in range(12):
        game = Table(*EIGHT, seed=seed, ballot={"ties": "random"})
        if game.ballots({"doctor": "nobody", "detective": V[0]}).chosen == "nobody":
            second.add(game.ballots({"doctor": "nobody", "detective": V[0]}).chosen)
    assert second == {"nobody", V[0]}


def test_a_tie_can_lead_to_one_more_ballot_among_those_who_led() -> None:
    game = table(ties="revote")
    game.ballots({V[0]: V[4], V[1]: V[3], V[2]: V[4], "doctor": V[3], "detective": V[0]})
    assert (game.phase, game.public["candidates"]) == ("revote", [V[3], V[4]])
    assert game.ballot(V[0], V[1]) == "ILLEGAL_TARGET"
    assert game.ballot(V[0], V[3]) == ""
    game.deadline()
    assert (game.alive(V[3]), game.phase) == (False, "dusk")
    assert [verdict["round"] for verdict in game.public["verdicts"]] == [1, 2]


def test_a_second_tie_spares_all() -> None:
    game = table(ties="revote")
    game.ballots({V[0]: V[4], V[1]: V[3]})
    game.ballot(V[0], V[4])
    game.ballot(V[1], V[3])
    game.deadline()
    assert (game.phase, len(game.state.living)) == ("dusk", 8)


def test_a_majority_is_more_than_half_of_the_living_not_of_those_who_chose() -> None:
    game = table(rule="majority")
    verdict = game.ballots(dict.fromkeys(V[:4], V[4]))
    assert (verdict.chosen, verdict.how) == ("nobody", "no_majority")
    game = table(rule="majority")
    verdict = game.ballots(dict.fromkeys((*V[:4], "doctor"), V[4]))
    assert (verdict.chosen, verdict.how) == (V[4], "majority")


def test_nobody_is_a_choice_that_can_lead() -> None:
    verdict = table().ballots({V[0]: "nobody", V[1]: "nobody", V[2]: V[0]})
    assert (verdict.chosen, verdict.how) == ("nobody", "most")


def test_silence_spares_all() -> None:
    assert table().ballots({}).how == "silence"


def test_where_abstaining_is_forbidden_nobody_is_refused() -> None:
    assert table(abstain=False).ballot(V[0], "nobody") == "ABSTAIN_FORBIDDEN"


def test_a_ballot_may_be_changed_and_withdrawn() -> None:
    game = table()
    game.ballot(V[0], V[1])
    game.ballot(V[0], V[2])
    assert game.public["ballots"] == {V[0]: V[2]}
    game.ballot(V[0], None)
    assert game.public["ballots"] == {}


def test_the_same_ballot_twice_counts_once() -> None:
    game = table()
    game.ballot(V[0], V[1])
    before = game.state
    game.ballot(V[0], V[1])
    assert game.state == before


def test_the_ballot_ends_when_all_present_have_chosen() -> None:
    game = table()
    game.obeyed("", "mesh.member_dead", agent="mafioso")
    for voter in ("detective", "doctor", *V[:4]):
        game.ballot(voter, "nobody")
    assert game.phase == "ballot"
    game.ballot(V[4], "nobody")
    assert game.phase == "dusk"


@pytest.mark.parametrize(
    ("target", "reason"), [("stranger", "UNKNOWN_TARGET"), ("doctor", "ILLEGAL_TARGET"), (V[0], "ILLEGAL_TARGET")]
)
def test_a_ballot_names_another_living_player(target: str, reason: str) -> None:
    game = Table(*EIGHT)
    game.night(mafioso="doctor")
    game.until("ballot")
    assert game.ballot(V[0], target) == reason


def test_the_dead_have_no_ballot() -> None:
    game = Table(*EIGHT)
    game.night(mafioso="doctor")
    game.until("ballot")
    assert game.ballot("doctor", V[0]) == "NOT_ALIVE"
    assert game.ballot("stranger", V[0]) == "NOT_SEATED"


def test_a_player_kept_from_one_ballot_has_the_next() -> None:
    game = table()
    game.obeyed("", "mesh.member_dead", agent=V[0])
    game.ballots({})
    game.until("ballot")
    assert game.ballot(V[0], V[1]) == ""


def test_every_living_seat_weighs_one_in_the_tally() -> None:
    game = table()
    for n, voter in enumerate(V):
        game.ballot(voter, V[n - 1])
    game.ballot("doctor", "nobody")
    assert sum(tally(game.state).values()) == 6


def test_a_secret_ballot_shows_who_has_chosen_but_never_whom() -> None:
    game = table(secret=True)
    game.ballot(V[0], V[1])
    assert "ballots" not in game.public
    assert game.public["balloted"] == [V[0]]
    assert game.private(V[0])["ballot"] == V[1]
    game.deadline()
    assert game.public["verdicts"][0]["tally"] == {V[1]: 1}
    assert "ballots" not in game.public["verdicts"][0]


def test_an_open_ballot_keeps_its_full_history() -> None:
    game = table()
    game.ballots({V[0]: V[1], V[1]: "nobody"})
    game.until("ballot")
    game.ballots({V[2]: V[1]})
    assert [verdict["ballots"] for verdict in game.public["verdicts"]] == [{V[0]: V[1], V[1]: "nobody"}, {V[2]: V[1]}]
