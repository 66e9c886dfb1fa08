"""Properties of whole games among scripted players, one step at a time."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from firemesh.game.mafia.codec import encode_state
from firemesh.game.mafia.offline import OfflineGame, new_game, play, replay
from firemesh.game.mafia.sides import Side
from firemesh.game.mafia.state import NOBODY, State, Talk
from firemesh.game.mafia.victory import outcome_for

SETUPS: tuple[dict[str, Any], ...] = (
    {},
    {"ballot": {"rule": "majority", "ties": "revote"}},
    {"ballot": {"ties": "random", "abstain": False}, "reveal_role_on_death": False},
    {"ballot": {"secret": True, "ties": "revote"}, "night_floor_ms": 20_000},
)


def steps(game: OfflineGame) -> Iterator[tuple[State, State]]:
    """Each state of a game and its successor."""
    game.show()
    while game.state.deadline_ms is not None:
        before = game.state
        game.step()
        yield before, game.state


@pytest.mark.parametrize("seats", range(5, 31, 5))
def test_a_game_of_any_size_ends_with_an_announced_winner(seats: int) -> None:
    game = play(seats, seats)
    assert game.views["public"]["phase"] == "over"
    assert game.views["public"]["winner"] in {"town", "mafia", "nobody"}
    assert len(game.views["public"]["roles"]) >= 4


@pytest.mark.parametrize("setup", SETUPS, ids=str)
@pytest.mark.parametrize("seed", range(5))
def test_scripted_players_ask_for_nothing_that_is_refused(seed: int, setup: dict[str, Any]) -> None:
    game = play(seed, 8, **setup)
    assert [ordered for ordered in game.log if ordered.reason] == []


@pytest.mark.parametrize("seed", range(10))
def test_replaying_the_log_gives_the_final_state(seed: int) -> None:
    game = play(seed, 9)
    replayed = replay(game.machine, game.state.setup.as_json, game.log)
    assert replayed == game.state
    assert json.dumps(encode_state(replayed)) == json.dumps(encode_state(game.state))


def test_the_same_seed_plays_the_same_game_and_another_seed_another() -> None:
    assert play(1, 9).log == play(1, 9).log
    assert play(1, 9).log != play(2, 9).log


@pytest.mark.parametrize("setup", SETUPS, ids=str)
@pytest.mark.parametrize("seed", range(5))
def test_the_end_is_evaluated_once_after_every_batch_of_deaths(seed: int, setup: dict[str, Any]) -> None:
    for before, after in steps(new_game(seed, 9, **setup)):
        assert before.outcome is None
        if not after.seats or not after.seats[0].role_name:
            continue
        if after.outcome is None:
            assert outcome_for(after.living) is None, "the game goes on although somebody has won"
        elif after.outcome.winner != NOBODY:
            assert len(after.living) < len(before.living), "somebody won without a death"


@pytest.mark.parametrize("seed", range(10))
def test_the_dead_never_act_choose_or_speak_in_town(seed: int) -> None:
    for before, after in steps(new_game(seed, 9)):
        dead = {seat.agent_id for seat in before.seats if not seat.alive}
        assert not dead & (set(after.ballots) | set(after.actions))
        heard = before.talks.get("town", Talk()).count
        assert not dead & {line.by for line in after.talks.get("town", Talk()).messages if line.n > heard}


@pytest.mark.parametrize("seed", range(10))
def test_deaths_are_for_ever_and_come_one_at_a_time(seed: int) -> None:
    for before, after in steps(new_game(seed, 9)):
        died = {seat.agent_id for seat in before.living} - {seat.agent_id for seat in after.living}
        assert len(died) <= 1
        assert all(seat.alive or not (then := after.seat_of(seat.agent_id)) or not then.alive for seat in before.seats)


@pytest.mark.parametrize("seed", range(10))
def test_tallies_hold_every_ballot_cast_and_no_more_than_the_living(seed: int) -> None:
    game = play(seed, 9, ballot={"ties": "revote"})
    for verdict in game.state.verdicts:
        assert sum(verdict.tally.values()) == len(verdict.ballots)
        living = sum(seat.death is None or seat.death.day >= verdict.day for seat in game.state.seats)
        assert len(verdict.ballots) <= living


@pytest.mark.parametrize("seed", range(10))
def test_every_phase_but_the_last_has_an_armed_deadline_that_never_goes_back(seed: int) -> None:
    started = 0
    for _, after in steps(new_game(seed, 8)):
        assert (after.deadline_ms is None) == (after.outcome is not None)
        assert after.started_ms >= started
        started = after.started_ms


@pytest.mark.parametrize("seed", range(10))
def test_views_are_a_function_of_the_log_so_far(seed: int) -> None:
    game = new_game(seed, 7)
    game.show()
    while game.state.deadline_ms is not None:
        game.step()
        if len(game.log) % 20 == 0:
            again = replay(game.machine, game.state.setup.as_json, game.log)
            assert game.machine.views(again) == game.views


def test_a_table_whose_players_all_vanish_still_ends() -> None:
    game = new_game(3, 9)
    game.show()
    while game.state.day < 2:
        game.step()
    for agent_id in list(game.players):
        game.order("", "mesh.member_dead", {"agent": agent_id})
    game.players = {}
    game.finish()
    assert game.state.outcome is not None


def test_players_who_come_and_go_do_not_stop_a_game() -> None:
    for seed in range(5):
        game = new_game(seed, 9)
        game.show()
        n = 0
        while game.state.deadline_ms is not None:
            game.step()
            n += 1
            if n % 7 == 0:
                game.order("", "mesh.member_dead", {"agent": f"p{n % 9:02d}"})
        assert game.state.outcome is not None


@pytest.mark.parametrize("seats", [5, 9])
def test_neither_side_wins_less_than_a_quarter_of_the_scripted_games(seats: int) -> None:
    games = 40
    wins = [play(seed, seats).state.outcome for seed in range(games)]
    town = sum(outcome is not None and outcome.winner == Side.TOWN for outcome in wins)
    assert games / 4 <= town <= 3 * games / 4
