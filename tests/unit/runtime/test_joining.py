"""Meshes are made and opened, and agents join them: over the in-memory store, with every commit checked."""

import asyncio

import pytest

from firemesh.errors import (
    AgentIdInUse,
    AlreadyExists,
    CorruptDocument,
    InvalidMessage,
    InvalidParameters,
    JoinTimeout,
    MeshFull,
    MeshNotFound,
    UnknownMachine,
)
from firemesh.runtime.mesh import Mesh
from firemesh.store.base import Put
from firemesh.store.memory import ACK_LOST, LANDS
from firemesh.store.mesh_store import Hosting
from tests.support.meshes import LocalMesh, in_virtual_time, led, until

# --- joining --------------------------------------------------------------------------------------------------------


@in_virtual_time
async def test_a_worker_joins_and_its_commands_are_ordered() -> None:
    local = await led()
    worker = await (await local.process("pw")).add_worker("w1")
    assert local.status_of("w1") == "alive"
    await worker.send_to_manager("counter.add", {"n": 3})
    await until(lambda: local.fields("views/public").get("view") == {"total": 3})
    await local.end()


@in_virtual_time
async def test_three_managers_are_three_voters_and_one_leads() -> None:
    local = await LocalMesh().create()
    managers = await local.managers(3)
    head = local.stored()[0]
    assert head.voters.managers == ("m1", "m2", "m3")
    assert sorted(manager.role.value for manager in managers) == ["follower", "follower", "leader"]
    assert managers[0].followers == ("m2", "m3")
    await local.end()


@in_virtual_time
async def test_a_second_process_may_not_claim_a_living_agents_id() -> None:
    local = await led()
    first = await (await local.process("p1")).add_worker("w1")
    second = await local.process("p2")
    with pytest.raises(AgentIdInUse, match="w1"):
        await second.add_worker("w1")
    assert second.agents == {}
    await first.send_to_manager("counter.add", {"n": 1})
    await until(lambda: local.ordered("counter.add"))
    assert local.ordered("mesh.leave") == []
    await local.end()


@in_virtual_time
async def test_the_thirty_first_worker_is_refused_and_the_others_stay() -> None:
    local = await led()
    processes = [await local.process(f"p{number}") for number in range(6)]
    await asyncio.gather(*(processes[n % 6].add_worker(f"w{n + 1}") for n in range(30)))
    with pytest.raises(MeshFull):
        await processes[0].add_worker("w31")
    assert len(local.fields("views/topology")["members"]) == 31
    assert local.status_of("w31") == ""
    await local.end()


@in_virtual_time
async def test_a_process_runs_at_most_thirty_agents() -> None:
    local = await led()
    process = await local.process("p1")
    await asyncio.gather(*(process.add_worker(f"w{n}") for n in range(30)))
    with pytest.raises(InvalidMessage, match="at most 30"):
        await process.add_worker("w30")
    await local.end()


@in_virtual_time
async def test_an_agent_cannot_be_started_twice_in_one_process() -> None:
    local = await led()
    process = await local.process("p1")
    await process.add_worker("w1")
    with pytest.raises(AlreadyExists):
        await process.add_worker("w1")
    await local.end()


@in_virtual_time
async def test_a_join_whose_answer_is_lost_takes_one_seat() -> None:
    local = await led()
    process = await local.process("p1")
    fates = [ACK_LOST, ACK_LOST]
    local.clients["p1"].faults.commit_fate = lambda _: fates.pop() if fates else LANDS
    await process.add_worker("w1")
    assert len(local.ordered("mesh.join")) == 2
    await local.end()


@in_virtual_time
async def test_nobody_to_let_it_in_is_said_after_a_minute_and_the_seat_is_given_back() -> None:
    local = await LocalMesh().create()
    process = await local.process("p1")
    with pytest.raises(JoinTimeout, match=r"no manager.*new process"):
        await process.add_worker("w1")
    assert not JoinTimeout.retryable
    with pytest.raises(AlreadyExists, match="new process"):
        await process.add_worker("w1")
    await local.managers(1)
    await until(lambda: local.status_of("w1") == "left")
    await (await local.process("p2")).add_worker("w1")
    await local.end()


@in_virtual_time
async def test_a_start_that_is_cancelled_gives_its_seat_back() -> None:
    local = await LocalMesh().create()
    process = await local.process("p1")
    starting = asyncio.create_task(process.add_worker("w1"))
    await until(lambda: local.all_of("inbox"))
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await local.managers(1)
    await until(lambda: local.status_of("w1") == "left")
    await local.end()


@in_virtual_time
async def test_a_manager_that_finds_a_corrupt_head_says_so_at_once() -> None:
    local = await LocalMesh().create()
    process = await local.process("p1")
    await local.operator.commit([Put("meshes/m1/consensus/head", {"term": -1})])
    before = asyncio.get_running_loop().time()
    with pytest.raises(CorruptDocument, match="consensus/head"):
        await process.add_manager("m1")
    assert asyncio.get_running_loop().time() - before < 5
    await process.stop()


# --- opening --------------------------------------------------------------------------------------------------------


@in_virtual_time
async def test_a_mesh_that_does_not_exist_is_said() -> None:
    local = LocalMesh()
    with pytest.raises(MeshNotFound, match="m1"):
        await local.process("p1")
    with pytest.raises(MeshNotFound):
        await Mesh.open(local.operator, "m1")
    with pytest.raises(MeshNotFound):
        await local.mesh.get_status()


@in_virtual_time
async def test_a_mesh_of_an_unknown_machine_is_said() -> None:
    local = LocalMesh()
    local.record = local.record.model_copy(update={"machine": "chess"})
    await local.create()
    with pytest.raises(UnknownMachine, match="counter, mafia"):
        await local.process("p1")
    with pytest.raises(UnknownMachine):
        await Mesh.create(local.operator, "m2", machine="chess", setup={})
    assert "meshes/m2" not in local.memory.documents()


@pytest.mark.parametrize("wrong", ["", "My Proc", "-p", "p" * 48, "p\n"])
def test_a_malformed_process_id_is_said_before_anything_is_written(wrong: str) -> None:
    @in_virtual_time
    async def check() -> None:
        local = await LocalMesh().create()
        with pytest.raises(InvalidParameters, match="process: "):
            await local.process(wrong)
        await asyncio.sleep(5)
        assert local.all_of("liveness") == {}

    check()


@in_virtual_time
async def test_a_mesh_whose_timing_contradicts_itself_is_said() -> None:
    local = LocalMesh()
    local.record = local.record.model_copy(update={"params": {**local.record.params, "ttl_ms": 100}})
    await local.create()
    with pytest.raises(InvalidParameters, match="ttl_ms=100"):
        await local.process("p1")


@in_virtual_time
async def test_a_mesh_is_created_once_and_a_bad_setup_not_at_all() -> None:
    local = LocalMesh()
    await Mesh.create(local.operator, "m1", machine="counter", setup={})
    with pytest.raises(AlreadyExists):
        await Mesh.create(local.operator, "m1", machine="counter", setup={})
    with pytest.raises(InvalidMessage):
        await Mesh.create(local.operator, "m2", machine="counter", setup={"seats": 5})


@in_virtual_time
async def test_a_mesh_that_functions_manage_lacks_neither_managers_nor_a_leader() -> None:
    local = LocalMesh()
    hosted = await Mesh.create(local.operator, "m2", machine="counter", setup={}, hosting=Hosting.FUNCTIONS)
    report = await hosted.get_status()
    assert (report.hosting, report.leader, report.warnings) == (Hosting.FUNCTIONS, "", ())


@in_virtual_time
async def test_fewer_than_three_managers_are_allowed_and_warned_of() -> None:
    local = await led(2)
    assert any("2 manager(s)" in warning for warning in (await local.mesh.get_status()).warnings)
    await (await local.process("p3")).add_manager("m3")
    report = await local.mesh.get_status()
    assert report.warnings == ()
    assert (report.leader, report.managers, report.term) == ("m1", ("m1", "m2", "m3"), 1)
    assert set(report.members) == {"m1", "m2", "m3"}
    await local.end()
