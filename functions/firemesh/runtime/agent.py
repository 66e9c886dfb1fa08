"""What every agent of a process does: join the mesh, show signs of life, keep its state, leave.

An agent belongs to a `Host`, the process that runs it: they share one connection, one incarnation and one sign of life.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any, Protocol

from firemesh.core.membership import JOIN, LEAVE, AgentType, MemberStatus
from firemesh.core.messages import Command
from firemesh.errors import AgentIdInUse, InvalidMessage, MeshClosed, MeshFull, RequestError, StoreUnavailable
from firemesh.runtime.session import Session
from firemesh.runtime.state_file import AgentMemory, StateFile
from firemesh.runtime.watch_supervisor import supervised
from firemesh.store import paths
from firemesh.store.base import Put
from firemesh.store.mesh_store import MeshStore

log = logging.getLogger(__name__)

JOIN_SECONDS_MAX = 60.0
STATE_BYTES_MAX = 100_000

_JOIN_REFUSALS: Mapping[str, type[RequestError]] = {
    "AGENT_ID_IN_USE": AgentIdInUse,
    "MESH_FULL": MeshFull,
    "MESH_CLOSED": MeshClosed,
}


class Host(Protocol):
    """What an agent needs of the process that runs it."""

    process_id: str
    inc: str
    mesh: MeshStore

    def state_file(self, agent_id: str) -> StateFile | None:
        """Where the agent keeps its memory; None when it keeps none."""
        ...

    def sign_of_life(self, agent_id: str, state: str) -> None:
        """The agent is alive and in this state."""
        ...

    def renew_incarnation(self, ended: str) -> None:
        """The incarnation `ended` was declared dead although this process lives: begin a new one (once)."""
        ...

    def on_sent(self, command: Command) -> None:
        """A command of one of the agents is surely in the inbox."""
        ...

    async def public_view(self) -> "ViewFeed":
        """The one listener to `views/public` that all agents of the process share."""
        ...


class ViewFeed:
    """The latest content of one view, for any number of readers of the same process."""

    def __init__(self) -> None:
        self.view: Mapping[str, Any] = {}
        self.applied_index = 0
        self.changed = asyncio.Condition()

    async def put(self, fields: Mapping[str, Any]) -> None:
        """Take a newer version of the view."""
        async with self.changed:
            self.view = fields.get("view", {})
            self.applied_index = fields.get("applied_index", 0)
            self.changed.notify_all()


class Agent:
    """What every agent does: join, show signs of life, keep its state, leave."""

    type: AgentType = AgentType.WORKER

    def __init__(self, agent_id: str, host: Host) -> None:
        self.agent_id = agent_id
        self._host = host
        self._session = Session(host.mesh, agent_id, host.inc, on_sent=host.on_sent)
        self._memory = AgentMemory()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def inc(self) -> str:
        """The incarnation under which the agent last joined."""
        return self._session.inc

    async def start(self) -> None:
        """Join the mesh and begin to work.

        Raises:
            AgentIdInUse: another living process runs this agent.
            MeshFull: no seat is left.
            StoreUnavailable: no manager has answered for a minute.
            StateFileMismatch: the state file on disk is another mesh's.
        """
        file = self._host.state_file(self.agent_id)
        remembered = file.load() if file is not None else None
        self._memory = remembered or AgentMemory()
        await self._join(replaces=self._memory.inc)
        self._spawn(self._watch_membership())
        self.publish_heartbeat()

    async def stop(self) -> None:
        """Leave the mesh in good order and end all work."""
        await self.abandon()
        await self._session.send(LEAVE, {})

    async def abandon(self) -> None:
        """End all work without a word, as a crash would."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def wait_for_failure(self) -> None:
        """Return never, unless the agent cannot go on: then raise why."""
        await asyncio.shield(self._failure)

    def fail(self, error: BaseException) -> None:
        """The agent cannot go on: say so in the sign of life and to whoever waits for it."""
        log.error("agent %s failed: %s", self.agent_id, error)
        self.publish_heartbeat("failed")
        if not self._failure.done():
            self._failure.set_exception(error)

    def publish_heartbeat(self, state: str = "running") -> None:
        """Tell the process that this agent is alive; the process tells the mesh."""
        self._host.sign_of_life(self.agent_id, state)

    async def update_state(self, changes: Mapping[str, Any]) -> int:
        """Merge `changes` into the agent's own versioned state (disk and store); the new version.

        Raises:
            InvalidMessage: the state would exceed 100 kB.
            OutcomeUnknown: the store did not confirm; the next update carries the change along.
        """
        state = {**self._memory.state, **changes}
        if len(repr(state)) > STATE_BYTES_MAX:
            raise InvalidMessage(f"state of agent {self.agent_id!r} would exceed {STATE_BYTES_MAX} bytes")
        version = self._memory.state_version + 1
        self._remember(state=state, state_version=version)
        path = paths.state(self._host.mesh.mesh_id, self.agent_id)
        await self._host.mesh.store.commit([Put(path, {"version": version, "inc": self.inc, "values": state})])
        return version

    def get_state(self) -> Mapping[str, Any]:
        """The agent's own state as last updated."""
        return dict(self._memory.state)

    async def _join(self, replaces: str) -> None:
        inc = self._host.inc
        self._session = Session(self._host.mesh, self.agent_id, inc, on_sent=self._host.on_sent)
        await self._session.send(JOIN, {"type": self.type.value, "process": self._host.process_id, "replaces": replaces})
        try:
            async with asyncio.timeout(JOIN_SECONDS_MAX):
                await self._await_membership(inc)
        except TimeoutError as error:
            raise StoreUnavailable(f"agent {self.agent_id!r}: no manager has let it join in {JOIN_SECONDS_MAX} s") from error
        self._remember(inc=inc)

    async def _await_membership(self, inc: str) -> None:
        accepted = asyncio.create_task(self._await_row(inc))
        refused = asyncio.create_task(self._await_refusal(inc))
        try:
            done, _ = await asyncio.wait([accepted, refused], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            accepted.cancel()
            refused.cancel()

    async def _await_row(self, inc: str) -> None:
        async for row in self._fields(f"agents/{self.agent_id}"):
            if row.get("inc") == inc and row.get("status") == MemberStatus.ALIVE:
                return

    async def _await_refusal(self, inc: str) -> None:
        async for fields in self._fields(f"refused/{self.agent_id}_{inc}"):
            for refusal in fields.get("refusals", []):
                error = _JOIN_REFUSALS.get(refusal["reason"], InvalidMessage)
                raise error(f"agent {self.agent_id!r} may not join mesh {self._host.mesh.mesh_id!r}: {refusal['reason']}")

    async def _watch_membership(self) -> None:
        """Notice being declared dead while alive, and come back as a new incarnation; end when removed."""
        async for row in self._fields(f"agents/{self.agent_id}"):
            if row.get("inc") != self.inc or row.get("status") == MemberStatus.ALIVE:
                continue
            if row.get("status") == MemberStatus.LEFT:
                raise RequestError(f"agent {self.agent_id!r} was removed from mesh {self._host.mesh.mesh_id!r}")
            log.warning("agent %s was declared dead; joining again as a new incarnation", self.agent_id)
            self._host.renew_incarnation(self.inc)
            await self._join(replaces="")

    async def _fields(self, path: str) -> AsyncIterator[Mapping[str, Any]]:
        """The content of one document of the mesh, whenever it changes and exists."""
        full = paths.below(self._host.mesh.mesh_id, path)
        async for snapshot in supervised(lambda: self._host.mesh.watch_document(path)):
            if full in snapshot.documents:
                yield snapshot.documents[full].fields

    def _remember(self, **changes: Any) -> None:
        values = {name: getattr(self._memory, name) for name in ("inc", "state_version", "state", "behaviour")}
        memory = AgentMemory(**{**values, **changes})
        if memory != self._memory:
            self._memory = memory
            file = self._host.state_file(self.agent_id)
            if file is not None:
                file.save(memory)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        self.fail(error)
