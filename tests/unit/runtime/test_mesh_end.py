"""How a running mesh comes to its end: drained, closed, deleted under its agents; and how leadership goes over by order."""

import asyncio

import pytest

from firemesh.core.messages import MeshStatus
from firemesh.errors import AgentNotFound, InvalidMessage, MeshClosed, MeshDraining, MeshNotClosed, MeshNotFound
from firemesh.runtime.mesh import Mesh
from tests.support.meshes import LocalMesh, in_virtual_time, until


async def running() -> LocalMesh:
    """A mesh of two managers and a worker."""
    local = await LocalMesh().create()
    await local.managers(2)
    process = await local.process("pw")
    await local.within("pw", process.add_worker("w1"))
    return local


async def closed(local: LocalMesh) -> None:
    await local.mesh.close()
    await until(lambda: local.stored()[0].closed)


@in_virtual_time
async def test_a_draining_mesh_tells_newcomers_so_and_keeps_who_is_in_it() -> None:
    local = await running()
    await local.mesh.drain()
    await until(lambda: local.stored()[0].status is MeshStatus.DRAINING)
    late = await local.process("late")
    with pytest.raises(MeshDraining, match="MESH_DRAINING"):
        await local.within("late", late.add_worker("w2"))
    assert local.status_of("w1") == "alive"
    assert (await local.mesh.get_status()).status is MeshStatus.DRAINING
    await local.end()


@in_virtual_time
async def test_a_closed_mesh_lets_every_process_go() -> None:
    local = await running()
    ended = [asyncio.create_task(process.run_until_ended()) for process in local.processes.values()]
    await closed(local)
    await asyncio.wait_for(asyncio.gather(*ended), 30)
    assert {row["status"] for row in local.all_of("agents").values()} == {"left"}
    report = await local.mesh.get_status()
    assert (report.status, report.leader, report.members, report.warnings) == (MeshStatus.CLOSED, "", {}, ())
    await local.end()


@in_virtual_time
async def test_nobody_leads_a_closed_mesh_however_long_one_waits() -> None:
    local = await running()
    local.clients["pm2"].disconnect()  # it does not hear of the end
    await closed(local)
    term = local.stored()[0].term
    local.clients["pm2"].reconnect()
    await asyncio.sleep(60)
    assert (local.stored()[0].term, local.stored()[0].leader) == (term, "")
    await local.end()


@in_virtual_time
async def test_no_process_opens_a_closed_mesh_and_it_takes_no_orders() -> None:
    local = await running()
    await closed(local)
    with pytest.raises(MeshClosed):
        await local.process("late")
    for order in (local.mesh.drain, local.mesh.close):
        with pytest.raises(MeshClosed):
            await order()
    await local.end()


@in_virtual_time
async def test_an_order_given_while_nobody_leads_is_carried_out_by_the_next_leader() -> None:
    local = await LocalMesh().create()
    await local.mesh.drain()
    await local.managers(1)
    await until(lambda: local.stored()[0].status is MeshStatus.DRAINING)
    await local.end()


@in_virtual_time
async def test_leadership_goes_where_the_operator_wants_it() -> None:
    local = await running()
    await local.mesh.transfer_leadership("m2")
    await until(lambda: local.stored()[0].leader == "m2")
    assert local.stored()[0].term == 2
    await local.end()


@in_virtual_time
async def test_leadership_is_ordered_to_nobody_but_a_living_manager() -> None:
    local = await running()
    with pytest.raises(InvalidMessage, match="not a manager"):
        await local.mesh.transfer_leadership("w1")
    with pytest.raises(AgentNotFound):
        await local.mesh.transfer_leadership("m9")
    assert local.all_of("inbox") == {}
    await local.end()


# --- deletion -------------------------------------------------------------------------------------------------------


@in_virtual_time
async def test_a_mesh_in_use_is_not_deleted_and_goes_on() -> None:
    local = await running()
    with pytest.raises(MeshNotClosed):
        await local.mesh.delete()
    await local.mesh.drain()
    await until(lambda: local.stored()[0].status is MeshStatus.DRAINING)
    await local.end()


@in_virtual_time
async def test_a_mesh_deleted_by_force_under_its_agents_is_not_written_back_by_them() -> None:
    local = await running()
    ended = [asyncio.create_task(process.run_until_ended()) for process in local.processes.values()]
    while not (await local.mesh.delete(force=True)).done:
        pass
    await asyncio.wait_for(asyncio.gather(*ended, return_exceptions=True), 60)
    await asyncio.sleep(60)
    left = [path for path in local.memory.documents() if "/liveness/" not in path]
    assert left == []
    for process in local.processes.values():
        await process.abandon()


@in_virtual_time
async def test_a_manager_that_slept_through_it_all_does_not_touch_a_later_mesh_of_the_same_name() -> None:
    local = await running()
    local.hosts["pm2"].stop()
    while not (await local.mesh.delete(force=True)).done:
        pass
    await asyncio.sleep(30)
    later = await Mesh.create(local.operator, "m1", machine="counter", setup={})
    before = local.stored()[0]
    local.hosts["pm2"].go_on()
    await asyncio.sleep(60)
    assert local.stored()[0] == before
    assert (await later.get_status()).leader == ""
    for process in local.processes.values():
        await process.abandon()


@in_virtual_time
async def test_orders_to_a_mesh_that_does_not_exist_are_refused() -> None:
    local = LocalMesh()
    for work in (local.mesh.close, local.mesh.drain, local.mesh.delete):
        with pytest.raises(MeshNotFound):
            await work()
