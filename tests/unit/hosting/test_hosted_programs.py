"""Seats of programs in a mesh that functions host: they play at once, at the cost of their entries, whoever leads."""

import asyncio

import pytest

from firemesh.core.effects import ManagerRole
from firemesh.core.params import DEFAULT
from firemesh.hosting.hosted_mesh import SHARED_MANAGER
from firemesh.ids import is_program
from firemesh.runtime.scripted_behaviour import scripted_behaviour
from tests.support.hosted import HostedLocalMesh
from tests.support.meshes import in_virtual_time, until

DURATIONS_MS = {"reveal": 1000, "night": 10_000, "dawn": 1000, "discussion": 10_000, "ballot": 10_000, "dusk": 1000}


def table(people: int, programs: int, *, instances: int = 1) -> HostedLocalMesh:
    setup = {"seats": people + programs, "programs": programs, "seed": 3, "durations_ms": DURATIONS_MS}
    return HostedLocalMesh("mafia", setup, DEFAULT, instances=instances)


async def seat_person(mesh: HostedLocalMesh, name: str = "w1") -> None:
    process = await mesh.process(f"p-{name}")
    await process.add_worker(name, scripted_behaviour("mafia", name, seed=7, number=1))


def phase(mesh: HostedLocalMesh) -> str:
    return str(mesh.fields("views/public").get("view", {}).get("phase", ""))


def moves(mesh: HostedLocalMesh) -> int:
    return sum(is_program(each.agent_id) for entry in mesh.stored()[1] for each in entry.batch)


@pytest.mark.parametrize("instances", [1, 3])
def test_a_person_plays_a_whole_game_among_programs(instances: int) -> None:
    @in_virtual_time
    async def play() -> None:
        mesh = table(2, 5, instances=instances)
        await mesh.create()
        await seat_person(mesh, "w1")
        assert sum(seat.get("program", False) for seat in mesh.fields("views/public")["view"]["seats"]) == 5
        await seat_person(mesh, "w2")
        await until(lambda: phase(mesh) == "over", seconds=1200, every=0.5)
        await mesh.settle()
        assert moves(mesh) > 0
        assert mesh.all_of("refused") == mesh.all_of("inbox") == {}
        assert {name for name in mesh.all_of("views") if "@" in name} == set(), "nobody reads what a program sees"
        assert set(mesh.all_of("agents")) == {"w1", "w2"}, "a program is no member"
        await mesh.end()

    play()


@in_virtual_time
async def test_a_game_of_twelve_programs_costs_two_reads_a_wake_and_what_its_entries_change() -> None:
    mesh = table(0, 12)
    await mesh.create()
    await mesh.functions[0].activate("m1")
    await until(lambda: phase(mesh) == "over", seconds=1200, every=0.5)
    await mesh.settle()
    billed, entries = mesh.billed(), mesh.stored()[0].last_index
    print(f"{entries} entries, {mesh.activations + 1} activations: {dict(billed)}")
    assert billed["reads"] <= 2 * mesh.activations + 4
    assert billed["writes"] <= 3 * entries + 5
    assert billed["deletes"] == 0
    await mesh.end()


@in_virtual_time
async def test_a_manager_process_plays_the_programs_while_it_leads_and_the_functions_when_it_is_gone() -> None:
    mesh = table(1, 6)
    await mesh.create()
    await seat_person(mesh)
    process = await mesh.process("pm1")
    manager = await mesh.within("pm1", process.add_manager("m1"))
    await until(lambda: manager.role is ManagerRole.LEADER, seconds=5)
    before = moves(mesh)
    await until(lambda: moves(mesh) > before, seconds=30, every=0.1)
    assert mesh.fields("consensus/head")["leader"] == "m1"
    mesh.clients["pm1"].disconnect()
    await process.abandon()
    await until(lambda: phase(mesh) == "over", seconds=1200, every=0.5)
    assert mesh.fields("consensus/head")["leader"] == SHARED_MANAGER
    await mesh.end()


@in_virtual_time
async def test_the_schedule_makes_good_lost_wakes() -> None:
    mesh = table(1, 6)
    await mesh.create()
    mesh.wakes_kept = False
    await seat_person(mesh)
    for _ in range(500):
        if phase(mesh) == "over":
            break
        await asyncio.sleep(4)
        await mesh.functions[0].rearm_all()
    assert phase(mesh) == "over"
    assert moves(mesh) > 0
    await mesh.end()
