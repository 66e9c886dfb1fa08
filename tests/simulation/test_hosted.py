"""Seeded runs of activations that die, come twice or not at all, over a faulty store: nothing is lost, nothing twice."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from firemesh.store import mesh_store
from firemesh.store.base import Put
from tests.simulation.hosted import HostedRun, rough_game, rough_run
from tests.support.meshes import VirtualMeshLoop

SEEDS, SEEDS_PER_TEST, GAMES = 60, 10, 8


def play(seed: int, run: Callable[[int], Coroutine[Any, Any, HostedRun]] = rough_run) -> HostedRun:
    with asyncio.Runner(loop_factory=VirtualMeshLoop) as runner:
        return runner.run(run(seed))


@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_PER_TEST))
def test_activations_lose_nothing_and_order_nothing_twice(first: int) -> None:
    runs = [play(seed) for seed in range(first, first + SEEDS_PER_TEST)]
    assert [run for run in runs if run.lost] == []
    assert sum(run.deaths for run in runs) > 0, "too calm to prove anything"
    assert all(run.commands > 0 for run in runs)


def test_activations_play_the_seats_of_programs_and_make_no_move_twice() -> None:
    runs = [play(seed, rough_game) for seed in range(GAMES)]
    assert [run for run in runs if run.lost] == []
    assert all(run.moves > 0 for run in runs)
    assert sum(run.deaths for run in runs) > 0, "too calm to prove anything"


def test_equal_seeds_give_equal_runs() -> None:
    assert play(7) == play(7)
    assert play(7).ended_at != play(8).ended_at


def test_activations_without_preconditions_break_what_they_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh_store, "Put", lambda path, fields, if_update_time=None, **rest: Put(path, fields, **rest))
    with pytest.raises(AssertionError):
        for seed in range(SEEDS):
            assert play(seed).lost == []
