"""What every agent of a process does: join the mesh, show signs of life, keep its state, leave.

An agent belongs to a `Host`, the process that runs it.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from firemesh.core.membership import JOIN, LEAVE, REPLACED_MAX, AgentType, MemberStatus
from firemesh.core.messages import canonical_json
from firemesh.core.sessions import ALREADY_ORDERED
from firemesh.errors import (
    AgentIdInUse,
    InvalidMessage,
    JoinTimeout,
    MeshClosed,
    MeshDraining,
    MeshError,
    MeshFull,
    RequestError,
    UnavailableError,
)
from firemesh.runtime.agent_mesh import STATE_BYTES_MAX
from firemesh.runtime.host import Host
from firemesh.runtime.session import Session
from firemesh.runtime.state_file import AgentMemory, FolderLock
from firemesh.runtime.watch_supervisor import supervised
from firemesh.store import paths

log = logging.getLogger(__name__)

JOIN_SECONDS_MAX = 60.0
JUDGEMENT_POLL_SECONDS = 1.0
"""How often one whose id a silent run still holds looks whether that run has been judged."""
STOP_SECONDS_MAX = 5.0
"""How long an agent tries to leave in good order; the mesh notices a silent one by itself."""

_JOIN_REFUSALS: Mapping[str, type[RequestError]] = {
    "AGENT_ID_IN_USE": AgentIdInUse,
    "MESH_FULL": MeshFull,
    "MESH_DRAINING": MeshDraining,
    "MESH_CLOSED": MeshClosed,
}


class Agent:
    """What every agent does: join, show signs of life, keep its state, leave."""

    type: AgentType = AgentType.WORKER

    def __init__(self, agent_id: str, host: Host) -> None:
        self.agent_id = agent_id
        self._host = host
        self._session = Session(host.mesh, agent_id, host.inc, on_sent=host.on_sent)
        self._memory = AgentMemory()
        self._saving = asyncio.Lock()
        self._lock: FolderLock | None = None
        self._seated = False
        """A join of this incarnation is or may be in force, so that leaving means something."""
        self._since = 0
        """The log index at which the mesh took this incarnation in."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def inc(self) -> str:
        """The incarnation under which the agent last joined."""
        return self._session.inc

    # --- life -------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Join the mesh and begin to work.

        Raises:
            AgentIdInUse: another living process runs this agent, or one on this machine holds its state folder.
            MeshFull: no seat is left.
            JoinTimeout: no manager has answered for a minute; the join is withdrawn.
            StateFileMismatch: the state file on disk is another mesh's.
        """
        file = self._host.state_file(self.agent_id)
        if file is not None:
            self._lock = file.lock()
            self._memory = file.load() or AgentMemory()
        await self._join_in_time()
        self._spawn(self._watch_membership())
        self._spawn(self._beat())
        self.publish_heartbeat()

    async def stop(self) -> None:
        """Leave the mesh in good order and end all work. Without the store it ends anyway, and is missed later."""
        try:
            async with asyncio.timeout(STOP_SECONDS_MAX):
                await self._take_leave()
        except (TimeoutError, MeshError) as error:
            log.warning("agent %s could not tell the mesh that it leaves (%r); it will be missed", self.agent_id, error)
        finally:
            await self.abandon()
            self._finish()

    async def abandon(self) -> None:
        """End all work without a word, as a crash would."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._lock is not None:
            self._lock.release()

    @property
    def may_hold_a_seat(self) -> bool:
        """A join of this incarnation is or may be in force."""
        return self._seated

    async def wait_until_ended(self) -> None:
        """Return when the agent has stopped or was removed from the mesh; raise why it cannot go on, if it cannot."""
        await asyncio.shield(self._end)

    def fail(self, error: BaseException) -> None:
        """The agent cannot go on: say so in the sign of life and to whoever waits for it."""
        log.error("agent %s failed: %s", self.agent_id, error)
        self.publish_heartbeat("failed")
        if not self._end.done():
            self._end.set_exception(error)
            self._end.exception()  # nobody need be waiting for it

    def publish_heartbeat(self, state: str = "running") -> None:
        """Tell the process that this agent is alive; the process tells the mesh."""
        self._host.sign_of_life(self.agent_id, state)

    # --- state ------------------------------------------------------------------------------------------------------

    async def update_state(self, changes: Mapping[str, Any]) -> int:
        """Merge `changes` into the agent's own versioned state (disk and store); the new version.

        Raises:
            InvalidMessage: the state would exceed 100 kB, or is no JSON object; nothing has changed.
            OutcomeUnknown: the store did not confirm; the next update carries the change along.
            IncarnationEnded: likewise, of one that comes back; only a client is told.
        """
        state = {**self._memory.state, **changes}
        if _json_bytes(state) > STATE_BYTES_MAX:
            raise InvalidMessage(f"state of agent {self.agent_id!r} would exceed {STATE_BYTES_MAX} bytes")
        version = self._memory.state_version + 1
        await self._remember(state=state, state_version=version)
        await self._host.mesh.write_state(self.agent_id, version, self.inc, state)
        return version

    def get_state(self) -> Mapping[str, Any]:
        """The agent's own state as last updated."""
        return dict(self._memory.state)

    # --- membership -------------------------------------------------------------------------------------------------

    async def _join_in_time(self) -> None:
        joining = asyncio.create_task(self._join())
        try:
            await asyncio.wait([joining, self._end], timeout=JOIN_SECONDS_MAX, return_when=asyncio.FIRST_COMPLETED)
            if self._end.done():
                self._end.result()
            if not joining.done():
                raise self._too_late()
            joining.result()
        finally:
            joining.cancel()
            await asyncio.gather(joining, return_exceptions=True)

    def _too_late(self) -> MeshError:
        if self._seated:
            return JoinTimeout(
                f"agent {self.agent_id!r}: no manager has let it join in {JOIN_SECONDS_MAX:.0f} s; start it in a new process"
            )
        return AgentIdInUse(
            f"agent {self.agent_id!r}: its earlier run is silent and was not judged in {JOIN_SECONDS_MAX:.0f} s"
        )

    async def _join(self) -> None:
        """Be taken in as a new incarnation, however long it takes.

        One whose id is held by a run that shows no sign of life waits until that run is judged; nobody is pushed aside.
        """
        inc = self._host.inc
        earlier = tuple(known for known in self._memory.incarnations if known != inc)[-REPLACED_MAX:]
        await self._remember(incarnations=(*earlier, inc))
        replaces = earlier if self._host.may_replace else ()
        while True:
            self._session = Session(self._host.mesh, self.agent_id, inc, on_sent=self._host.on_sent)
            self._seated = True
            try:
                await self._be_admitted(replaces)
            except AgentIdInUse:
                if not await self._holder_is_judged():
                    raise
            else:
                break
        await self._remember(incarnations=(inc,))

    async def _holder_is_judged(self) -> bool:
        """Wait while the run that holds this agent's id is silent; whether the id has become free."""
        while True:
            try:
                row = await self._host.mesh.read_fields(f"agents/{self.agent_id}") or {}
                if row.get("status") != MemberStatus.ALIVE:
                    return True
                if not await self._host.is_silent(row["process"], row["inc"]):
                    return False
            except UnavailableError as error:
                log.info("agent %s cannot see who holds its id: %s", self.agent_id, error)
            await asyncio.sleep(JUDGEMENT_POLL_SECONDS)

    async def _be_admitted(self, replaces: tuple[str, ...]) -> None:
        body = {"type": self.type.value, "process": self._host.process_id, "replaces": list(replaces)}
        request_id = self._session.request_id(await self._session.send(JOIN, body))
        verdicts = [asyncio.create_task(self._await_row()), asyncio.create_task(self._await_refusal(request_id))]
        try:
            done, _ = await asyncio.wait(verdicts, return_when=asyncio.FIRST_COMPLETED)
            for verdict in done:
                verdict.result()
        finally:
            for verdict in verdicts:
                verdict.cancel()
            await asyncio.gather(*verdicts, return_exceptions=True)

    async def _await_row(self) -> None:
        async with aclosing(self._fields(f"agents/{self.agent_id}")) as rows:
            async for row in rows:
                if row["inc"] == self.inc and row["status"] == MemberStatus.ALIVE:
                    self._since = row["since"]
                    return

    async def _await_refusal(self, request_id: str) -> None:
        async with aclosing(self._fields(f"refused/{request_id}")) as refusals:
            async for refusal in refusals:
                if refusal["reason"] == ALREADY_ORDERED:
                    continue  # a second copy of a join that succeeded
                self._seated = False
                error = _JOIN_REFUSALS.get(refusal["reason"], InvalidMessage)
                mesh_id = self._host.mesh.mesh_id
                raise error(f"agent {self.agent_id!r} may not join mesh {mesh_id!r}: {refusal['reason']}")

    async def _watch_membership(self) -> None:
        """Notice what the mesh decides about this agent: removed, declared dead while alive, taken over by another process.

        The row of a living agent goes with its mesh alone: then the mesh was deleted.
        """
        async with aclosing(self._contents(f"agents/{self.agent_id}")) as rows:
            async for row in rows:
                if row is None:
                    if await self._is_forgotten():
                        self._removed()
                        return
                    continue
                if row["since"] < self._since:
                    continue
                if row["inc"] != self.inc:
                    self._seated = False
                    raise AgentIdInUse(f"another process has taken over agent {self.agent_id!r}")
                if row["status"] == MemberStatus.LEFT:
                    self._removed()
                    return
                if row["status"] == MemberStatus.DEAD:
                    await self._come_back()

    async def _is_forgotten(self) -> bool:
        """Whether a row that a listener misses is not there indeed."""
        try:
            return await self._host.mesh.read_fields(f"agents/{self.agent_id}") is None
        except UnavailableError as error:
            log.info("agent %s cannot see whether it is still a member: %s", self.agent_id, error)
            return False

    async def _come_back(self) -> None:
        """Declared dead while alive, by a pause or a cut connection: join again, as long as it takes, as a new incarnation."""
        log.warning("agent %s was declared dead; joining again as a new incarnation", self.agent_id)
        await self._host.renew_incarnation(self.inc)
        await self._join()

    def _removed(self) -> None:
        log.warning("agent %s was removed from mesh %s", self.agent_id, self._host.mesh.mesh_id)
        self._seated = False
        self._finish()

    def _finish(self) -> None:
        if not self._end.done():
            self._end.set_result(None)

    async def _take_leave(self) -> None:
        await self.abandon()
        if self._seated:
            self._seated = False
            await self._session.send(LEAVE, {})

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _beat(self) -> None:
        """The inner tier: tell the process that this agent's tasks run. Costs nothing in the store."""
        while True:
            self._host.agent_beat(self.agent_id)
            await asyncio.sleep(self._host.agent_beat_seconds)

    async def _fields(self, path: str) -> AsyncGenerator[Mapping[str, Any], None]:
        """The content of one document of the mesh, whenever it changes and exists."""
        async with aclosing(self._contents(path)) as contents:
            async for content in contents:
                if content is not None:
                    yield content

    async def _contents(self, path: str) -> AsyncGenerator[Mapping[str, Any] | None, None]:
        """The same, and None whenever the document does not exist."""
        full = paths.below(self._host.mesh.mesh_id, path)
        async with aclosing(supervised(lambda: self._host.mesh.watch_document(path))) as snapshots:
            async for snapshot in snapshots:
                yield snapshot.documents[full].fields if full in snapshot.documents else None

    async def _remember(self, **changes: Any) -> None:
        memory = replace(self._memory, **changes)
        if memory == self._memory:
            return
        self._memory = memory
        file = self._host.state_file(self.agent_id)
        if file is not None:
            async with self._saving:
                await asyncio.to_thread(file.save, self._memory)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)


def _json_bytes(state: Mapping[str, Any]) -> int:
    try:
        return len(canonical_json(state).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidMessage(f"the state is not a JSON object: {error}") from error
