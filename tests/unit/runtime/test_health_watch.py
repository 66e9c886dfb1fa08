"""What a leader makes of silence: suspicion it publishes, death it has ordered, and when it blames itself instead."""

import asyncio
import math
from dataclasses import replace

import pytest

from firemesh.core.health import HealthPolicy
from firemesh.core.params import TEST
from firemesh.runtime.pulse import HeartbeatPolicy
from firemesh.store.base import Put
from tests.support.meshes import QUICK, LocalMesh, in_virtual_time, until

STEADY = HeartbeatPolicy(active_ms=500, idle_ms=500)


LENIENT = HealthPolicy(dead_after_floor_ms=1000, outage_grace_ms=20_000)
"""Grace so long that a death which ignores it stands out."""


async def watched(workers: int = 3, managers: int = 1, policy: HealthPolicy = QUICK) -> LocalMesh:
    """A mesh with one worker per process p1, p2, ... that all beat steadily. The lease outlasts a pause of seconds."""
    local = await LocalMesh(params=replace(TEST, ttl_ms=6000)).create()
    for number in range(1, managers + 1):
        process = await local.process(f"pm{number}", health=policy)
        await local.within(f"pm{number}", process.add_manager(f"m{number}"))
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


# --- grace: each of these fails when the one guard it is about is taken out ------------------------------------------


async def seconds_until_dead(local: LocalMesh, agent: str) -> float:
    before = asyncio.get_running_loop().time()
    await until(lambda: agent in deaths(local), seconds=60)
    return asyncio.get_running_loop().time() - before


@in_virtual_time
async def test_a_new_leader_declares_nobody_dead_within_its_grace() -> None:
    local = await watched(managers=3, policy=LENIENT)
    local.hosts["pm1"].stop()
    local.hosts["p1"].stop()
    await until(local.leader)
    assert await seconds_until_dead(local, "w1") > 18
    await local.end()


@in_virtual_time
async def test_a_leader_that_stood_still_within_its_lease_gives_grace_when_it_wakes() -> None:
    local = await watched(policy=LENIENT)
    await asyncio.sleep(20)
    local.hosts["p1"].stop()
    local.hosts["pm1"].stop()
    await asyncio.sleep(1.5)
    local.hosts["pm1"].go_on()
    assert await seconds_until_dead(local, "w1") > 18
    await local.end()


@in_virtual_time
async def test_a_leader_whose_strong_read_fails_gives_grace_before_it_asks_again() -> None:
    local = await watched(policy=LENIENT)
    await asyncio.sleep(20)
    local.hosts["p1"].stop()
    local.clients["pm1"].faults.latency_seconds = lambda operation: math.inf if operation == "get" else 0.004
    await until(lambda: health(local)["p1"] == "suspect")
    await asyncio.sleep(4)
    assert deaths(local) == []
    local.clients["pm1"].faults.latency_seconds = lambda _: 0.004
    assert await seconds_until_dead(local, "w1") > 14
    assert local.stored()[0].term == 1
    await local.end()


@in_virtual_time
async def test_the_death_of_many_at_once_is_declared_one_window_later() -> None:
    waits = {}
    for silent in (["p1"], ["p1", "p2", "p3"]):
        local = await watched(policy=HealthPolicy(dead_after_floor_ms=5000, outage_grace_ms=1500))
        await asyncio.sleep(5)
        for name in silent:
            local.hosts[name].stop()
        waits[len(silent)] = await seconds_until_dead(local, "w1")
        await local.end()
    assert waits[1] < 7
    assert waits[3] > 9


@in_virtual_time
async def test_a_leader_that_runs_late_all_the_time_waits_longer() -> None:
    local = await watched(policy=HealthPolicy(dead_after_floor_ms=1000, outage_grace_ms=0))

    async def hamper() -> None:
        while True:
            local.hosts["pm1"].stop()
            await asyncio.sleep(0.7)
            local.hosts["pm1"].go_on()
            await asyncio.sleep(0.1)

    hampering = asyncio.create_task(hamper())
    await asyncio.sleep(12)
    local.hosts["p1"].stop()
    assert await seconds_until_dead(local, "w1") > 8
    hampering.cancel()
    await local.end()


# --- runs -----------------------------------------------------------------------------------------------------------


@in_virtual_time
async def test_an_earlier_run_of_the_leaders_own_process_is_judged_like_any_other() -> None:
    local = await LocalMesh().create()
    first = await local.process("host-a")
    for agent in ("m1", "m2", "w1"):
        await (first.add_worker(agent) if agent == "w1" else first.add_manager(agent))
    await first.abandon()
    await asyncio.sleep(3)
    again = await local.process("host-a")
    await again.add_manager("m1")
    await until(lambda: sorted(deaths(local)) == ["m1", "m2", "w1"])
    await until(lambda: local.stored()[0].voters.managers == ("m1",))
    assert local.status_of("m1") == "alive"
    await local.end()


@in_virtual_time
async def test_the_sign_of_life_of_a_dead_run_is_cleared_away_and_no_others() -> None:
    local = await watched()
    await local.processes["p1"].abandon()
    await until(lambda: "p1" not in local.all_of("liveness"), seconds=20)
    assert deaths(local) == ["w1"]
    local.hosts["p2"].stop()
    await until(lambda: local.status_of("w2") == "dead", seconds=20)
    local.hosts["p2"].go_on()
    await until(lambda: local.status_of("w2") == "alive", seconds=20)
    await asyncio.sleep(20)
    assert set(local.all_of("liveness")) == {"pm1", "p2", "p3"}
    await local.end()


@in_virtual_time
async def test_signs_of_life_that_killed_processes_left_make_room_for_the_living() -> None:
    local = await LocalMesh().create()
    for number in range(64):
        beat = {"process": f"a{number:02}", "inc": f"{number:012x}", "seq": 1, "interval_ms": 500, "agents": {}}
        await local.operator.commit([Put(f"meshes/m1/liveness/a{number:02}", beat)])
    await local.managers(1)
    await until(lambda: len(local.all_of("liveness")) == 1, seconds=60)
    await local.end()
