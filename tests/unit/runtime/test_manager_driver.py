"""A manager in a process: it leads while it reaches the store, stops by itself when it does not, and fails in the open."""

import asyncio
from collections.abc import Sequence

import pytest

from firemesh.core.effects import ManagerRole
from firemesh.core.params import DEFAULT, TEST, THRIFTY
from firemesh.errors import AgentNotFound, CorruptDocument, InvalidMessage, InvariantViolation, MeshNotFound, NotLeader
from firemesh.runtime.mesh import MeshManager
from firemesh.store.base import Create, Delete, Put, Write
from firemesh.store.memory import ABORTED, ACK_LOST, LANDS, LOST, CommitFate, late
from tests.support.meshes import LocalMesh, in_virtual_time, until


async def led(managers: int = 3, workers: int = 1) -> LocalMesh:
    local = await LocalMesh().create()
    await local.managers(managers)
    for number in range(1, workers + 1):
        await (await local.process(f"p{number}")).add_worker(f"w{number}")
    await asyncio.sleep(1)
    return local


async def add(local: LocalMesh, n: int = 1) -> None:
    """Have a worker add, and wait until it is ordered."""
    before = len(local.ordered("counter.add"))
    await local.processes["p1"].agents["w1"].send_to_manager("counter.add", {"n": n})  # type: ignore[attr-defined]
    await until(lambda: len(local.ordered("counter.add")) == before + 1)


@in_virtual_time
async def test_a_leader_without_the_store_stops_leading_by_itself_and_the_others_go_on() -> None:
    local = await led()
    m1 = local.processes["pm1"].agents["m1"]
    local.clients["pm1"].disconnect()
    await until(lambda: m1.role is not ManagerRole.LEADER, seconds=1.6)  # type: ignore[attr-defined]
    await until(lambda: local.stored()[0].leader not in ("", "m1"), seconds=5)
    await add(local)
    local.clients["pm1"].reconnect()
    await until(lambda: m1.driver.manager.state.head == local.stored()[0], seconds=5)  # type: ignore[attr-defined]
    assert m1.role is ManagerRole.FOLLOWER  # type: ignore[attr-defined]
    await local.end()


@in_virtual_time
async def test_a_leader_that_stood_still_for_two_leases_loses_its_first_commit_and_follows() -> None:
    local = await led()
    local.hosts["pm1"].stop()
    await asyncio.sleep(3)
    await add(local)
    failed = local.memory.counts[("pm1", "head", "failed_writes")]
    landed = local.memory.counts[("pm1", "head", "writes")]
    local.hosts["pm1"].go_on()
    m1 = local.processes["pm1"].agents["m1"]
    await until(lambda: m1.role is ManagerRole.FOLLOWER, seconds=1)  # type: ignore[attr-defined]
    await asyncio.sleep(3)
    assert local.memory.counts[("pm1", "head", "failed_writes")] == failed + 1
    assert local.memory.counts[("pm1", "head", "writes")] == landed
    await add(local)
    await local.end()


@pytest.mark.parametrize(
    ("first", "latency_seconds"), [(LANDS, 0.3), (ACK_LOST, 0.02), (LOST, 0.02)], ids=["answered", "answer lost", "sent again"]
)
def test_a_lease_is_counted_from_the_first_sending_and_not_from_the_answer(first: CommitFate, latency_seconds: float) -> None:
    @in_virtual_time
    async def check() -> None:
        local = await led(managers=1, workers=0)
        loop, client = asyncio.get_running_loop(), local.clients["pm1"]
        m1 = local.processes["pm1"].agents["m1"]
        sent: list[float] = []

        def fate(writes: Sequence[Write]) -> CommitFate:
            if writes[0].path != "meshes/m1/consensus/head":
                return LANDS
            sent.append(loop.time())
            return first if len(sent) == 1 else LANDS

        client.faults.latency_seconds = lambda _: latency_seconds
        client.faults.commit_fate = fate
        before = local.stored()[0].seq
        await until(lambda: m1.driver.manager.state.head.seq > before)  # type: ignore[attr-defined]
        client.disconnect()
        await until(lambda: m1.role is not ManagerRole.LEADER)  # type: ignore[attr-defined]
        assert loop.time() - sent[0] <= TEST.lease_ms / 1000 + 0.02
        await local.end()

    check()


@in_virtual_time
async def test_a_document_left_where_the_log_goes_on_ends_the_manager_with_its_name() -> None:
    local = await LocalMesh().create()
    await local.operator.commit([Create("meshes/m1/log/000000000001", {"left": "over"})])
    with pytest.raises(InvariantViolation, match="mesh 'm1': log entry 1 exists already"):
        await (await local.process("pm1")).add_manager("m1")
    assert local.fields("log/000000000001") == {"left": "over"}
    await local.processes["pm1"].abandon()


@in_virtual_time
async def test_a_commit_the_store_gave_up_is_sent_again() -> None:
    local = await led()
    fates = [ABORTED, ABORTED]
    for client in local.clients.values():
        client.faults.commit_fate = lambda _: fates.pop() if fates else LANDS
    await add(local)
    assert (fates, local.stored()[0].term) == ([], 1)
    await local.end()


@pytest.mark.parametrize("fate", [ACK_LOST, late(0.2)], ids=["answer lost", "late"])
def test_commits_of_unknown_outcome_lose_and_double_nothing(fate: CommitFate) -> None:
    @in_virtual_time
    async def check() -> None:
        local = await led()
        commits = 0

        def every_third(_: object) -> CommitFate:
            nonlocal commits
            commits += 1
            return fate if commits % 3 == 0 else LANDS

        for client in local.clients.values():
            client.faults.commit_fate = every_third
        for _ in range(10):
            await add(local)
        await until(lambda: local.fields("views/public")["view"] == {"total": 10})
        assert local.stored()[0].term == 1
        await local.end()

    check()


@in_virtual_time
async def test_a_steady_leader_renews_by_one_write_and_reads_nothing() -> None:
    local = await led(workers=0)
    await asyncio.sleep(60)
    before = dict(local.memory.counts)
    await asyncio.sleep(10)
    spent = {key: count - before.get(key, 0) for key, count in local.memory.counts.items() if key[0] == "pm1"}
    assert {key[1:]: count for key, count in spent.items() if key[1] == "head" and count} in (
        {("head", "writes"): 19},
        {("head", "writes"): 20},
    )
    followers = {key: count - before.get(key, 0) for key, count in local.memory.counts.items() if key[0] in ("pm2", "pm3")}
    assert sum(count for key, count in followers.items() if key[1] != "liveness" and key[2] != "reads") == 0
    await local.end()


@in_virtual_time
async def test_standbys_that_only_look_read_the_head_less_than_twice_a_ttl_and_replace_a_leader_that_is_gone() -> None:
    local = await LocalMesh(params=THRIFTY).create()
    await local.managers()
    await asyncio.sleep(60)
    before = dict(local.memory.counts)
    ttls = 20
    await asyncio.sleep(ttls * THRIFTY.ttl_ms / 1000)
    for standby in ("pm2", "pm3"):
        spent = {key: count - before.get(key, 0) for key, count in local.memory.counts.items() if key[0] == standby}
        assert {key[1:] for key, count in spent.items() if count} == {("head", "reads"), ("liveness", "writes")}
        assert ttls <= spent[standby, "head", "reads"] < 2 * ttls
    await local.processes["pm1"].abandon()
    allowed_ms = THRIFTY.ttl_ms + THRIFTY.grace_ms + THRIFTY.stagger_ms
    await until(lambda: local.stored()[0].term > 1, seconds=allowed_ms / 1000 + 1)
    await local.end()


@in_virtual_time
async def test_a_follower_whose_listener_is_silent_keeps_up_all_the_same() -> None:
    local = await led()
    local.clients["pm2"].silence_watches()
    await add(local, 5)
    m2 = local.processes["pm2"].agents["m2"]
    await until(lambda: m2.driver.manager.state.replica.machine_state.total == 5, seconds=7)  # type: ignore[attr-defined]
    assert local.stored()[0].leader == "m1"
    await local.end()


@in_virtual_time
async def test_a_document_that_only_the_mesh_writes_and_does_not_fit_stops_the_manager_that_reads_it() -> None:
    local = await led()
    await local.operator.commit([Put("meshes/m1/consensus/head", {"term": "nine"})])
    for name in ("pm1", "pm2", "pm3"):
        with pytest.raises(CorruptDocument, match="consensus/head"):
            await local.processes[name].run_until_ended()
    assert local.fields("consensus/head") == {"term": "nine"}
    for process in local.processes.values():
        await process.abandon()


@in_virtual_time
async def test_a_mesh_that_disappears_under_its_managers_is_said() -> None:
    local = await led()
    await local.operator.commit([Delete("meshes/m1/consensus/head")])
    with pytest.raises(MeshNotFound):
        await local.processes["pm1"].run_until_ended()
    for process in local.processes.values():
        await process.abandon()


@in_virtual_time
async def test_leadership_can_be_handed_to_a_certain_manager() -> None:
    local = await led()
    m1, m2 = local.processes["pm1"].agents["m1"], local.processes["pm2"].agents["m2"]
    with pytest.raises(NotLeader, match="'m1' does"):
        m2.transfer_leadership()  # type: ignore[attr-defined]
    m1.transfer_leadership("m3")  # type: ignore[attr-defined]
    await until(lambda: local.stored()[0].leader == "m3", seconds=1)
    assert await MeshManager(local.mesh, m2).elect_leader() == "m3"  # type: ignore[arg-type]
    await add(local)
    await local.end()


@in_virtual_time
async def test_all_managers_crash_and_come_back_and_the_mesh_goes_on() -> None:
    local = await led()
    await add(local)
    for number in (1, 2, 3):
        await local.processes[f"pm{number}"].abandon()
    await local.processes["p1"].agents["w1"].send_to_manager("counter.add", {"n": 1})  # type: ignore[attr-defined]
    await asyncio.sleep(5)
    for number in (4, 5, 6):
        await (await local.process(f"pm{number}")).add_manager(f"m{number}")
    await until(lambda: len(local.ordered("counter.add")) == 2)
    await until(lambda: local.stored()[0].voters.managers == ("m4", "m5", "m6"))
    await add(local)
    await local.end()


@pytest.mark.parametrize(
    ("to", "problem", "why"),
    [
        ("m9", AgentNotFound, "'m9': it was never a member"),
        ("w1", InvalidMessage, "'w1': it is a worker, not a manager"),
        ("m3", AgentNotFound, "'m3': it is left"),
    ],
)
def test_leadership_is_not_given_up_to_one_who_cannot_lead(to: str, problem: type[Exception], why: str) -> None:
    @in_virtual_time
    async def check() -> None:
        local = await led()
        await local.processes["pm3"].stop()
        await until(lambda: local.stored()[0].voters.managers == ("m1", "m2"))
        await asyncio.sleep(1)
        m1 = local.processes["pm1"].agents["m1"]
        with pytest.raises(problem, match=why):
            m1.transfer_leadership(to)  # type: ignore[attr-defined]
        await asyncio.sleep(5)
        assert (local.stored()[0].leader, local.stored()[0].term) == ("m1", 1)
        await local.end()

    check()


@in_virtual_time
async def test_a_follower_polls_the_head_before_it_doubts_the_leader() -> None:
    local = LocalMesh(params=DEFAULT)
    await local.create()
    await local.managers(2)
    await (await local.process("p1")).add_worker("w1")
    await asyncio.sleep(10)
    m2 = local.processes["pm2"].agents["m2"]
    seen = m2.driver.manager.state.head.seq  # type: ignore[attr-defined]
    await until(lambda: m2.driver.manager.state.head.seq > seen)  # type: ignore[attr-defined]
    local.clients["pm2"].silence_watches()
    await add(local, 5)
    assert DEFAULT.ttl_ms + DEFAULT.grace_ms > 6000  # until then only the poll can tell
    await until(lambda: m2.driver.manager.state.replica.machine_state.total == 5, seconds=5.5)  # type: ignore[attr-defined]
    await local.end()
