"""Agents leave, are removed, and hand over before: over the in-memory store, with every commit checked."""

import asyncio

import pytest

from firemesh.core.effects import ManagerRole
from firemesh.errors import (
    AgentNotFound,
    AlreadyExists,
    CorruptDocument,
)
from firemesh.store.memory import ACK_LOST, LANDS
from tests.support.meshes import LocalMesh, in_virtual_time, led, until

DEATH_SECONDS_MAX = 12.0


@in_virtual_time
async def test_a_worker_that_stops_has_left() -> None:
    local = await led()
    process = await local.process("p1")
    await process.add_worker("w1")
    await process.add_worker("w2")
    await process.remove("w1")
    await until(lambda: local.status_of("w1") == "left")
    assert local.status_of("w2") == "alive"
    with pytest.raises(AgentNotFound):
        await process.remove("w1")
    await process.stop()
    await until(lambda: local.status_of("w2") == "left")
    assert "p1" not in local.all_of("liveness")
    await local.end()


@in_virtual_time
async def test_a_process_whose_last_agent_was_taken_out_has_ended() -> None:
    local = await led()
    process = await local.process("p1")
    await process.add_worker("w1")
    await process.add_worker("w2")
    await process.remove("w1")
    waiting = asyncio.create_task(process.run_until_ended())
    await asyncio.sleep(5)
    assert not waiting.done()
    await process.remove("w2")
    async with asyncio.timeout(1):
        await waiting
    await local.end()


@in_virtual_time
async def test_a_leader_whose_replica_has_failed_leaves_without_waiting_to_hand_over() -> None:
    local = await LocalMesh().create()
    await local.managers(3)
    m1 = local.leader()
    assert m1 is not None
    m1.driver.tell(CorruptDocument("a test's own"))  # type: ignore[arg-type]
    with pytest.raises(CorruptDocument):
        await local.processes["pm1"].run_until_ended()
    assert m1.role is ManagerRole.FOLLOWER
    await local.processes["pm1"].stop()
    await until(lambda: local.status_of("m1") == "left", DEATH_SECONDS_MAX)
    assert local.ordered("mesh.member_dead") == []
    await local.end()


@in_virtual_time
async def test_an_agent_that_left_comes_back_in_a_new_process_not_in_the_same_run() -> None:
    local = await led()
    process = await local.process("p1")
    await process.add_worker("w1")
    await process.remove("w1")
    with pytest.raises(AlreadyExists, match="new process"):
        await process.add_worker("w1")
    await (await local.process("p2")).add_worker("w1")
    assert local.fields("agents/w1")["process"] == "p2"
    await local.end()


@in_virtual_time
async def test_leaving_while_a_command_is_under_way_loses_neither() -> None:
    local = await led()
    process = await local.process("p1")
    worker = await process.add_worker("w1")
    local.clients["p1"].faults.commit_fate = lambda _: ACK_LOST if len(local.all_of("inbox")) == 0 else LANDS
    sending = asyncio.create_task(worker.send_to_manager("counter.add", {"n": 1}))
    await asyncio.sleep(0.003)
    sending.cancel()
    await process.stop()
    await until(lambda: local.status_of("w1") == "left")
    assert [command.seq for command in local.ordered("counter.add")] == [2]
    await local.end()


@in_virtual_time
async def test_the_leader_hands_over_before_it_leaves() -> None:
    local = await LocalMesh().create()
    await local.managers(3)
    votes_before = local.all_of("votes")
    await local.processes["pm1"].stop()
    await until(lambda: (leader := local.leader()) is not None and leader.agent_id != "m1", seconds=1.0)
    assert local.all_of("votes") == votes_before
    await until(lambda: local.stored()[0].voters.managers == ("m2", "m3"))
    await local.end()


@pytest.mark.parametrize("kind", ["worker", "manager"])
def test_stopping_without_the_store_takes_seconds_not_for_ever(kind: str) -> None:
    @in_virtual_time
    async def check() -> None:
        local = await led()
        process = await local.process("p1")
        await (process.add_worker("a1") if kind == "worker" else process.add_manager("a1"))
        victim = process if kind == "worker" else local.processes["pm1"]
        local.clients[victim.process_id].disconnect()
        before = asyncio.get_running_loop().time()
        await victim.stop()
        assert asyncio.get_running_loop().time() - before < 8
        assert victim.agents == {}
        await local.end()

    check()


@in_virtual_time
async def test_the_operator_removes_one_agent_and_the_others_of_its_process_stay() -> None:
    local = await led()
    process = await local.process("p1")
    await process.add_worker("w1")
    stays = await process.add_worker("w2")
    waiting = asyncio.create_task(process.run_until_ended())
    await local.mesh.remove_agent("w1")
    await until(lambda: "w1" not in process.agents)
    assert local.status_of("w1") == "left"
    await stays.send_to_manager("counter.add", {"n": 1})
    await until(lambda: local.ordered("counter.add"))
    assert not waiting.done()
    await local.mesh.remove_agent("w2")
    await waiting
    assert local.ordered("mesh.leave") == []
    await local.end()


@in_virtual_time
async def test_a_leader_that_the_operator_removes_hands_over() -> None:
    local = await LocalMesh().create()
    await local.managers(3)
    await local.mesh.remove_agent("m1")
    await until(lambda: (leader := local.leader()) is not None and leader.agent_id != "m1", seconds=1.0)
    assert local.stored()[0].voters.managers == ("m2", "m3")
    assert local.processes["pm1"].agents == {}
    await local.end()


@in_virtual_time
async def test_removing_a_stranger_or_one_who_is_gone_is_said() -> None:
    local = await led()
    with pytest.raises(AgentNotFound):
        await local.mesh.remove_agent("w1")
    process = await local.process("p1")
    await process.add_worker("w1")
    await process.remove("w1")
    await until(lambda: local.status_of("w1") == "left")
    with pytest.raises(AgentNotFound, match="left"):
        await local.mesh.remove_agent("w1")
    await local.end()
