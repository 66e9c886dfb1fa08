"""The mesh as an application sees it: the names the specification gives, over the in-memory store."""

import asyncio
import random

import pytest

from firemesh.core.effects import HeadSeen
from firemesh.core.membership import AgentType
from firemesh.core.messages import Command
from firemesh.errors import AgentNotFound, InvalidMessage
from firemesh.runtime.manager_agent import ManagerAgent
from firemesh.runtime.mesh import Mesh, MeshManager
from firemesh.runtime.scripted_behaviour import scripted_behaviour
from firemesh.runtime.worker_agent import WorkerAgent
from tests.support.meshes import BEAT, QUICK, LocalMesh, in_virtual_time, until


async def managed(local: LocalMesh) -> tuple[Mesh, MeshManager, MeshManager]:
    """A mesh of three managers, seen from the leader and from a follower."""
    leader, follower, _ = await local.managers(3)
    return local.mesh, MeshManager(local.mesh, leader), MeshManager(local.mesh, follower)


@in_virtual_time
async def test_agents_of_both_types_are_added_listed_and_removed() -> None:
    local = await LocalMesh().create()
    mesh = await Mesh.open(local.operator, "m1")
    process = await mesh.process("p1", heartbeat=BEAT, health=QUICK, jitter=random.Random("p1"))
    manager = await mesh.add_agent(process, "m1", AgentType.MANAGER)
    worker = await mesh.add_agent(process, "w1", AgentType.WORKER)
    assert isinstance(manager, ManagerAgent)
    assert isinstance(worker, WorkerAgent)
    assert worker.manager == "leader"
    assert (await mesh.get_agent("w1"))["process"] == "p1"
    assert set((await mesh.topology())["members"]) == {"m1", "w1"}
    await mesh.remove_agent("w1")
    await until(lambda: "w1" not in process.agents)
    assert set((await mesh.topology())["members"]) == {"m1"}
    with pytest.raises(AgentNotFound):
        await mesh.get_agent("w9")
    await process.abandon()


@pytest.mark.parametrize("mesh_id", ["", "M1", "m/1", "-m", "m-", "m" * 41, "m 1", "m1\n"])
def test_a_mesh_id_that_is_none_is_refused_before_anything_is_written(mesh_id: str) -> None:
    @in_virtual_time
    async def check() -> None:
        local = LocalMesh()
        with pytest.raises(InvalidMessage, match="is no mesh id"):
            await Mesh.create(local.operator, mesh_id, machine="counter", setup={})
        assert local.memory.documents() == {}

    check()


@in_virtual_time
async def test_a_mesh_with_nobody_in_it_says_so() -> None:
    local = await LocalMesh().create()
    assert await local.mesh.topology() == {}
    report = await local.mesh.get_status()
    assert (report.leader, report.term, report.members) == ("", 0, {})
    assert any("nobody leads" in warning for warning in report.warnings)


@in_virtual_time
async def test_status_costs_one_read_of_three_documents() -> None:
    local = await LocalMesh().create()
    await local.managers(1)
    before = sum(n for (client, _, what), n in local.memory.counts.items() if (client, what) == ("operator", "reads"))
    await local.mesh.get_status()
    after = sum(n for (client, _, what), n in local.memory.counts.items() if (client, what) == ("operator", "reads"))
    assert after - before == 3
    await local.end()


@in_virtual_time
async def test_every_manager_knows_who_was_elected_and_who_is_in_the_mesh() -> None:
    local = await LocalMesh().create()
    _, leading, following = await managed(local)
    assert await leading.elect_leader() == await following.elect_leader() == "m1"
    assert await leading.update_topology() == {
        "term": 1,
        "leader": "m1",
        "voters": ["m1", "m2", "m3"],
        "members": {"m1": "pm1", "m2": "pm2", "m3": "pm3"},
    }
    await local.end()


@in_virtual_time
async def test_a_hint_that_the_leader_failed_deposes_no_living_leader() -> None:
    local = await LocalMesh().create()
    _, leading, following = await managed(local)
    for _ in range(5):
        following.handle_leader_failure()
        leading.handle_leader_failure()
        await asyncio.sleep(0.3)
    assert (local.stored()[0].leader, local.stored()[0].term) == ("m1", 1)
    await local.end()


@in_virtual_time
async def test_a_manager_has_agents_removed() -> None:
    local = await LocalMesh().create()
    _, _, following = await managed(local)
    await (await local.process("p1")).add_worker("w1")
    await following.manage_agent("w1")
    await until(lambda: local.status_of("w1") == "left")
    await local.end()


@in_virtual_time
async def test_a_command_that_reaches_any_manager_goes_the_way_of_all_commands() -> None:
    local = await LocalMesh().create()
    await local.managers(3)
    worker = await (await local.process("p1")).add_worker("w1")
    m2 = local.processes["pm2"].agents["m2"]
    assert isinstance(m2, ManagerAgent)
    command = Command(agent_id="w1", inc=worker.inc, seq=2, kind="counter.add", payload='{"n":4}')
    await m2.handle_worker_message(command)
    await m2.handle_worker_message(command)
    await until(lambda: local.fields("views/public")["view"] == {"total": 4})
    m2.handle_manager_message(HeadSeen(*(await local.documents.read_head())[:2]))
    await until(lambda: m2.driver.manager.state.replica.machine_state.total == 4)
    assert local.ordered("counter.add") == [command]
    await local.end()


def test_a_machine_without_scripted_players_is_said() -> None:
    with pytest.raises(InvalidMessage, match="'counter'"):
        scripted_behaviour("counter", "w1", seed=1)
