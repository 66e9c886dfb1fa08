"""An estimate of the store's clock from its answers."""

import asyncio

from firemesh.runtime.store_clock import StoreClock
from tests.support.meshes import in_virtual_time

NOON_NS = 1_700_000_000_000_000_000
NOON_MS = NOON_NS // 1_000_000


@in_virtual_time
async def test_clock_shows_nothing_before_the_store_has_spoken() -> None:
    assert StoreClock().now_ms() == 0


@in_virtual_time
async def test_clock_goes_on_between_answers() -> None:
    clock = StoreClock()
    clock.note(NOON_NS)
    await asyncio.sleep(2.5)
    assert abs(clock.now_ms() - (NOON_MS + 2500)) <= 1


@in_virtual_time
async def test_an_answer_that_was_long_under_way_does_not_set_the_clock_back() -> None:
    clock = StoreClock()
    clock.note(NOON_NS)
    await asyncio.sleep(1)
    clock.note(NOON_NS + 200_000_000)
    assert abs(clock.now_ms() - (NOON_MS + 1000)) <= 1


@in_virtual_time
async def test_a_fresher_answer_sets_the_clock_forward() -> None:
    clock = StoreClock()
    clock.note(NOON_NS - 800_000_000)
    clock.note(NOON_NS)
    assert abs(clock.now_ms() - NOON_MS) <= 1
