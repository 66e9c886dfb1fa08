"""Through whole games, at every index, nothing that a viewer may read depends on what the viewer may not know."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from firemesh.game.mafia.machine import MafiaMachine
from firemesh.game.mafia.state import State
from tests.support.secrecy import StoredGame, leaks, readable

Views = Mapping[str, Mapping[str, Any]]
OUTSIDER = ""
SETUPS: tuple[dict[str, Any], ...] = (
    {},
    {"reveal_role_on_death": False},
    {"ballot": {"secret": True, "ties": "revote"}},
)


async def first_leak(game: StoredGame) -> tuple[int, str, list[str]] | None:
    """Play a whole game, up to its first leak: at which index, to whom, by which documents."""
    await game.begin()
    while not game.over:
        await game.step()
        documents = game.documents()
        for viewer in (*game.members, OUTSIDER):
            if found := leaks(game, viewer, readable(viewer, documents)):
                return game.replica.index, viewer, found
    return None


@pytest.mark.parametrize(
    ("seed", "seats", "setup"), [(1, 5, SETUPS[0]), (2, 7, SETUPS[1]), (3, 8, SETUPS[2]), (4, 12, SETUPS[0])], ids=str
)
async def test_nothing_that_a_viewer_reads_depends_on_the_secrets_of_the_others(
    seed: int, seats: int, setup: dict[str, Any]
) -> None:
    game = StoredGame(seed, seats, **setup)
    assert await first_leak(game) is None
    assert {"mafia", "dead"} <= {name for name, talk in game.replica.machine_state.talks.items() if talk.count}


def public(views: Views, **extra: Any) -> Views:
    return {**views, "public": {**views["public"], **extra}}


def with_roles_of_the_living(state: State, views: Views) -> Views:
    return public(views, hint=[seat.role_name for seat in state.seats])


def with_the_number_of_actions(state: State, views: Views) -> Views:
    return public(views, hint=len(state.actions))


def with_the_order_of_actions(state: State, views: Views) -> Views:
    return public(views, hint=list(state.actions))


def with_the_seed(state: State, views: Views) -> Views:
    return public(views, hint=state.setup.seed)


def with_the_talk_of_the_mafia(state: State, views: Views) -> Views:
    talk = state.talks.get("mafia")
    return public(views, hint=talk.count if talk else 0)


def with_results_for_all(state: State, views: Views) -> Views:
    hint = [[result.says for result in seat.results] for seat in state.seats]
    return {name: {**view, "hint": str(hint)} for name, view in views.items()}


def with_the_dead_heard_by_the_living(state: State, views: Views) -> Views:
    dead = state.talks.get("dead")
    hint = [line.text for line in dead.messages] if dead else []
    return {name: {**view, "hint": hint} if name != "public" else view for name, view in views.items()}


def with_a_will_read_too_early(state: State, views: Views) -> Views:
    return public(views, hint=[seat.will for seat in state.seats])


LEAKS = (
    with_roles_of_the_living,
    with_the_number_of_actions,
    with_the_order_of_actions,
    with_the_seed,
    with_the_talk_of_the_mafia,
    with_results_for_all,
    with_the_dead_heard_by_the_living,
    with_a_will_read_too_early,
)


class LeakyMachine(MafiaMachine):
    """Plays like the true one and shows too much."""

    def __init__(self, leak: Callable[[State, Views], Views]) -> None:
        self._leak = leak

    def views(self, state: State) -> Views:
        return self._leak(state, super().views(state))


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.__name__)
async def test_a_view_that_shows_too_much_is_found_out(leak: Callable[[State, Views], Views]) -> None:
    assert await first_leak(StoredGame(2, 7, LeakyMachine(leak))) is not None


@pytest.mark.parametrize("path", ["", "consensus/head", "log/000000000001", "snapshots/000000000001", "liveness/p1"])
async def test_a_document_of_the_managers_is_a_leak_as_a_whole(path: str) -> None:
    game = await StoredGame(2, 7).begin()
    await game.keep_snapshot()
    assert leaks(game, "p00", {path: game.documents()[path]}) == [path]


@pytest.mark.parametrize("kind", ["inbox", "refused", "states"])
async def test_what_belongs_to_one_agent_is_a_leak_to_another(kind: str) -> None:
    game = await StoredGame(2, 7).begin()
    path = next(path for path in game.documents() if path.startswith(f"{kind}/p01"))
    assert leaks(game, "p01", {path: game.documents()[path]}) == []
    assert leaks(game, "p00", {path: game.documents()[path]}) == [path]
