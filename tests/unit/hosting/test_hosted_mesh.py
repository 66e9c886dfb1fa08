"""A mesh lives with no manager process: activations join, order, judge, hand over, and do no harm."""

import asyncio

import pytest

from firemesh.core.effects import ManagerRole
from firemesh.core.params import DEFAULT
from firemesh.hosting.hosted_mesh import SHARED_MANAGER
from firemesh.runtime.pulse import HeartbeatPolicy
from firemesh.runtime.scripted_behaviour import scripted_behaviour
from firemesh.store.base import Delete
from firemesh.store.memory import Faults, late
from firemesh.store.mesh_store import Hosting
from tests.support.hosted import HostedLocalMesh
from tests.support.meshes import in_virtual_time, store_now_ns, until

MAFIA = {
    "seats": 5,
    "seed": 7,
    "durations_ms": {
        "lobby": 60_000,
        "reveal": 1000,
        "night": 5000,
        "dawn": 1000,
        "discussion": 5000,
        "ballot": 6000,
        "revote": 4000,
        "dusk": 1000,
    },
    "night_floor_ms": 1000,
}


async def seat_players(mesh: HostedLocalMesh, count: int) -> None:
    for number in range(count):
        process = await mesh.process(f"p{number}")
        player = scripted_behaviour("mafia", f"a{number}", seed=7, number=number, pace=0.1)
        await process.add_worker(f"a{number}", player)


@pytest.mark.parametrize("instances", [1, 3])
def test_a_whole_game_is_played_with_no_manager_process(instances: int) -> None:
    @in_virtual_time
    async def play() -> None:
        mesh = HostedLocalMesh("mafia", MAFIA, instances=instances)
        await mesh.create()
        await seat_players(mesh, 5)
        await until(lambda: mesh.fields("views/public").get("view", {}).get("phase") == "over", seconds=600)
        await mesh.settle()
        head, _, _ = mesh.stored()
        assert (head.leader, head.term) == (SHARED_MANAGER, 1)
        assert mesh.all_of("inbox") == {}
        assert mesh.all_of("refused") == {}
        await mesh.end()

    play()


@in_virtual_time
async def test_nothing_runs_between_two_commands() -> None:
    mesh = HostedLocalMesh()
    await mesh.create()
    worker = await (await mesh.process("p1")).add_worker("w1")
    await worker.send_to_manager("counter.add", {"n": 1})
    await until(lambda: mesh.ordered("counter.add"))
    await mesh.settle()
    activations = mesh.activations
    await asyncio.sleep(5)
    assert mesh.activations == activations
    await mesh.end()


@in_virtual_time
async def test_an_idle_hour_costs_less_than_300_billed_operations() -> None:
    """Three processes of four workers each are there and say nothing; the schedule comes by every ten minutes."""
    mesh = HostedLocalMesh(params=DEFAULT)
    await mesh.create()
    for number in range(3):
        process = await mesh.process(f"p{number}", heartbeat=HeartbeatPolicy())
        for seat in range(4):
            await process.add_worker(f"a{number}-{seat}")
    await asyncio.sleep(600)
    before = mesh.billed()
    for _ in range(6):
        await asyncio.sleep(600)
        assert await mesh.functions[0].rearm_all() == 1
    spent = mesh.billed() - before
    print(dict(spent))
    assert sum(spent.values()) < 300
    assert all(row["status"] == "alive" for row in mesh.all_of("agents").values())
    await mesh.end()


@in_virtual_time
async def test_a_mesh_with_nobody_in_it_is_not_woken_again() -> None:
    mesh = HostedLocalMesh()
    await mesh.create()
    await mesh.functions[0].activate("m1")
    assert mesh.asked == {}
    await mesh.end()


@in_virtual_time
async def test_five_wakes_at_once_late_or_early_change_nothing() -> None:
    mesh = HostedLocalMesh("mafia", MAFIA, instances=5)
    await mesh.create()
    await seat_players(mesh, 2)
    await until(lambda: len(mesh.ordered("mafia.sit")) == 2)
    await mesh.settle()
    before = mesh.fields("consensus/head")
    await asyncio.gather(*(function.activate("m1") for function in mesh.functions))
    assert mesh.fields("consensus/head") == before
    mesh.wakes_kept = False  # nobody comes when the lobby ends, and then five at once
    await asyncio.sleep(70)
    await asyncio.gather(*(function.activate("m1") for function in mesh.functions))
    await mesh.settle()
    passed = [command.payload for command in mesh.ordered("mesh.deadline")]
    assert len(passed) == len(set(passed)) == 2  # the beginning, and the end of the lobby
    await mesh.end()


@in_virtual_time
async def test_a_deadline_is_asked_for_before_the_commit_that_brings_it_about() -> None:
    mesh = HostedLocalMesh("mafia", MAFIA)
    await mesh.create()
    slow = Faults(latency_seconds=lambda _: 0.004, commit_fate=lambda _: late(1.0))
    client = mesh.memory.client("dying", slow)
    lobby_ends = store_now_ns() // 1_000_000 + 60_000
    dying = type(mesh.functions[0])(client, mesh)
    mesh.functions = [dying]
    joining = asyncio.create_task(seat_players(mesh, 1))
    await until(lambda: any(abs(due - lobby_ends) < 5000 for due in mesh.asked))
    assert mesh.ordered("mesh.deadline") == []
    joining.cancel()
    await asyncio.gather(joining, return_exceptions=True)
    mesh.functions = [mesh.instance("healthy")]
    await mesh.end()


@in_virtual_time
async def test_a_silent_agent_is_found_dead_with_no_manager_process() -> None:
    mesh = HostedLocalMesh()
    await mesh.create()
    await (await mesh.process("p1")).add_worker("w1")
    await (await mesh.process("p2")).add_worker("w2")
    mesh.clients["p1"].disconnect()
    await mesh.processes["p1"].abandon()
    await until(lambda: mesh.status_of("w1") == "dead", seconds=60)
    assert mesh.status_of("w2") == "alive"
    await mesh.end()


@in_virtual_time
async def test_an_agent_that_never_showed_a_sign_of_life_is_found_dead() -> None:
    mesh = HostedLocalMesh()
    await mesh.create()
    process = await mesh.process("p1")
    await process.add_worker("w1")
    mesh.clients["p1"].disconnect()
    await process.abandon()
    await mesh.operator.commit([Delete("meshes/m1/liveness/p1")])
    await until(lambda: mesh.status_of("w1") == "dead", seconds=60)
    await mesh.end()


@in_virtual_time
async def test_a_command_whose_trigger_is_lost_waits_for_the_schedule() -> None:
    mesh = HostedLocalMesh()
    await mesh.create()
    worker = await (await mesh.process("p1")).add_worker("w1")
    mesh.triggers = False
    await worker.send_to_manager("counter.add", {"n": 1})
    assert await mesh.functions[0].rearm_all() == 1
    assert mesh.ordered("counter.add")
    await mesh.end()


@in_virtual_time
async def test_an_activation_that_fails_has_the_mesh_woken_again() -> None:
    mesh = HostedLocalMesh()
    await mesh.create()
    worker = await (await mesh.process("p1")).add_worker("w1")
    client = mesh.memory.client("cut off")
    client.disconnect()
    healthy = mesh.functions
    mesh.functions = [type(healthy[0])(client, mesh)]
    await worker.send_to_manager("counter.add", {"n": 1})
    await until(lambda: not mesh._running and mesh.asked)
    mesh.functions = healthy
    await until(lambda: mesh.ordered("counter.add"))
    await mesh.end()


@in_virtual_time
async def test_a_mesh_of_processes_is_left_alone() -> None:
    mesh = HostedLocalMesh(hosting=Hosting.PROCESSES)
    await mesh.create()
    await mesh.functions[0].activate("m1")
    await mesh.functions[0].activate("m1")
    assert mesh.billed() == {"reads": 1}
    assert mesh.fields("consensus/head")["leader"] == ""
    await mesh.end()


@in_virtual_time
async def test_a_mesh_that_was_deleted_is_no_error() -> None:
    mesh = HostedLocalMesh()
    await mesh.create()
    await mesh.functions[0].activate("m1")
    await mesh.operator.commit([Delete("meshes/m1"), Delete("meshes/m1/consensus/head")])
    await mesh.functions[0].activate("m1")
    await mesh.functions[0].activate("m1")


@in_virtual_time
async def test_the_hosted_manager_carries_on_when_all_manager_processes_are_killed() -> None:
    mesh = HostedLocalMesh(params=DEFAULT)
    await mesh.create()
    await mesh.managers(3)
    worker = await (await mesh.process("p1")).add_worker("w1")
    await mesh.settle()
    assert mesh.fields("consensus/head")["leader"] in ("m1", "m2", "m3")
    await kill_managers(mesh)
    await worker.send_to_manager("counter.add", {"n": 1})
    await until(lambda: mesh.ordered("counter.add"), seconds=40)
    assert mesh.fields("consensus/head")["leader"] == SHARED_MANAGER
    await until(lambda: {mesh.status_of(f"m{n}") for n in (1, 2, 3)} == {"dead"}, seconds=1)
    await worker.send_to_manager("counter.add", {"n": 1})
    await until(lambda: len(mesh.ordered("counter.add")) == 2, seconds=1)
    await mesh.end()


@in_virtual_time
async def test_a_manager_process_that_comes_takes_the_lead_by_transfer() -> None:
    mesh = HostedLocalMesh(params=DEFAULT)
    await mesh.create()
    worker = await (await mesh.process("p1")).add_worker("w1")
    await mesh.settle()
    term = mesh.fields("consensus/head")["term"]
    process = await mesh.process("pm1")
    manager = await mesh.within("pm1", process.add_manager("m1"))
    await until(lambda: manager.role is ManagerRole.LEADER, seconds=3)
    assert mesh.fields("consensus/head")["term"] == term + 1
    await worker.send_to_manager("counter.add", {"n": 1})
    await until(lambda: mesh.ordered("counter.add"), seconds=3)
    assert mesh.fields("consensus/head")["leader"] == "m1"
    await mesh.end()


async def kill_managers(mesh: HostedLocalMesh) -> None:
    for name in ("pm1", "pm2", "pm3"):
        mesh.clients[name].disconnect()
        await mesh.processes[name].abandon()


@pytest.mark.parametrize("instances", [1, 3])
def test_a_mesh_without_a_process_closes_by_order_and_is_at_rest_from_then_on(instances: int) -> None:
    @in_virtual_time
    async def close() -> None:
        mesh = HostedLocalMesh("mafia", MAFIA, instances=instances)
        await mesh.create()
        await seat_players(mesh, 2)
        await mesh.mesh.close()
        await until(lambda: mesh.stored()[0].closed)
        assert {row["status"] for row in mesh.all_of("agents").values()} == {"left"}
        await asyncio.sleep(120)  # the lobby's deadline is over by then
        await mesh.settle()
        head, activations = mesh.stored()[0], mesh.activations
        await asyncio.sleep(3600)
        assert (mesh.stored()[0], mesh.activations) == (head, activations)
        assert (await mesh.mesh.delete()).done
        await asyncio.sleep(60)
        assert mesh.all_of("log") == {}
        for process in mesh.processes.values():
            await process.abandon()

    close()
