"""What a leader makes of silence: suspicion it publishes, death it has ordered, and when it blames itself instead."""

import asyncio

import pytest

from firemesh.runtime.process import HeartbeatPolicy
from firemesh.store.base import Put
from tests.support.meshes import LocalMesh, in_virtual_time, until

STEADY = HeartbeatPolicy(active_ms=500, idle_ms=500)


async def watched(workers: int = 3, managers: int = 1) -> LocalMesh:
    """A mesh with one worker per process p1, p2, ... that all beat steadily."""
    local = await LocalMesh().create()
    await local.managers(managers)
    for number in range(1, workers + 1):
        process = await local.process(f"p{number}", heartbeat=STEADY)
        await local.within(f"p{number}", process.add_worker(f"w{number}"))
    await asyncio.sleep(5)
    return local


def health(local: LocalMesh) -> dict[str, str]:
    return dict(local.fields("views/health")["processes"])


def deaths(local: LocalMesh) -> list[str]:
    return [command.body["agent"] for command in local.ordered("mesh.member_dead")]


def beats_written(local: LocalMesh) -> int:
    return sum(n for (_, kind, what), n in local.memory.counts.items() if (kind, what) == ("liveness", "writes"))


@in_virtual_time
async def test_suspicion_is_published_and_taken_back_by_a_sign_of_life() -> None:
    local = await watched()
    local.hosts["p1"].stop()
    await until(lambda: health(local) == {"p1": "suspect", "p2": "healthy", "p3": "healthy"}, seconds=4)
    local.hosts["p1"].go_on()
    await until(lambda: health(local)["p1"] == "healthy", seconds=2)
    await asyncio.sleep(10)
    assert deaths(local) == []
    await local.end()


@in_virtual_time
async def test_health_costs_no_write_of_its_own() -> None:
    local = await watched()
    local.hosts["p1"].stop()
    await until(lambda: health(local)["p1"] == "suspect")
    heads = local.memory.counts[("pm1", "head", "writes")]
    entries = local.stored()[0].last_index
    await asyncio.sleep(0.25)
    assert local.memory.counts[("pm1", "head", "writes")] - heads <= 1
    assert local.stored()[0].last_index == entries
    await local.end()


@in_virtual_time
async def test_a_steady_mesh_costs_the_leader_one_read_per_sign_of_life_and_none_to_confirm() -> None:
    local = await watched()
    reads, beats = local.memory.counts[("pm1", "liveness", "reads")], beats_written(local)
    await asyncio.sleep(20)
    read, beaten = local.memory.counts[("pm1", "liveness", "reads")] - reads, beats_written(local) - beats
    assert beaten > 100
    assert abs(read - beaten) <= 4  # those on their way at either end
    assert deaths(local) == []
    await local.end()


@in_virtual_time
async def test_death_is_ordered_once_per_agent() -> None:
    local = await watched()
    await local.processes["p1"].add_worker("w1b")
    await local.processes["p1"].abandon()
    await until(lambda: len(deaths(local)) == 2)
    await asyncio.sleep(20)
    assert sorted(deaths(local)) == ["w1", "w1b"]
    assert set(health(local)) == {"p2", "p3"}
    await local.end()


@in_virtual_time
async def test_an_outage_for_all_kills_nobody() -> None:
    local = await watched(managers=3)
    for client in local.clients.values():
        client.disconnect()
    await asyncio.sleep(30)
    for client in local.clients.values():
        client.reconnect()
    await until(local.leader)
    await asyncio.sleep(20)
    assert deaths(local) == []
    assert set(health(local).values()) == {"healthy"}
    await local.end()


@in_virtual_time
async def test_a_leader_that_was_cut_off_for_a_moment_blames_nobody() -> None:
    local = await watched()
    local.clients["pm1"].disconnect()
    await asyncio.sleep(30)
    local.clients["pm1"].reconnect()
    await until(local.leader)
    await asyncio.sleep(20)
    assert deaths(local) == []
    await local.end()


@in_virtual_time
async def test_a_leader_that_stood_still_within_its_lease_blames_nobody() -> None:
    local = await watched()
    for _ in range(10):
        local.hosts["pm1"].stop()
        await asyncio.sleep(0.9)
        local.hosts["pm1"].go_on()
        await asyncio.sleep(1)
    assert deaths(local) == []
    await local.end()


@in_virtual_time
async def test_a_leader_whose_listener_is_dead_reads_before_it_judges_and_not_more_than_once_a_second() -> None:
    local = await watched()
    local.clients["pm1"].silence_watches()
    reads = local.memory.counts[("pm1", "liveness", "reads")]
    await asyncio.sleep(30)
    assert deaths(local) == []
    assert local.memory.counts[("pm1", "liveness", "reads")] - reads <= 3 * 30
    await local.end()


@pytest.mark.parametrize("broken", [{}, {"process": "p1", "inc": "zzz"}, {"process": "p2"}], ids=["empty", "bad", "other"])
def test_a_process_that_writes_nonsense_looks_silent_and_nobody_else_does(broken: dict[str, str]) -> None:
    @in_virtual_time
    async def check() -> None:
        local = await watched()
        local.hosts["p1"].stop()
        await asyncio.sleep(0.1)
        await local.operator.commit([Put("meshes/m1/liveness/p1", broken)])
        await until(lambda: deaths(local) == ["w1"])
        await asyncio.sleep(10)
        assert deaths(local) == ["w1"]
        await local.end()

    check()


@in_virtual_time
async def test_a_new_leader_gives_everybody_time_to_show_themselves() -> None:
    local = await watched(managers=3)
    local.hosts["pm1"].stop()
    await until(local.leader)
    assert deaths(local) == []
    await until(lambda: deaths(local) == ["m1"])
    await asyncio.sleep(10)
    assert deaths(local) == ["m1"]
    await local.end()


@in_virtual_time
async def test_a_process_that_runs_under_a_new_incarnation_leaves_the_old_one_dead() -> None:
    local = await watched()
    await local.processes["p1"].abandon()
    again = await local.process("p1", heartbeat=STEADY)
    await again.add_worker("w9")
    await until(lambda: deaths(local) == ["w1"])
    await asyncio.sleep(10)
    assert local.status_of("w9") == "alive"
    assert deaths(local) == ["w1"]
    await local.end()
