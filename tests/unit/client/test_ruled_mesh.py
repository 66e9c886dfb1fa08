"""What a client does by itself to keep to the rules, over a store in memory that has none; with them: tests/integration."""

import asyncio
from dataclasses import asdict

import pytest

from firemesh.client.ruled_mesh import COMMANDS_PER_BEAT, REST_MS, RuledMesh
from firemesh.core.health import Beat
from firemesh.core.messages import Command
from firemesh.core.params import TEST
from firemesh.errors import IncarnationEnded, MeshError, OutcomeUnknown, RateLimited, StoreUnavailable, Unauthenticated
from firemesh.runtime.admission import Admission, client_process
from firemesh.store import paths
from firemesh.store.base import Put
from firemesh.store.memory import ACK_LOST, LOST, CommitFate, MemoryClient, MemoryStore
from tests.support.meshes import in_virtual_time, store_now_ns


def incarnation(number: int) -> str:
    return f"{number:012x}"


class Desk:
    """A control plane that answers in turn what it is told to, and an admission when it is told nothing."""

    def __init__(self) -> None:
        self.memory = MemoryStore(store_now_ns)
        self.client = self.memory.client("w1")
        self.says: list[MeshError] = []
        self.admitted = 0
        self.opened: list[MemoryClient] = []

    async def source(self) -> Admission:
        if self.says:
            raise self.says.pop(0)
        self.admitted += 1
        told = {"mesh": "m1", "agent": "w1", "type": "worker", "access_role": "worker", "process": client_process("w1")}
        inc = incarnation(self.admitted)
        return Admission(**told, inc=inc, machine="counter", params=asdict(TEST), custom_token="", session="")

    def connect(self, admission: Admission) -> MemoryClient:
        self.opened.append(self.memory.client(admission.inc))
        return self.opened[-1]

    async def mesh(self) -> RuledMesh:
        return await RuledMesh.enter(self.source, self.connect)

    async def roster(self, inc: str, status: str = "alive") -> None:
        await self.client.commit([Put("meshes/m1/agents/w1", {"inc": inc, "status": status})])

    def beats(self) -> int:
        return int(self.memory.documents()["meshes/m1/liveness/client-w1"].fields["seq"])

    def waiting(self) -> int:
        return sum(path.startswith("meshes/m1/inbox/") for path in self.memory.documents())


def beat(inc: str) -> Beat:
    return Beat(process="client-w1", inc=inc, seq=77, interval_ms=500, agents={"w1": "running"})


async def send(mesh: RuledMesh, inc: str, seq: int) -> None:
    command = Command(agent_id="w1", inc=inc, seq=seq, kind="counter.add", payload='{"n":1}')
    await mesh.submit(paths.request_id("w1", inc, seq), command)


def now() -> float:
    return asyncio.get_running_loop().time()


@in_virtual_time
async def test_signs_of_life_are_numbered_without_a_gap_and_rest_between() -> None:
    desk = Desk()
    mesh = await desk.mesh()
    started = now()
    for number in (1, 2, 3):
        await mesh.write_beat(beat(incarnation(1)))
        assert desk.beats() == number
    assert now() - started >= 2 * REST_MS / 1000


@pytest.mark.parametrize("fate", [LOST, ACK_LOST])
def test_after_a_lost_answer_the_store_says_which_number_is_the_next(fate: CommitFate) -> None:
    @in_virtual_time
    async def check() -> None:
        desk = Desk()
        mesh = await desk.mesh()
        await mesh.write_beat(beat(incarnation(1)))
        desk.opened[0].faults.commit_fate = lambda _: fate
        with pytest.raises(OutcomeUnknown):
            await mesh.write_beat(beat(incarnation(1)))
        landed = desk.beats()
        desk.opened[0].faults.commit_fate = lambda _: CommitFate()
        await mesh.write_beat(beat(incarnation(1)))
        assert desk.beats() == landed + 1

    check()


@in_virtual_time
async def test_a_command_beyond_the_allowance_waits_for_the_next_sign_of_life() -> None:
    desk = Desk()
    mesh = await desk.mesh()
    await desk.roster(incarnation(1))
    for seq in range(1, COMMANDS_PER_BEAT + 2):
        if seq == 2:
            await mesh.write_beat(beat(incarnation(1)))
        sending = asyncio.create_task(send(mesh, incarnation(1), seq))
        await asyncio.sleep(0.01)
    assert desk.waiting() == COMMANDS_PER_BEAT
    await asyncio.sleep(60)
    assert not sending.done()
    await mesh.write_beat(beat(incarnation(1)))
    await sending
    assert desk.waiting() == COMMANDS_PER_BEAT + 1


@in_virtual_time
async def test_who_waits_for_its_allowance_is_told_that_its_incarnation_has_ended() -> None:
    desk = Desk()
    mesh = await desk.mesh()
    await desk.roster(incarnation(1))
    sending = asyncio.create_task(send(mesh, incarnation(1), 2))
    await asyncio.sleep(5)
    assert not sending.done()
    await desk.roster(incarnation(1), "dead")
    with pytest.raises(IncarnationEnded):
        await sending


@in_virtual_time
async def test_another_incarnation_starts_with_nothing_of_the_one_before() -> None:
    desk = Desk()
    mesh = await desk.mesh()
    await desk.roster(incarnation(1))
    for _ in range(5):
        await mesh.write_beat(beat(incarnation(1)))
    watch = mesh.watch_document("agents/w1")
    sending = asyncio.create_task(send(mesh, incarnation(1), 5 * COMMANDS_PER_BEAT + 1))
    await asyncio.sleep(0.01)
    assert await mesh.new_incarnation() == mesh.admission.inc == incarnation(2)
    with pytest.raises(IncarnationEnded):
        await sending
    with pytest.raises(IncarnationEnded):
        await mesh.write_beat(beat(incarnation(1)))
    assert len([snapshot async for snapshot in watch]) <= 1  # what was open under the old identity has ended
    await desk.roster(incarnation(2))
    await mesh.write_beat(beat(incarnation(2)))
    assert desk.beats() == 1
    refused = asyncio.create_task(send(mesh, incarnation(2), COMMANDS_PER_BEAT + 1))
    await asyncio.sleep(0.01)
    assert not refused.done()
    refused.cancel()


@in_virtual_time
async def test_another_admission_is_asked_for_as_long_as_it_takes_and_not_too_often() -> None:
    desk = Desk()
    mesh = await desk.mesh()
    desk.says = [StoreUnavailable("away"), RateLimited("too often", 7.0), StoreUnavailable("away")]
    started = now()
    assert await mesh.new_incarnation() == incarnation(2)
    assert now() - started >= 7.0


@in_virtual_time
async def test_who_is_refused_another_admission_keeps_to_the_old_one() -> None:
    desk = Desk()
    mesh = await desk.mesh()
    desk.says = [Unauthenticated("the key is revoked")]
    with pytest.raises(Unauthenticated):
        await mesh.new_incarnation()
    assert mesh.admission.inc == incarnation(1)


@in_virtual_time
async def test_two_states_rest_between_and_keep_their_versions() -> None:
    desk = Desk()
    mesh = await desk.mesh()
    started = now()
    for version in (1, 2):
        await mesh.write_state("w1", version, incarnation(1), {"n": version})
    assert now() - started >= REST_MS / 1000
    assert desk.memory.documents()["meshes/m1/states/w1"].fields["version"] == 2
