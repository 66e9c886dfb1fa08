"""The loop of virtual time behaves like a real one, only without waiting; processes stop and go on."""

import asyncio
import time

import pytest

from firemesh_cli.bench import virtual_time
from firemesh_cli.bench.virtual_time import NothingLeftToWaitFor, Process


def now() -> float:
    return asyncio.get_running_loop().time()


def test_an_hour_of_sleep_takes_no_time() -> None:
    async def sleep() -> float:
        before = now()
        await asyncio.sleep(3600)
        return now() - before

    started = time.perf_counter()
    assert virtual_time.run(sleep()) == pytest.approx(3600)
    assert time.perf_counter() - started < 3600


def test_timers_run_in_the_order_of_their_times() -> None:
    async def order() -> list[int]:
        seen: list[int] = []
        for delay in (3, 1, 2):
            asyncio.get_running_loop().call_later(delay, seen.append, delay)
        await asyncio.sleep(4)
        return seen

    assert virtual_time.run(order()) == [1, 2, 3]


def test_cancelled_timer_does_not_run() -> None:
    async def cancel() -> list[str]:
        seen: list[str] = []
        asyncio.get_running_loop().call_later(1, seen.append, "run").cancel()
        await asyncio.sleep(2)
        return seen

    assert virtual_time.run(cancel()) == []


def test_timeout_runs_out_in_virtual_time() -> None:
    async def wait() -> float:
        before = now()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await asyncio.Event().wait()
        return now() - before

    assert virtual_time.run(wait()) == pytest.approx(2.5)


def test_waiting_for_what_cannot_come_is_an_error() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(NothingLeftToWaitFor):
        virtual_time.run(wait())


async def _ticks(seen: list[float]) -> None:
    start = now()
    while True:
        await asyncio.sleep(1)
        seen.append(round(now() - start, 3))


def test_stopped_process_does_nothing_until_it_goes_on() -> None:
    async def stop() -> tuple[list[float], list[float]]:
        seen: list[float] = []
        process = Process("ticking")
        task = process.run(_ticks(seen))
        await asyncio.sleep(2.5)
        process.stop()
        await asyncio.sleep(10)
        while_stopped = list(seen)
        process.go_on()
        await asyncio.sleep(1.6)
        task.cancel()
        return while_stopped, seen

    while_stopped, seen = virtual_time.run(stop())
    assert while_stopped == [1, 2]
    assert seen == [1, 2, 12.5, 13.5]


def test_stopping_one_process_leaves_the_others_alone() -> None:
    async def stop() -> list[float]:
        stopped, other = Process("stopped"), Process("other")
        seen: list[float] = []
        tasks = [stopped.run(_ticks([])), other.run(_ticks(seen))]
        stopped.stop()
        await asyncio.sleep(3.5)
        stopped.go_on()
        for task in tasks:
            task.cancel()
        return seen

    assert virtual_time.run(stop()) == [1, 2, 3]


def test_timer_held_back_can_still_be_cancelled_by_what_runs_before_it() -> None:
    async def work(seen: list[str]) -> None:
        loop = asyncio.get_running_loop()
        second = loop.call_later(2, seen.append, "second")
        loop.call_later(1, second.cancel)
        await asyncio.sleep(5)

    async def stop() -> list[str]:
        seen: list[str] = []
        process = Process("held")
        task = process.run(work(seen))
        await asyncio.sleep(0.5)
        process.stop()
        await asyncio.sleep(3)
        process.go_on()
        await task
        return seen

    assert virtual_time.run(stop()) == []
