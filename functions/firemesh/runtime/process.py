"""One process of a mesh: any number of agents over one connection, one incarnation, one sign of life.

The unit of failure is the process, so that is what beats. Within it every agent reports to the process at no cost; the
process tells the mesh in one small document.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from firemesh.core.health import LATENESS_MAX, Beat, HealthPolicy
from firemesh.core.machine import Machine
from firemesh.core.messages import Command
from firemesh.core.params import Params
from firemesh.errors import (
    AgentNotFound,
    AlreadyExists,
    IncarnationEnded,
    InvalidMessage,
    InvalidParameters,
    MeshClosed,
    MeshError,
    PermissionDenied,
    Unauthenticated,
)
from firemesh.game.registry import machine_named
from firemesh.ids import ProcessId
from firemesh.runtime.admission import CLIENT_PROCESS_PREFIX, Admission
from firemesh.runtime.agent import Agent, ViewFeed
from firemesh.runtime.agent_mesh import AgentMesh, is_silent
from firemesh.runtime.behaviour import Behaviour
from firemesh.runtime.manager_agent import ManagerAgent
from firemesh.runtime.state_file import StateFile
from firemesh.runtime.watch_supervisor import supervised
from firemesh.runtime.worker_agent import WorkerAgent
from firemesh.store.base import Store
from firemesh.store.mesh_store import MeshStore

log = logging.getLogger(__name__)

AnyAgent = TypeVar("AnyAgent", bound=Agent)

AGENTS_MAX = 30
_PROCESS_ID: TypeAdapter[str] = TypeAdapter(ProcessId)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatPolicy:
    """How often the process shows itself, in milliseconds.

    `active_ms` while its agents do something, `idle_ms` after `idle_after_ms` without, and `asleep_ms` after
    `asleep_after_ms`, unless a manager runs here, whose silence the others should not have to wait for. Within the
    process each agent beats every `agent_ms`; one not heard for `agent_late_ms` is shown as `late` in the process's beat.
    """

    active_ms: int = 2000
    idle_ms: int = 10_000
    idle_after_ms: int = 30_000
    asleep_ms: int = 120_000
    asleep_after_ms: int = 300_000
    agent_ms: int = 250
    agent_late_ms: int = 1000

    def __post_init__(self) -> None:
        if not 250 <= self.active_ms <= self.idle_ms <= self.asleep_ms <= 300_000:
            raise InvalidParameters(
                f"heartbeat: 250 <= active_ms={self.active_ms} <= idle_ms={self.idle_ms} <= asleep_ms={self.asleep_ms} "
                "<= 300000 must hold"
            )
        if not 10 <= self.agent_ms < self.agent_late_ms:
            raise InvalidParameters(f"heartbeat: 10 <= agent_ms={self.agent_ms} < agent_late_ms={self.agent_late_ms} must hold")


@dataclass(frozen=True, slots=True)
class Replication:
    """What managers work on. A process has it that may read the whole mesh, hence with server credentials alone."""

    mesh: MeshStore
    machine: Machine[Any]
    setup: Mapping[str, Any]
    params: Params


class AgentProcess:
    """Runs agents of one mesh in this process. Create it with `open`; `stop` ends it in good order."""

    def __init__(
        self,
        mesh: AgentMesh,
        process_id: str,
        inc: str,
        *,
        machine_name: str,
        replication: Replication | None = None,
        only_agent: str = "",
        state_folder: Path | None = None,
        heartbeat: HeartbeatPolicy | None = None,
        health: HealthPolicy | None = None,
        on_sent: Callable[[Command], None] | None = None,
    ) -> None:
        self.mesh = mesh
        self.process_id = process_id
        self.inc = inc
        self.machine_name = machine_name
        """The machine the mesh replicates."""
        self.agents: dict[str, Agent] = {}
        self._replication = replication
        self._only_agent = only_agent
        self._renewing = asyncio.Lock()
        self._state_folder = state_folder
        self._heartbeat = heartbeat or HeartbeatPolicy()
        self._health = health or HealthPolicy()
        self._on_sent = on_sent
        self._beats = 0
        self._agent_states: dict[str, str] = {}
        self._agent_heard: dict[str, float] = {}
        self._late: frozenset[str] = frozenset()
        self._lateness = 0
        self._was_late = False
        self._active_at = asyncio.get_running_loop().time()
        self._gone: set[str] = set()
        self._public: ViewFeed | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._beat_now = asyncio.Event()
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, store: Store, mesh_id: str, process_id: str, **options: Any) -> "AgentProcess":
        """Find the mesh and get ready to run agents of it, with server credentials.

        Raises:
            MeshNotFound: there is no such mesh.
            MeshClosed: it is over.
            UnknownMachine: this program does not have the machine the mesh replicates.
            InvalidParameters: the process id is malformed or a client's, or the mesh's timing contradicts itself.
        """
        _check_process_id(process_id)
        mesh = MeshStore(store, mesh_id)
        record, head, _ = await mesh.read_standing()
        if head.closed:
            raise MeshClosed(f"mesh {mesh_id!r} is closed")
        replication = Replication(mesh, machine_named(record.machine), record.setup, record.timing())
        mesh.rpc_timeout_seconds = replication.params.rpc_timeout_ms / 1000
        inc = await mesh.new_incarnation()
        process = cls(mesh, process_id, inc, machine_name=record.machine, replication=replication, **options)
        process._start_beating()
        return process

    @classmethod
    def admitted(cls, mesh: AgentMesh, admission: Admission, **options: Any) -> "AgentProcess":
        """Get ready to run the one agent that the control plane has admitted to a mesh."""
        process = cls(
            mesh,
            admission.process,
            admission.inc,
            machine_name=admission.machine,
            only_agent=admission.agent,
            **options,
        )
        process._start_beating()
        return process

    @property
    def may_replace(self) -> bool:
        """See `Host`. Who has only a key is not trusted to know which runs were its own."""
        return self._replication is not None

    @property
    def agent_beat_seconds(self) -> float:
        """See `Host`."""
        return self._heartbeat.agent_ms / 1000

    async def add_worker(self, agent_id: str, behaviour: Behaviour | None = None) -> WorkerAgent:
        """Start a worker here. Raises what `Agent.start` raises."""
        return await self._start(WorkerAgent(self._free(agent_id), self, behaviour))

    async def add_manager(self, agent_id: str) -> ManagerAgent:
        """Start a manager here. Raises what `Agent.start` raises, and PermissionDenied without server credentials."""
        if self._replication is None:
            raise PermissionDenied("a manager reads the whole log: it needs server credentials, not an API key")
        manager = ManagerAgent(
            self._free(agent_id),
            self,
            mesh=self._replication.mesh,
            machine=self._replication.machine,
            setup=self._replication.setup,
            params=self._replication.params,
            health=self._health,
            beat_interval_ms=self._heartbeat.active_ms,
        )
        return await self._start(manager)

    async def remove(self, agent_id: str) -> None:
        """Let an agent of this process leave the mesh. Raises AgentNotFound when it does not run here."""
        if agent_id not in self.agents:
            raise AgentNotFound(f"agent {agent_id!r} does not run in process {self.process_id!r}")
        await self._forget(agent_id).stop()

    async def stop(self) -> None:
        """Leave in good order: workers first, then managers, then the sign of life. Takes seconds at most, store or not."""
        for managers in (False, True):
            leaving = [agent for agent in self.agents.values() if isinstance(agent, ManagerAgent) is managers]
            await asyncio.gather(*(self._forget(agent.agent_id).stop() for agent in leaving))
        await self.abandon()
        try:
            await self.mesh.delete_beat(self.process_id)
        except MeshError as error:
            log.info("sign of life of process %s not removed: %s", self.process_id, error)

    async def abandon(self) -> None:
        """End all work at once and without a word, as a crash would."""
        await asyncio.gather(*(agent.abandon() for agent in self.agents.values()))
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def run_until_ended(self) -> None:
        """Wait until all agents of this process have left or were removed; raise when one of them cannot go on."""
        await asyncio.shield(self._end)

    # --- what agents need (Host) ------------------------------------------------------------------------------------

    def state_file(self, agent_id: str) -> StateFile | None:
        """See `Host`."""
        if self._state_folder is None:
            return None
        return StateFile(self._state_folder, self.mesh.mesh_id, agent_id)

    def sign_of_life(self, agent_id: str, state: str) -> None:
        """See `Host`."""
        self._be_active()
        if self._agent_states.get(agent_id) != state:
            self._agent_states[agent_id] = state
            self._beat_now.set()

    def agent_beat(self, agent_id: str) -> None:
        """See `Host`."""
        self._agent_heard[agent_id] = asyncio.get_running_loop().time()

    async def is_silent(self, process_id: str, inc: str) -> bool:
        """See `Host`. A run whose sign of life this process may not see counts as living."""
        try:
            return await is_silent(self.mesh, process_id, inc, self._health)
        except PermissionDenied:
            return False

    async def renew_incarnation(self, ended: str) -> None:
        """See `Host`."""
        async with self._renewing:
            if self.inc == ended:
                self.inc = await self.mesh.new_incarnation()
                self._beats = 0
                self._beat_now.set()

    def on_sent(self, command: Command) -> None:
        """See `Host`."""
        self._be_active()
        if self._on_sent is not None:
            self._on_sent(command)

    def public_view(self) -> ViewFeed:
        """See `Host`."""
        if self._public is None:
            self._public = ViewFeed()
            self._spawn(self._listen_to_public_view(self._public))
        return self._public

    # --- inside -----------------------------------------------------------------------------------------------------

    def _free(self, agent_id: str) -> str:
        if self._only_agent and agent_id != self._only_agent:
            raise InvalidMessage(f"this process was admitted for agent {self._only_agent!r} alone, not for {agent_id!r}")
        if agent_id in self.agents:
            raise AlreadyExists(f"agent {agent_id!r} runs in this process already")
        if agent_id in self._gone:
            raise AlreadyExists(f"agent {agent_id!r} has left in this run of the process; start it in a new process")
        if len(self.agents) >= AGENTS_MAX:
            raise InvalidMessage(f"a process runs at most {AGENTS_MAX} agents")
        return agent_id

    async def _start(self, agent: AnyAgent) -> AnyAgent:
        self.agents[agent.agent_id] = agent
        try:
            await agent.start()
        except BaseException:
            # A join that was cut short may still be ordered; its seat must not stay taken. Its numbers are used up.
            self.agents.pop(agent.agent_id, None)
            if agent.may_hold_a_seat:
                self._gone.add(agent.agent_id)
            await agent.stop()
            raise
        self._spawn(self._attend(agent))
        return agent

    async def _attend(self, agent: Agent) -> None:
        """See an agent to its end: one that was removed goes and the others stay; a failure is the process's failure."""
        await agent.wait_until_ended()
        if self.agents.get(agent.agent_id) is agent:
            await self._forget(agent.agent_id).stop()
        if not self.agents and not self._end.done():
            self._end.set_result(None)

    def _forget(self, agent_id: str) -> Agent:
        self._gone.add(agent_id)
        self._agent_states.pop(agent_id, None)
        self._agent_heard.pop(agent_id, None)
        return self.agents.pop(agent_id)

    def _start_beating(self) -> None:
        self._spawn(self._beat())
        self._spawn(self._feel_own_pulse())

    async def _beat(self) -> None:
        """Write the sign of life at the adaptive interval, at once when an agent's state changes; never give up.

        Only who is not known any more has to: its key was revoked, its token is no good.
        """
        while True:
            interval_ms = self._interval_ms()
            self._beat_now.clear()
            try:
                await self.mesh.write_beat(self._next_beat(interval_ms))
            except MeshError as error:
                if isinstance(error, PermissionDenied | Unauthenticated) and not isinstance(error, IncarnationEnded):
                    raise
                log.info("sign of life of process %s not written: %s", self.process_id, error)
            try:
                async with asyncio.timeout(interval_ms / 1000):
                    await self._beat_now.wait()
            except TimeoutError:
                continue

    def _interval_ms(self) -> int:
        if self._is_quiet_for(self._heartbeat.asleep_after_ms) and not self._managers():
            return self._heartbeat.asleep_ms
        return self._heartbeat.idle_ms if self._is_idle() else self._heartbeat.active_ms

    def _is_idle(self) -> bool:
        return self._is_quiet_for(self._heartbeat.idle_after_ms)

    def _is_quiet_for(self, ms: int) -> bool:
        return (asyncio.get_running_loop().time() - self._active_at) * 1000 > ms

    def _managers(self) -> list[ManagerAgent]:
        return [agent for agent in self.agents.values() if isinstance(agent, ManagerAgent)]

    def _be_active(self) -> None:
        if self._is_idle():
            self._beat_now.set()  # announces the shorter interval at once
        self._active_at = asyncio.get_running_loop().time()

    def _next_beat(self, interval_ms: int) -> Beat:
        self._beats += 1
        self._lateness = max(0, min(LATENESS_MAX, self._lateness + (1 if self._was_late else -1)))
        self._was_late = False
        return Beat(
            process=self.process_id,
            inc=self.inc,
            seq=self._beats,
            interval_ms=interval_ms,
            agents={agent: self._shown_state(agent) for agent in self._agent_states},
            applied={agent.agent_id: agent.driver.manager.state.replica.index for agent in self._managers()},
            lateness=self._lateness,
        )

    def _shown_state(self, agent_id: str) -> str:
        state = self._agent_states[agent_id]
        return "late" if agent_id in self._late and state == "running" else state

    async def _feel_own_pulse(self) -> None:
        """Measure how late this process runs, which observers make allowance for, and which agents do not turn any more."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + self.agent_beat_seconds
            await asyncio.sleep(self.agent_beat_seconds)
            if (loop.time() - due) * 1000 > self._heartbeat.agent_late_ms:
                self._was_late = True  # the agents could not speak either: they are not to blame
            else:
                self._look_for_late_agents(loop.time())

    def _look_for_late_agents(self, now: float) -> None:
        longest = self._heartbeat.agent_late_ms / 1000
        late = frozenset(agent for agent, heard in self._agent_heard.items() if now - heard > longest)
        if late != self._late:
            log.info("process %s: agents late: %s", self.process_id, ", ".join(sorted(late)) or "none any more")
            self._late = late
            self._beat_now.set()

    async def _listen_to_public_view(self, feed: ViewFeed) -> None:
        async for snapshot in supervised(lambda: self.mesh.watch_document("views/public")):
            for document in snapshot.documents.values():
                feed.put(document.fields)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        log.error("process %s: %s", self.process_id, error)
        if not self._end.done():
            self._end.set_exception(error)
            self._end.exception()  # nobody need be waiting for it


def _check_process_id(process_id: str) -> None:
    if process_id.startswith(CLIENT_PROCESS_PREFIX):
        raise InvalidParameters(f"process: {process_id!r}: names that start with {CLIENT_PROCESS_PREFIX!r} are for API keys")
    try:
        _PROCESS_ID.validate_python(process_id)
    except ValidationError as error:
        raise InvalidParameters(
            f"process: {process_id!r} is no process id: 1 to 47 lower-case letters and digits, with hyphens between them"
        ) from error
