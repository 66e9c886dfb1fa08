"""A worker asks its behaviour when a view has changed, and sends what still fits the moment."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from firemesh.runtime.behaviour import INTENTS_MAX, Intent
from firemesh.store.base import Put
from tests.support.meshes import LocalMesh, in_virtual_time, until

View = Mapping[str, Any]


class Counting:
    """A behaviour over the counter: `wants` says what to send at a total; a moment lasts while the total stays in a ten."""

    def __init__(self, wants: Callable[[int], Sequence[Intent]]) -> None:
        self.asked: list[int] = []
        self.restored: list[Mapping[str, Any]] = []
        self._wants = wants

    def moment(self, public: View, own: View) -> str:
        return str(public["total"] // 10)

    def decide(self, public: View, own: View) -> Sequence[Intent]:
        self.asked.append(public["total"])
        return self._wants(public["total"])

    def memory(self) -> Mapping[str, Any]:
        return {"asked": len(self.asked)}

    def restore(self, memory: Mapping[str, Any]) -> None:
        self.restored.append(memory)


def add(n: int, think_ms: int = 0) -> Intent:
    return Intent("counter.add", {"n": n}, think_ms)


async def watched(start: int = 1) -> LocalMesh:
    """A mesh whose counter stands at `start`, moved by a worker without a behaviour."""
    local = await LocalMesh().create()
    await local.managers(1)
    await (await local.process("hand")).add_worker("hand")
    await turn(local, start)
    return local


async def turn(local: LocalMesh, n: int) -> None:
    """Move the counter by hand and wait until it shows."""
    before = total(local)
    await local.processes["hand"].agents["hand"].send_to_manager("counter.add", {"n": n})  # type: ignore[attr-defined]
    await until(lambda: total(local) == before + n)


def total(local: LocalMesh) -> int:
    return int(local.fields("views/public").get("view", {"total": 0})["total"])


@in_virtual_time
async def test_what_the_behaviour_wants_is_sent_and_it_is_asked_again_when_the_view_has_changed() -> None:
    local = await watched(1)
    behaviour = Counting(lambda now: [add(1)] if now < 5 else [])
    await (await local.process("p1")).add_worker("w1", behaviour)
    await until(lambda: total(local) == 5)
    await asyncio.sleep(60)
    assert behaviour.asked == [1, 2, 3, 4, 5]
    await local.end()


@in_virtual_time
async def test_an_intent_of_an_earlier_moment_is_dropped_and_the_behaviour_asked_at_once() -> None:
    local = await watched(1)
    behaviour = Counting(lambda now: [add(100, think_ms=60_000)] if now < 10 else [add(1000)] if now < 1000 else [])
    await (await local.process("p1")).add_worker("w1", behaviour)
    await until(lambda: behaviour.asked == [1])
    before = asyncio.get_running_loop().time()
    await turn(local, 10)
    await until(lambda: total(local) == 1011)
    assert asyncio.get_running_loop().time() - before < 2
    assert behaviour.asked[:2] == [1, 11]
    await local.end()


@in_virtual_time
async def test_a_change_within_the_moment_does_not_disturb_a_thought() -> None:
    local = await watched(1)
    behaviour = Counting(lambda now: [add(100, think_ms=5000)] if now < 100 else [])
    await (await local.process("p1")).add_worker("w1", behaviour)
    await until(lambda: behaviour.asked == [1])
    await turn(local, 1)
    await until(lambda: total(local) == 102)
    await until(lambda: behaviour.asked == [1, 2, 102])
    await local.end()


@in_virtual_time
async def test_the_later_intents_of_a_decision_are_dropped_with_the_moment() -> None:
    local = await watched(1)
    behaviour = Counting(lambda now: [add(1), add(50, think_ms=2000), add(70)] if now < 10 else [])
    await (await local.process("p1")).add_worker("w1", behaviour)
    await until(lambda: total(local) == 2)
    await turn(local, 20)
    await asyncio.sleep(10)
    assert total(local) == 22
    await local.end()


@in_virtual_time
async def test_one_decision_sends_a_limited_number_of_commands() -> None:
    local = await watched(1)
    behaviour = Counting(lambda now: [add(0)] * 100 if now == 1 else [])
    await (await local.process("p1")).add_worker("w1", behaviour)
    await asyncio.sleep(5)
    assert len(local.ordered("counter.add")) == 1 + INTENTS_MAX
    await local.end()


@in_virtual_time
async def test_with_nobody_leading_a_worker_does_not_repeat_itself() -> None:
    local = await watched(1)
    behaviour = Counting(lambda now: [add(1)])
    process = await local.process("p1")
    local.clients["pm1"].disconnect()
    await asyncio.sleep(2)
    joining = asyncio.create_task(process.add_worker("w1", behaviour))
    local.clients["pm1"].reconnect()
    await joining
    local.clients["pm1"].disconnect()
    await asyncio.sleep(2)
    before = len(behaviour.asked)
    for _ in range(20):
        local.clients["p1"].end_watches()
        await asyncio.sleep(10)
    assert len(behaviour.asked) <= before + 1
    assert len(local.all_of("inbox")) <= 2
    await local.end()


@in_virtual_time
async def test_an_impossible_wish_is_left_out_and_the_rest_is_sent() -> None:
    local = await watched(1)
    behaviour = Counting(lambda now: [Intent("nonsense", {}), add(5)] if now == 1 else [])
    await (await local.process("p1")).add_worker("w1", behaviour)
    await until(lambda: total(local) == 6)
    await local.end()


@in_virtual_time
async def test_a_behaviour_that_fails_is_the_failure_of_its_process() -> None:
    local = await watched(1)
    process = await local.process("p1")
    await process.add_worker("w1", Counting(lambda now: [{}[now]]))
    with pytest.raises(KeyError):
        await process.run_until_ended()
    await until(lambda: local.fields("liveness/p1")["agents"] == {"w1": "failed"})
    await local.end()


@in_virtual_time
async def test_a_behaviours_memory_is_restored_after_a_restart(tmp_path: Path) -> None:
    local = await watched(1)
    first = await local.process("p1", state_folder=tmp_path)
    await first.add_worker("w1", Counting(lambda now: [add(1)] if now < 3 else []))
    await until(lambda: total(local) == 3)
    await asyncio.sleep(1)
    await first.abandon()
    behaviour = Counting(lambda now: [])
    await (await local.process("p1", state_folder=tmp_path)).add_worker("w1", behaviour)
    await until(lambda: behaviour.restored == [{"asked": 3}])
    await local.end()


@in_virtual_time
async def test_the_agents_of_a_process_share_one_listener_to_the_public_view() -> None:
    local = await watched(1)
    process = await local.process("p1")
    behaviours = [Counting(lambda now: []) for _ in range(5)]
    for number, behaviour in enumerate(behaviours):
        await process.add_worker(f"w{number}", behaviour)
    await asyncio.sleep(1)
    reads = local.memory.counts[("p1", "views", "reads")]
    for _ in range(3):
        await turn(local, 1)
    await until(lambda: all(behaviour.asked[-1] == 4 for behaviour in behaviours))
    assert local.memory.counts[("p1", "views", "reads")] - reads == 3
    await local.end()


@in_virtual_time
async def test_a_worker_whose_command_met_its_death_looks_again_after_coming_back() -> None:
    local = await watched(1)
    behaviour = Counting(lambda now: [add(1)] if now == 1 else [])
    process = await local.process("p1")
    worker = await local.within("p1", process.add_worker("w1", behaviour))
    await until(lambda: total(local) == 2)
    old = worker.inc
    asked = len(behaviour.asked)
    local.hosts["p1"].stop()
    await until(lambda: local.status_of("w1") == "dead")
    local.hosts["p1"].go_on()
    await until(lambda: local.status_of("w1") == "alive" and worker.inc != old)
    await until(lambda: len(behaviour.asked) > asked)
    assert len(behaviour.restored) == 1  # as after a restart: what did not arrive is wanted again
    await local.end()


@in_virtual_time
async def test_a_view_that_is_shown_again_is_no_news() -> None:
    local = await watched(1)
    behaviour = Counting(lambda now: [])
    await (await local.process("p1")).add_worker("w1", behaviour)
    await until(lambda: behaviour.asked == [1])
    fields = local.fields("views/public")
    await local.operator.commit([Put("meshes/m1/views/public", {**fields, "at_ms": fields["at_ms"] + 1})])
    await asyncio.sleep(5)
    assert behaviour.asked == [1]
    await local.end()
