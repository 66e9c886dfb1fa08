"""One process of a mesh: any number of agents over one connection, one incarnation, one sign of life.

The unit of failure is the process, so that is what beats (see `pulse`).
"""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from firemesh.core.effects import RunEnded
from firemesh.core.health import HealthPolicy
from firemesh.core.machine import Machine
from firemesh.core.messages import Command
from firemesh.core.params import Params
from firemesh.errors import (
    AgentNotFound,
    AlreadyExists,
    InvalidMessage,
    InvalidParameters,
    MeshClosed,
    MeshError,
    PermissionDenied,
)
from firemesh.game.registry import machine_named
from firemesh.ids import ProcessId
from firemesh.runtime.admission import CLIENT_PROCESS_PREFIX, Admission
from firemesh.runtime.agent import Agent
from firemesh.runtime.agent_mesh import AgentMesh, is_silent
from firemesh.runtime.behaviour import Behaviour
from firemesh.runtime.host import ViewFeed
from firemesh.runtime.manager_agent import ManagerAgent
from firemesh.runtime.neighbours import Neighbours
from firemesh.runtime.pulse import HeartbeatPolicy, Pulse
from firemesh.runtime.state_file import StateFile
from firemesh.runtime.watch_supervisor import supervised
from firemesh.runtime.worker_agent import WorkerAgent
from firemesh.store.base import Store
from firemesh.store.mesh_store import MeshStore

log = logging.getLogger(__name__)

AnyAgent = TypeVar("AnyAgent", bound=Agent)

AGENTS_MAX = 30
_PROCESS_ID: TypeAdapter[str] = TypeAdapter(ProcessId)


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
        jitter: random.Random | None = None,
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
        self._jitter = jitter or random.Random()
        self._on_sent = on_sent
        self._pulse = Pulse(mesh, lambda: (self.process_id, self.inc), self._heartbeat, self._applied)
        self._gone: set[str] = set()
        self._public: ViewFeed | None = None
        self._neighbours: Neighbours | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(
        cls, store: Store, mesh_id: str, process_id: str, *, neighbours: Path | None = None, **options: Any
    ) -> "AgentProcess":
        """Find the mesh and get ready to run agents of it, with server credentials.

        Processes of one machine that are given the same folder as `neighbours` tell each other of their end, so that managers
        do not wait for the lease of a leader whose process was killed.

        Raises:
            MeshNotFound: there is no such mesh.
            MeshClosed: it is over.
            UnknownMachine: this program does not have the machine the mesh replicates.
            InvalidParameters: the process id is malformed or a client's, the mesh's timing contradicts itself, or the
                folder for neighbours cannot be used.
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
        if neighbours is not None:
            process._neighbours = Neighbours(neighbours / mesh_id, inc, process._hear_of_end)
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
            jitter=self._jitter,
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
        if self._neighbours is not None:
            self._neighbours.close()
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
        self._pulse.show(agent_id, state)

    def agent_beat(self, agent_id: str) -> None:
        """See `Host`."""
        self._pulse.hear(agent_id)

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
                self._pulse.begin_anew()
                if self._neighbours is not None:
                    self._neighbours.announce(self.inc)

    def on_sent(self, command: Command) -> None:
        """See `Host`."""
        self._pulse.be_active()
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
        self._pulse.forget(agent_id)
        return self.agents.pop(agent_id)

    def _start_beating(self) -> None:
        self._spawn(self._pulse.beat())
        self._spawn(self._pulse.feel())

    def _hear_of_end(self, inc: str) -> None:
        for agent in self.agents.values():
            if isinstance(agent, ManagerAgent):
                agent.driver.tell(RunEnded(inc))

    def _applied(self) -> Mapping[str, int]:
        managers = [agent for agent in self.agents.values() if isinstance(agent, ManagerAgent)]
        return {agent.agent_id: agent.driver.manager.state.replica.index for agent in managers}

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
