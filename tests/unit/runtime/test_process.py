"""One process, one sign of life: at an interval that follows what its agents do."""

import asyncio

import pytest

from firemesh.core.health import Beat
from firemesh.errors import InvalidMessage, InvalidParameters, PermissionDenied
from firemesh.runtime.admission import Admission, client_process
from firemesh.runtime.process import AgentProcess
from firemesh.runtime.pulse import HeartbeatPolicy
from firemesh.store.memory import LOST, CommitFate
from firemesh.store.mesh_store import MeshStore, parse_beat
from firemesh_cli.bench.virtual_time import Process
from tests.support.meshes import BEAT, LocalMesh, in_virtual_time, until

POLICY = HeartbeatPolicy(active_ms=500, idle_ms=10_000, idle_after_ms=5000)


def beat(local: LocalMesh, process: str = "p1") -> Beat:
    found = parse_beat(local.memory.documents()[f"meshes/m1/liveness/{process}"])
    assert found is not None
    return found


@in_virtual_time
async def test_all_agents_of_a_process_share_one_sign_of_life() -> None:
    local = await LocalMesh().create()
    await local.managers(1)
    process = await local.process("p1", heartbeat=POLICY)
    await process.add_worker("w1")
    await process.add_manager("m2")
    await until(lambda: beat(local).agents == {"w1": "running", "m2": "running"}, seconds=0.1)
    assert beat(local).run == f"p1~{process.inc}"
    await until(lambda: beat(local).applied.get("m2") == local.stored()[0].last_index)
    await local.end()


@in_virtual_time
async def test_a_busy_process_beats_at_the_active_interval_one_write_each() -> None:
    local = await LocalMesh().create()
    await local.managers(1)
    worker = await (await local.process("p1", heartbeat=POLICY)).add_worker("w1")
    await asyncio.sleep(1)
    before = local.memory.counts[("p1", "liveness", "writes")], local.memory.counts[("p1", "liveness", "reads")]
    for _ in range(10):
        await worker.send_to_manager("counter.add", {"n": 1})
        await asyncio.sleep(1)
    written = local.memory.counts[("p1", "liveness", "writes")] - before[0]
    assert 19 <= written <= 20
    assert local.memory.counts[("p1", "liveness", "reads")] == before[1]
    await local.end()


@in_virtual_time
async def test_an_idle_process_slows_down_and_says_so_and_is_not_suspected() -> None:
    local = await LocalMesh().create()
    await local.managers(1)
    await (await local.process("p1", heartbeat=POLICY)).add_worker("w1")
    await until(lambda: beat(local).interval_ms == 10_000)
    before = local.memory.counts[("p1", "liveness", "writes")]
    await asyncio.sleep(100)
    assert 9 <= local.memory.counts[("p1", "liveness", "writes")] - before <= 10
    assert local.fields("views/health")["processes"] == {"p1": "healthy"}
    assert local.status_of("w1") == "alive"
    await local.end()


@in_virtual_time
async def test_a_process_of_workers_that_is_idle_for_long_falls_asleep_and_is_not_suspected() -> None:
    local = await LocalMesh().create()
    await local.managers(1)
    process = await local.process("p1", heartbeat=POLICY)
    await process.add_worker("w1")
    await until(lambda: beat(local).interval_ms == 120_000, seconds=400)
    await asyncio.sleep(1000)
    assert local.fields("views/health")["processes"] == {"p1": "healthy"}
    assert local.fields("liveness/pm1")["interval_ms"] == BEAT.idle_ms
    await local.end()


@in_virtual_time
async def test_an_idle_process_that_wakes_announces_the_shorter_interval_at_once() -> None:
    local = await LocalMesh().create()
    await local.managers(1)
    worker = await (await local.process("p1", heartbeat=POLICY)).add_worker("w1")
    await until(lambda: beat(local).interval_ms == 10_000)
    await asyncio.sleep(5)
    await worker.send_to_manager("counter.add", {"n": 1})
    await until(lambda: beat(local).interval_ms == 500, seconds=0.1)
    await local.end()


@in_virtual_time
async def test_a_process_that_runs_late_says_so_and_recovers() -> None:
    local = await LocalMesh().create()
    await local.managers(1)
    process = await local.process("p1", heartbeat=HeartbeatPolicy(active_ms=500, idle_ms=500))
    await local.within("p1", process.add_worker("w1"))
    assert beat(local).lateness == 0
    local.hosts["p1"].stop()
    await asyncio.sleep(1.6)
    local.hosts["p1"].go_on()
    await until(lambda: beat(local).lateness == 1, seconds=1)
    await until(lambda: beat(local).lateness == 0, seconds=2)
    await local.end()


@in_virtual_time
async def test_an_agent_that_does_not_turn_any_more_is_shown_as_late_and_the_others_are_not() -> None:
    local = await LocalMesh().create()
    await local.managers(1)
    process = await local.process("p1", heartbeat=POLICY)
    await process.add_worker("w1")
    await Process("a part of p1").run(process.add_worker("w2"))
    stuck = Process("another part of p1")
    await stuck.run(process.add_worker("w3"))
    assert set(beat(local).agents.values()) == {"running"}
    stuck.stop()
    await until(lambda: beat(local).agents == {"w1": "running", "w2": "running", "w3": "late"}, seconds=1.5)
    assert beat(local).lateness == 0
    stuck.go_on()
    await until(lambda: set(beat(local).agents.values()) == {"running"}, seconds=0.5)
    await asyncio.sleep(20)
    assert set(beat(local).agents.values()) == {"running"}
    assert local.status_of("w3") == "alive"
    await local.end()


@in_virtual_time
async def test_a_process_that_stood_still_does_not_call_its_agents_late() -> None:
    local = await LocalMesh().create()
    await local.managers(1)
    process = await local.process("p1", heartbeat=HeartbeatPolicy(active_ms=500, idle_ms=500))
    await local.within("p1", process.add_worker("w1"))
    seen = set()
    for _ in range(3):
        local.hosts["p1"].stop()
        await asyncio.sleep(1.4)
        local.hosts["p1"].go_on()
        for _ in range(100):
            await asyncio.sleep(0.01)
            seen |= set(beat(local).agents.values())
    assert seen == {"running"}
    await local.end()


@in_virtual_time
async def test_a_sign_of_life_that_is_lost_does_not_stop_the_next() -> None:
    local = await LocalMesh().create()
    await local.managers(1)
    await (await local.process("p1", heartbeat=POLICY)).add_worker("w1")
    fates: list[CommitFate] = [LOST, LOST]
    before = beat(local).seq
    local.clients["p1"].faults.commit_fate = lambda _: fates.pop() if fates else CommitFate()
    await until(lambda: beat(local).seq >= before + 3)
    assert fates == []
    await local.end()


@in_virtual_time
async def test_a_process_with_server_credentials_does_not_take_the_name_of_a_clients_process() -> None:
    local = await LocalMesh().create()
    for name in ("client-w1", "client-"):
        with pytest.raises(InvalidParameters, match="for API keys"):
            await local.process(name)
    await local.process("clients")
    await local.process("p" * 47)
    await local.end()


@in_virtual_time
async def test_a_process_admitted_for_one_agent_runs_no_other_and_no_manager() -> None:
    local = await LocalMesh().create()
    await local.managers(1)
    told = {"mesh": "m1", "agent": "w1", "type": "worker", "access_role": "worker", "process": client_process("w1")}
    admission = Admission(**told, inc="1" * 12, machine="counter", params=local.record.params, custom_token="", session="")
    process = AgentProcess.admitted(MeshStore(local.memory.client("w1"), "m1"), admission)
    with pytest.raises(PermissionDenied, match="server credentials"):
        await process.add_manager("w1")
    with pytest.raises(InvalidMessage, match="agent 'w1' alone"):
        await process.add_worker("w2")
    await process.add_worker("w1")
    assert (local.fields("agents/w1")["inc"], local.fields("agents/w1")["process"]) == ("1" * 12, "client-w1")
    await process.stop()
    await local.end()


@pytest.mark.parametrize(
    "wrong",
    [{"active_ms": 249}, {"active_ms": 3000, "idle_ms": 2000}, {"asleep_ms": 300_001}, {"agent_ms": 9}, {"agent_late_ms": 250}],
    ids=["fast", "order", "slow", "inner fast", "inner order"],
)
def test_an_impossible_rhythm_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidParameters, match="heartbeat"):
        HeartbeatPolicy(**wrong)


@pytest.mark.parametrize("active_ms, idle_ms", [(250, 10_000), (2000, 10_000), (60_000, 120_000), (120_000, 120_000)])
def test_a_rhythm_from_one_figure_halves_when_idle_within_the_bounds(active_ms: int, idle_ms: int) -> None:
    policy = HeartbeatPolicy.every(active_ms)
    assert (policy.active_ms, policy.idle_ms) == (active_ms, idle_ms)


@pytest.mark.parametrize("active_ms", [249, 120_001])
def test_a_rhythm_beyond_the_bounds_is_refused(active_ms: int) -> None:
    with pytest.raises(InvalidParameters, match=f"active_ms={active_ms}"):
        HeartbeatPolicy.every(active_ms)
