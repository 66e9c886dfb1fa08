"""Calls about one document: those that come while another is under way are dealt with together."""

import asyncio
from collections.abc import Sequence

import pytest

from firemesh.control_plane.together import Together


class Desk:
    """Answers each item by its tenfold, when the test says so."""

    def __init__(self, at_once_max: int = 10) -> None:
        self.rounds: list[tuple[str, tuple[int, ...]]] = []
        self.failure: Exception | None = None
        self.gate = asyncio.Semaphore(0)
        self.together = Together(self._work, at_once_max=at_once_max)

    async def _work(self, path: str, items: Sequence[int]) -> Sequence[int]:
        self.rounds.append((path, tuple(items)))
        await self.gate.acquire()
        if self.failure is not None:
            raise self.failure
        return [10 * item for item in items]

    async def ask(self, *items: int, path: str = "p") -> list[asyncio.Task[int]]:
        """Ask for each; all of them wait when this returns."""
        tasks = [asyncio.create_task(self.together.do(path, item)) for item in items]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return tasks

    def open(self) -> None:
        for _ in range(100):
            self.gate.release()


async def test_who_comes_while_another_is_under_way_goes_next_with_all_who_wait() -> None:
    desk = Desk()
    tasks = [*await desk.ask(1), *await desk.ask(2, 3)]
    assert desk.rounds == [("p", (1,))]
    desk.open()
    assert await asyncio.gather(*tasks) == [10, 20, 30]
    assert desk.rounds == [("p", (1,)), ("p", (2, 3))]


async def test_no_more_go_together_than_fit() -> None:
    desk = Desk(at_once_max=2)
    tasks = await desk.ask(1, 2, 3, 4)
    desk.open()
    assert await asyncio.gather(*tasks) == [10, 20, 30, 40]
    assert [items for _, items in desk.rounds] == [(1, 2), (3, 4)]


async def test_one_document_does_not_wait_for_another() -> None:
    desk = Desk()
    tasks = [*await desk.ask(1), *await desk.ask(2, path="q")]
    assert desk.rounds == [("p", (1,)), ("q", (2,))]
    desk.open()
    assert await asyncio.gather(*tasks) == [10, 20]


async def test_each_hears_of_a_failure_and_the_next_is_dealt_with_all_the_same() -> None:
    desk = Desk()
    desk.failure = ValueError("no")
    tasks = await desk.ask(1, 2)
    desk.gate.release()
    for task in tasks:
        with pytest.raises(ValueError, match="no"):
            await task
    desk.failure = None
    desk.open()
    assert await desk.together.do("p", 3) == 30


async def test_who_gives_up_before_it_is_its_turn_is_left_out_and_holds_up_nobody() -> None:
    desk = Desk()
    tasks = [*await desk.ask(1), *await desk.ask(2, 3)]
    for gone in tasks[:2]:
        gone.cancel()
    await asyncio.sleep(0)
    desk.open()
    assert await tasks[2] == 30
    assert desk.rounds == [("p", (1,)), ("p", (3,))]
