"""Agents join, leave, are removed, die and come back: over the in-memory store, with every commit checked."""

import asyncio
import logging
from pathlib import Path

import pytest

from firemesh.core.effects import ManagerRole
from firemesh.core.health import HealthPolicy
from firemesh.errors import (
    AgentIdInUse,
    AgentNotFound,
    AlreadyExists,
    CorruptDocument,
    InvalidMessage,
    InvalidParameters,
    JoinTimeout,
    MeshFull,
    MeshNotFound,
    StateFileMismatch,
    UnknownMachine,
)
from firemesh.runtime.mesh import Mesh
from firemesh.runtime.process import AgentProcess
from firemesh.store.base import Put
from firemesh.store.memory import ACK_LOST, LANDS
from firemesh.store.mesh_store import STAMP
from tests.support.meshes import LocalMesh, in_virtual_time, until

DEATH_SECONDS_MAX = 12.0


async def led(count: int = 1) -> LocalMesh:
    local = await LocalMesh().create()
    await local.managers(count)
    return local


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
async def test_fewer_than_three_managers_are_allowed_and_warned_of() -> None:
    local = await led(2)
    assert any("2 manager(s)" in warning for warning in (await local.mesh.get_status()).warnings)
    await (await local.process("p3")).add_manager("m3")
    report = await local.mesh.get_status()
    assert report.warnings == ()
    assert (report.leader, report.managers, report.term) == ("m1", ("m1", "m2", "m3"), 1)
    assert set(report.members) == {"m1", "m2", "m3"}
    await local.end()


# --- leaving --------------------------------------------------------------------------------------------------------


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


# --- dying and coming back ------------------------------------------------------------------------------------------


@in_virtual_time
async def test_the_agents_of_a_crashed_process_are_declared_dead_and_nobody_else() -> None:
    local = await led()
    crashed, other = await local.process("p1"), await local.process("p2")
    for name, process in (("w1", crashed), ("w2", crashed), ("w3", other)):
        await process.add_worker(name)
    await crashed.abandon()
    await until(lambda: local.status_of("w1") == local.status_of("w2") == "dead", DEATH_SECONDS_MAX)
    await asyncio.sleep(10)
    assert local.status_of("w3") == local.status_of("m1") == "alive"
    assert len(local.ordered("mesh.member_dead")) == 2
    await local.end()


@in_virtual_time
async def test_a_process_that_was_declared_dead_while_it_stood_still_comes_back_as_a_new_incarnation() -> None:
    local = await led()
    process = await local.process("p1")
    workers = [await local.within("p1", process.add_worker(name)) for name in ("w1", "w2")]
    old = workers[0].inc
    await local.within("p1", workers[0].send_to_manager("counter.add", {"n": 1}))
    local.hosts["p1"].stop()
    await until(lambda: local.status_of("w1") == local.status_of("w2") == "dead", DEATH_SECONDS_MAX)
    local.hosts["p1"].go_on()
    await until(lambda: local.status_of("w1") == local.status_of("w2") == "alive")
    assert workers[0].inc == workers[1].inc == process.inc != old
    await local.within("p1", workers[0].send_to_manager("counter.add", {"n": 1}))
    await until(lambda: len(local.ordered("counter.add")) == 2)
    await asyncio.sleep(10)
    assert local.status_of("w1") == "alive"
    await local.end()


@in_virtual_time
async def test_a_manager_that_was_declared_dead_while_it_stood_still_votes_again() -> None:
    local = await LocalMesh().create()
    await local.managers(3)
    local.hosts["pm2"].stop()
    await until(lambda: local.stored()[0].voters.managers == ("m1", "m3"), DEATH_SECONDS_MAX)
    local.hosts["pm2"].go_on()
    await until(lambda: local.stored()[0].voters.managers == ("m1", "m2", "m3"))
    await local.end()


@in_virtual_time
async def test_a_manager_that_comes_back_leads_under_its_new_incarnation() -> None:
    local = await LocalMesh().create()
    managers = await local.managers(3)
    local.hosts["pm2"].stop()
    await until(lambda: local.status_of("m2") == "dead", DEATH_SECONDS_MAX)
    dead = local.fields("agents/m2")["inc"]
    local.hosts["pm2"].go_on()
    await until(lambda: local.status_of("m2") == "alive")
    await until(lambda: managers[0].followers == ("m2", "m3"))
    managers[0].transfer_leadership("m2")
    await until(lambda: local.stored()[0].leader == "m2")
    head = local.stored()[0]
    assert head.leader_inc == local.fields("agents/m2")["inc"] == managers[1].inc != dead
    assert dead not in head.nonce
    await (await local.process("p1")).add_worker("w1")
    await local.end()


@in_virtual_time
async def test_a_process_that_finds_no_leader_when_it_comes_back_waits_as_long_as_it_takes() -> None:
    local = await led()
    process = await local.process("p1")
    await local.within("p1", process.add_worker("w1"))
    waiting = asyncio.create_task(process.run_until_ended())
    local.hosts["p1"].stop()
    await until(lambda: local.status_of("w1") == "dead", DEATH_SECONDS_MAX)
    local.clients["pm1"].disconnect()
    local.hosts["p1"].go_on()
    await until(lambda: local.all_of("inbox"))
    await asyncio.sleep(200)
    assert local.status_of("w1") == "dead"
    local.clients["pm1"].reconnect()
    await until(lambda: local.status_of("w1") == "alive")
    assert not waiting.done()
    waiting.cancel()
    await local.end()


@pytest.mark.parametrize("names", ["pm", "other"])
def test_all_managers_that_are_killed_and_started_anew_without_their_state_wait_for_the_old_ones_death(names: str) -> None:
    @in_virtual_time
    async def check() -> None:
        local = await LocalMesh().create()
        await local.managers(3)
        old = {agent: row["inc"] for agent, row in local.all_of("agents").items()}
        for number in (1, 2, 3):
            await local.processes[f"pm{number}"].abandon()
        await asyncio.sleep(3)
        again = [await local.process(f"{names}{number}") for number in (1, 2, 3)]
        await asyncio.gather(*(process.add_manager(f"m{number}") for number, process in enumerate(again, 1)))
        await until(lambda: local.stored()[0].voters.managers == ("m1", "m2", "m3"))
        assert all(local.fields(f"agents/{agent}")["inc"] != inc for agent, inc in old.items())
        await (await local.process("p1")).add_worker("w1")
        await local.end()

    check()


@in_virtual_time
async def test_one_that_waits_for_a_silent_run_gives_up_when_that_run_speaks_again() -> None:
    local = await LocalMesh().create()
    process = await local.process("p1")
    await local.managers(1)
    await local.within("p1", process.add_worker("w1"))
    unhurried = HealthPolicy(dead_after_floor_ms=60_000)
    await local.processes["pm1"].stop()
    patient = await local.process("pm2", health=unhurried)
    await patient.add_manager("m2")
    local.hosts["p1"].stop()
    await asyncio.sleep(20)
    second = asyncio.create_task((await local.process("p2")).add_worker("w1"))
    await asyncio.sleep(5)
    assert not second.done()
    local.hosts["p1"].go_on()
    with pytest.raises(AgentIdInUse):
        await second
    assert local.status_of("w1") == "alive"
    assert local.ordered("mesh.member_dead") == []
    await local.end()


@in_virtual_time
async def test_a_process_cut_short_twice_while_nobody_led_still_knows_its_seat(tmp_path: Path) -> None:
    local = await led()
    first = await local.process("p1", state_folder=tmp_path)
    await first.add_worker("w1")
    await first.abandon()
    await local.processes["pm1"].abandon()
    second = await local.process("p1", state_folder=tmp_path)
    local.hosts["p1"].run(second.add_worker("w1"))
    await until(lambda: local.all_of("inbox"))
    await second.abandon()
    local.hosts["p1"].stop()
    third = asyncio.create_task((await local.process("p3", state_folder=tmp_path)).add_worker("w1"))
    await until(lambda: len(local.all_of("inbox")) == 2)
    await (await local.process("pm9")).add_manager("m9")
    worker = await third
    assert local.fields("agents/w1")["inc"] == worker.inc
    assert "w1" not in [command.body["agent"] for command in local.ordered("mesh.member_dead")]
    await local.end()


@in_virtual_time
async def test_a_restarted_process_takes_over_its_own_agents_at_once(tmp_path: Path) -> None:
    local = await led()
    first = await local.process("p1", state_folder=tmp_path)
    worker = await first.add_worker("w1")
    await worker.update_state({"mood": "wary"})
    await worker.update_state({"target": "p02"})
    await first.abandon()
    second = await local.process("p1", state_folder=tmp_path)
    again = await second.add_worker("w1")
    assert again.inc != worker.inc
    assert again.get_state() == {"mood": "wary", "target": "p02"}
    assert await again.update_state({"mood": "calm"}) == 3
    stored = {name: value for name, value in local.fields("states/w1").items() if name != STAMP}
    assert stored == {"version": 3, "inc": again.inc, "values": {"mood": "calm", "target": "p02"}}
    assert local.ordered("mesh.member_dead") == []
    await local.end()


@in_virtual_time
async def test_a_process_killed_between_its_join_and_the_answer_still_knows_its_seat(tmp_path: Path) -> None:
    local = await LocalMesh().create()
    first = await local.process("p1", state_folder=tmp_path)
    local.hosts["p1"].run(first.add_worker("w1"))
    await until(lambda: local.all_of("inbox"))
    await first.abandon()
    local.hosts["p1"].stop()
    await local.managers(1)
    await until(lambda: local.status_of("w1") == "alive")
    first_inc = local.fields("agents/w1")["inc"]
    worker = await (await local.process("p1", state_folder=tmp_path)).add_worker("w1")
    assert local.fields("agents/w1")["inc"] == worker.inc != first_inc
    await local.end()


@in_virtual_time
async def test_without_its_state_a_restarted_process_waits_for_the_death_of_the_old_one() -> None:
    local = await led()
    await (await local.process("p1")).add_worker("w1")
    await local.processes["p1"].abandon()
    second = await local.process("p2")
    with pytest.raises(AgentIdInUse):
        await second.add_worker("w1")
    await until(lambda: local.status_of("w1") == "dead", DEATH_SECONDS_MAX)
    await second.add_worker("w1")
    await local.end()


@in_virtual_time
async def test_a_second_process_with_the_same_state_folder_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    local = await led()
    first = await local.process("p1", state_folder=tmp_path)
    worker = await first.add_worker("w1")
    second = await local.process("p2", state_folder=tmp_path)
    with pytest.raises(AgentIdInUse, match="stop it first"):
        await second.add_worker("w1")
    await worker.send_to_manager("counter.add", {"n": 1})
    await until(lambda: local.ordered("counter.add"))
    assert local.fields("agents/w1")["inc"] == worker.inc
    assert len(local.ordered("mesh.join")) == 2
    await first.abandon()
    await second.add_worker("w1")
    await local.end()


@in_virtual_time
async def test_a_process_whose_agent_was_taken_over_says_so_and_does_not_fight(tmp_path: Path) -> None:
    local = await led()
    first = await local.process("p1", state_folder=tmp_path)
    worker = await local.within("p1", first.add_worker("w1"))
    copied = tmp_path / "another machine"
    copied.mkdir()
    (copied / "w1.json").write_bytes((tmp_path / "w1.json").read_bytes())
    second = await local.process("p2", state_folder=copied)
    successor = await second.add_worker("w1")
    with pytest.raises(AgentIdInUse, match="taken over"):
        await first.run_until_ended()
    await first.stop()
    assert local.fields("agents/w1")["inc"] == successor.inc != worker.inc
    assert local.status_of("w1") == "alive"
    await local.end()


@in_virtual_time
async def test_a_damaged_state_file_is_set_aside_and_the_agent_starts_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    local = await led()
    (tmp_path / "w1.json").write_text('{"sha256": "half a')
    with caplog.at_level(logging.WARNING):
        worker = await (await local.process("p1", state_folder=tmp_path)).add_worker("w1")
    assert worker.get_state() == {}
    assert "is damaged" in caplog.text
    await local.end()


@in_virtual_time
async def test_the_state_file_of_another_mesh_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    local = await led()
    other = LocalMesh()
    await Mesh.create(other.operator, "m2", machine="counter", setup={})
    stray = await AgentProcess.open(other.operator, "m2", "p9", state_folder=tmp_path)
    await asyncio.wait([asyncio.create_task(stray.add_worker("w1"))], timeout=1)
    await stray.abandon()
    process = await local.process("p1", state_folder=tmp_path)
    with pytest.raises(StateFileMismatch, match="m2"):
        await process.add_worker("w1")
    assert local.status_of("w1") == ""
    await local.end()


@pytest.mark.parametrize("changes", [{"blob": "x" * 100_001}, {"tags": {1, 2}}, {"text": "\ud800"}])
def test_an_impossible_state_is_refused_and_changes_nothing(changes: dict[str, object]) -> None:
    @in_virtual_time
    async def check() -> None:
        local = await led()
        worker = await (await local.process("p1")).add_worker("w1")
        with pytest.raises(InvalidMessage):
            await worker.update_state(changes)
        assert worker.get_state() == {}
        assert local.fields("states/w1") == {}
        await local.end()

    check()
