"""Agents with an API key alone, directly on the emulator under the real rules, in a mesh of server credentials."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from firemesh.client.ruled_mesh import COMMANDS_PER_BEAT, RuledMesh
from firemesh.core.health import HealthPolicy
from firemesh.core.membership import AgentType
from firemesh.errors import IncarnationEnded, OutcomeUnknown, PermissionDenied, Unauthenticated
from firemesh.ids import new_incarnation
from firemesh.runtime.admission import Admission, client_process
from firemesh.runtime.process import AgentProcess
from firemesh.runtime.worker_agent import WorkerAgent
from firemesh.store.base import CALL_SECONDS, CommitResult, Put, Write
from firemesh.store.firestore import FirestoreStore
from firemesh_cli.stack.supervisor import LocalStack
from tests.contract.wires import Wire
from tests.integration.crew import BEAT, PATIENCE_SECONDS, STEADY, Crew
from tests.rules.actors import KEYS, Actor, bearer, token

PATIENT = HealthPolicy(dead_after_floor_ms=1_000_000)
STRICT = HealthPolicy(dead_after_floor_ms=5000, outage_grace_ms=3000)
"""Long enough for a machine that stands still for some seconds, short enough to wait for."""


class Forgetful(FirestoreStore):
    """A connection on which the answer to every second commit is lost."""

    commits = 0

    async def commit(self, writes: Sequence[Write], *, timeout_seconds: float = CALL_SECONDS) -> CommitResult:
        result = await super().commit(writes, timeout_seconds=timeout_seconds)
        self.commits += 1
        if self.commits % 2:
            raise OutcomeUnknown("the answer is lost")
        return result


class Client:
    """One agent with a key of its own: admitted as often as it asks, until the key is revoked."""

    def __init__(self, crew: Crew, agent: str, host: str, kind: type[FirestoreStore]) -> None:
        self.crew = crew
        self.agent = agent
        self.host = host
        self.kind = kind
        self.key = f"key-of-{crew.mesh_id}-{agent}"
        self.is_revoked = False
        self.admitted = 0

    async def start(self) -> "Client":
        await self._put_key("living")
        return self

    async def revoke(self) -> None:
        self.is_revoked = True
        await self._put_key("revoked")

    async def _put_key(self, state: str) -> None:
        await self.crew.store.commit([Put(f"apiKeys/{self.key}", KEYS[state])])

    async def admission(self) -> Admission:
        """What the control plane would give."""
        if self.is_revoked:
            raise Unauthenticated("the key is revoked")
        self.admitted += 1
        actor = Actor(self.agent, new_incarnation(), key=self.key)
        return Admission(
            mesh=self.crew.mesh_id,
            agent=self.agent,
            inc=actor.inc,
            type=AgentType.WORKER,
            access_role="worker",
            process=client_process(self.agent),
            machine="counter",
            params=(await self.crew.documents.read_record()).params,
            custom_token=token(actor, self.crew.project, self.crew.mesh_id),
            session="",
        )

    def store(self, admission: Admission) -> FirestoreStore:
        return self.kind(self.crew.project, host=self.host, token=bearer(admission.custom_token), client_name=admission.process)

    @asynccontextmanager
    async def process(self) -> AsyncIterator[AgentProcess]:
        mesh = await RuledMesh.enter(self.admission, self.store)
        process = AgentProcess.admitted(mesh, mesh.admission, heartbeat=BEAT, on_sent=self.crew.sent.append)
        try:
            yield process
        finally:
            await process.abandon()
            await mesh.close()


@asynccontextmanager
async def party(
    stack: LocalStack, folder: Path, health: HealthPolicy = PATIENT
) -> AsyncIterator[tuple[Crew, Callable[..., Any]]]:
    """A mesh with one manager, which judges silence by this policy, and a way to bring clients into it."""
    async with (
        Crew.aboard(stack.firestore_host, folder, project=stack.project, params=STEADY) as crew,
        AsyncExitStack() as clients,
    ):
        await (await crew.process("pm1", health=health)).add_manager("m1")

        async def come(host: str = "", kind: type[FirestoreStore] = FirestoreStore) -> tuple[Client, AgentProcess, WorkerAgent]:
            client = await Client(crew, "w1", host or crew.host, kind).start()
            process = await clients.enter_async_context(client.process())
            return client, process, await process.add_worker("w1")

        yield crew, come


async def until_read(crew: Crew, path: str, holds: Callable[[Mapping[str, Any]], bool]) -> Mapping[str, Any]:
    """Read until it is so. The emulator may not tell anybody of a commit that also concerned a stream just cut off."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            fields = await crew.documents.read_fields(path)
            if fields is not None and holds(fields):
                return fields
            await asyncio.sleep(0.05)


async def add(worker: WorkerAgent, times: int) -> None:
    for _ in range(times):
        await worker.send_to_manager("counter.add", {"n": 1})


async def test_an_agent_with_a_key_joins_sends_keeps_a_state_and_leaves(local_stack: LocalStack, tmp_path: Path) -> None:
    async with party(local_stack, tmp_path) as (crew, come):
        _, process, worker = await come()
        row = await until_read(crew, "agents/w1", lambda row: row["status"] == "alive")
        assert (row["process"], row["inc"]) == ("client-w1", process.inc)
        await add(worker, 2 * COMMANDS_PER_BEAT + 1)  # more than its first sign of life allows
        await crew.until(lambda: crew.total() == 2 * COMMANDS_PER_BEAT + 1)
        for mood in ("calm", "cross"):
            await worker.update_state({"mood": mood})
        state = await until_read(crew, "states/w1", lambda _: True)
        assert (state["version"], state["values"]) == (2, {"mood": "cross"})
        await process.stop()
        await until_read(crew, "agents/w1", lambda row: row["status"] == "left")
        assert await crew.documents.read_fields("liveness/client-w1") is None


async def test_a_client_that_was_cut_off_for_a_moment_goes_on_as_the_same_incarnation(
    local_stack: LocalStack, tmp_path: Path
) -> None:
    async with Wire.to(local_stack.firestore_host) as (wire, host), party(local_stack, tmp_path) as (crew, come):
        client, process, worker = await come(host=host)
        await add(worker, 3)
        wire.cut()
        sending = asyncio.create_task(add(worker, COMMANDS_PER_BEAT))
        await asyncio.sleep(0.5)
        wire.mend()
        await sending
        await crew.until(lambda: crew.total() == 3 + COMMANDS_PER_BEAT)
        assert (client.admitted, process.inc) == (1, worker.inc)


async def test_lost_answers_cost_a_client_nothing(local_stack: LocalStack, tmp_path: Path) -> None:
    async with party(local_stack, tmp_path) as (crew, come):
        client, process, worker = await come(kind=Forgetful)
        await add(worker, COMMANDS_PER_BEAT + 1)
        await crew.until(lambda: crew.total() == COMMANDS_PER_BEAT + 1)
        for version in (1, 2, 3):
            with suppress(OutcomeUnknown):
                assert await worker.update_state({"version": version}) == version
        assert (await until_read(crew, "states/w1", lambda state: state["version"] == 3))["values"] == {"version": 3}
        beats = (await until_read(crew, "liveness/client-w1", lambda _: True))["seq"]
        await until_read(crew, "liveness/client-w1", lambda beat: beat["seq"] >= beats + 3)
        assert (client.admitted, process.inc) == (1, worker.inc)


async def test_a_client_declared_dead_comes_back_with_another_admission(local_stack: LocalStack, tmp_path: Path) -> None:
    async with Wire.to(local_stack.firestore_host) as (wire, host), party(local_stack, tmp_path, STRICT) as (crew, come):
        client, process, worker = await come(host=host)
        await add(worker, 3)
        first = worker.inc
        wire.cut()
        await until_read(crew, "agents/w1", lambda row: row["status"] == "dead")
        wire.mend()
        row = await until_read(crew, "agents/w1", lambda row: row["status"] == "alive")
        assert (client.admitted, row["inc"]) == (2, process.inc)
        assert row["inc"] != first
        await until_read(crew, "liveness/client-w1", lambda beat: beat["inc"] == row["inc"])
        await add(worker, 3)
        await until_read(crew, "views/public", lambda view: view["view"]["total"] == 6)


async def test_a_client_started_anew_waits_until_its_silent_run_is_judged(local_stack: LocalStack, tmp_path: Path) -> None:
    async with party(local_stack, tmp_path, STRICT) as (crew, come):
        _, crashed, _ = await come()
        beat = await until_read(crew, "liveness/client-w1", lambda _: True)
        await crashed.abandon()
        silent_ms = STRICT.dead_after_ms(beat["interval_ms"])
        await asyncio.sleep(silent_ms / 1000)
        _, process, worker = await come()
        assert process.inc != crashed.inc
        await add(worker, 1)
        await crew.until(lambda: crew.total() == 1)


async def test_a_removed_client_ends_and_its_next_request_is_denied(local_stack: LocalStack, tmp_path: Path) -> None:
    async with party(local_stack, tmp_path) as (crew, come):
        _, process, worker = await come()
        assert await process.mesh.read_fields("views/public") is not None
        await crew.mesh.remove_agent("w1")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await process.run_until_ended()
        with pytest.raises(PermissionDenied):
            await process.mesh.read_fields("views/public")
        with pytest.raises(IncarnationEnded):
            await worker.send_to_manager("counter.add", {"n": 1})
        with pytest.raises(IncarnationEnded):
            await worker.update_state({"mood": "calm"})


async def test_a_client_whose_key_is_revoked_is_out_with_its_next_request_and_ends(
    local_stack: LocalStack, tmp_path: Path
) -> None:
    async with party(local_stack, tmp_path, STRICT) as (crew, come):
        client, process, worker = await come()
        await client.revoke()
        with pytest.raises(PermissionDenied):
            await process.mesh.read_fields("views/public")
        with pytest.raises(PermissionDenied):
            await worker.send_to_manager("counter.add", {"n": 1})
        with pytest.raises(PermissionDenied):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await process.run_until_ended()
        await until_read(crew, "agents/w1", lambda row: row["status"] == "dead")
