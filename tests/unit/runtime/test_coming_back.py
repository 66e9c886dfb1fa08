"""Agents die, and come back as a new run or with what they kept: over the in-memory store, with every commit checked."""

import asyncio
import logging
from pathlib import Path

import pytest

from firemesh.core.health import HealthPolicy
from firemesh.errors import (
    AgentIdInUse,
    InvalidMessage,
    StateFileMismatch,
)
from firemesh.runtime.mesh import Mesh
from firemesh.runtime.process import AgentProcess
from firemesh.store.mesh_store import STAMP
from tests.support.meshes import LocalMesh, in_virtual_time, led, until

DEATH_SECONDS_MAX = 12.0


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
