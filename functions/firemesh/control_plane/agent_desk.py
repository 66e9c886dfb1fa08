"""What an agent does over REST in its own name: show life, send, keep its state, receive. Thin, and one permission table.

Who it is stands in its session (`Identity.agent`, `inc`), so none of this takes the word of the caller for it. These calls
are too many for the audit trail: allowed ones are in the log lines, denied ones in both.
"""

from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from firemesh.control_plane.access import Identity, Operation, Seat
from firemesh.control_plane.agent_events import AgentEvents, EventId
from firemesh.control_plane.command_door import CommandDoor, CommandStatus
from firemesh.control_plane.guard import Guard
from firemesh.core.health import Beat
from firemesh.core.messages import canonical_json
from firemesh.errors import AgentIdInUse, AgentNotFound, InvalidMessage, NotStored, PreconditionFailed, VersionMoved
from firemesh.runtime.admission import client_process
from firemesh.runtime.agent_mesh import STATE_BYTES_MAX
from firemesh.store import paths
from firemesh.store.base import Create, Document, Put, Store
from firemesh.store.mesh_store import STAMP, MeshStore

MESHES_KEPT_MAX = 100
CREATE_ONLY = 0
"""The version before the first: what is to be replaced is nothing."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A sign of life as the mesh has it: which run showed it, and how long ago by the store's clock."""

    inc: str
    seq: int
    interval_ms: int
    lateness: int
    written_ms: int
    read_ms: int


@dataclass(frozen=True, slots=True)
class AgentState:
    """What an agent keeps of its own; `version` counts its updates."""

    version: int
    inc: str
    values: Mapping[str, Any]


class AgentDesk:
    """Serves the agents that come with a session. `guard` decides and records as for everybody else."""

    def __init__(self, store: Store, guard: Guard) -> None:
        self._store = store
        self._guard = guard
        self._door = CommandDoor(store)
        self._meshes: OrderedDict[str, MeshStore] = OrderedDict()
        self._streams: dict[tuple[str, str], AgentEvents] = {}
        """One per agent: its next one ends the one before, whose reader has often gone without a word."""

    async def write_heartbeat(
        self,
        identity: Identity,
        mesh_id: str,
        agent_id: str,
        *,
        seq: int,
        interval_ms: int,
        state: str = "running",
        lateness: int = 0,
        request_id: str = "",
    ) -> None:
        """Replace the agent's sign of life, in one write. A copy that comes late says nothing: the leader knows its number.

        Raises:
            AgentNotFound: it has not joined yet, so there is no silence to break.
            AgentIdInUse: another living run has the id; its sign of life is not written over.
            What `Guard.authorize` and `Store.commit` raise.
        """
        await self._guard.authorize(identity, Operation.WRITE_HEARTBEAT, mesh_id, target=agent_id, request_id=request_id)
        _require_own_seat(identity)
        beat = Beat(
            process=client_process(agent_id),
            inc=identity.inc,
            seq=seq,
            interval_ms=interval_ms,
            agents={agent_id: state},
            applied={},
            lateness=lateness,
        )
        await self._mesh(mesh_id).write_beat(beat)

    async def read_heartbeat(self, identity: Identity, mesh_id: str, agent_id: str, *, request_id: str = "") -> Heartbeat:
        """The last sign of life under the agent's id, perhaps of an earlier run. Raises NotStored, and as `authorize`."""
        await self._guard.authorize(identity, Operation.READ_HEARTBEAT, mesh_id, target=agent_id, request_id=request_id)
        beat, written, read = await self._mesh(mesh_id).read_beat(client_process(agent_id))
        if beat is None:
            raise NotStored(f"agent {agent_id!r} shows no sign of life")
        return Heartbeat(beat.inc, beat.seq, beat.interval_ms, beat.lateness, written // 1_000_000, read // 1_000_000)

    async def submit_command(
        self,
        identity: Identity,
        mesh_id: str,
        agent_id: str,
        *,
        seq: int,
        kind: str,
        body: Mapping[str, Any],
        request_id: str = "",
    ) -> bool:
        """Put a command into the inbox; False when it was put there before. Raises as `authorize` and `CommandDoor.pass_on`."""
        await self._guard.authorize(identity, Operation.SUBMIT_COMMAND, mesh_id, target=agent_id, request_id=request_id)
        return await self._door.pass_on(identity, seq, kind, body)

    async def see_command(
        self, identity: Identity, mesh_id: str, agent_id: str, seq: int, *, request_id: str = ""
    ) -> CommandStatus:
        """What became of a command. Raises NotStored, and what `authorize` raises."""
        await self._guard.authorize(identity, Operation.SEE_COMMAND, mesh_id, target=agent_id, request_id=request_id)
        return await self._door.status(identity, seq)

    async def read_own_state(self, identity: Identity, mesh_id: str, agent_id: str, *, request_id: str = "") -> AgentState:
        """The state the agent has stored. Raises NotStored, AgentNotFound, AgentIdInUse, and what `authorize` raises."""
        await self._guard.authorize(identity, Operation.READ_OWN_STATE, mesh_id, target=agent_id, request_id=request_id)
        _require_own_seat(identity)
        stored = await self._state(mesh_id, agent_id)
        if stored is None:
            raise NotStored(f"agent {agent_id!r} has stored no state")
        return AgentState(stored.fields["version"], stored.fields["inc"], stored.fields["values"])

    async def write_own_state(
        self,
        identity: Identity,
        mesh_id: str,
        agent_id: str,
        *,
        replaces: int,
        values: Mapping[str, Any],
        request_id: str = "",
    ) -> AgentState:
        """Replace version `replaces` of the agent's state by the next; 0 (CREATE_ONLY) when there is none yet.

        Raises:
            InvalidMessage: larger than 100 kB.
            VersionMoved: another version is stored, or none.
            AgentNotFound, AgentIdInUse: this run is no member.
            What `authorize` and `Store.commit` raise.
        """
        await self._guard.authorize(identity, Operation.WRITE_OWN_STATE, mesh_id, target=agent_id, request_id=request_id)
        _require_own_seat(identity)
        if len(canonical_json(values).encode()) > STATE_BYTES_MAX:
            raise InvalidMessage(f"a state takes {STATE_BYTES_MAX} bytes of JSON")
        state = AgentState(replaces + 1, identity.inc, values)
        fields = {"version": state.version, "inc": state.inc, "values": dict(values)}
        path = paths.state(mesh_id, agent_id)
        stored = None if replaces == CREATE_ONLY else await self._state(mesh_id, agent_id)
        if (CREATE_ONLY if stored is None else stored.fields["version"]) != replaces:
            raise _moved(agent_id, replaces)
        write = Create(path, fields, stamp=STAMP) if stored is None else Put(path, fields, stored.update_time, stamp=STAMP)
        try:
            await self._store.commit([write])
        except PreconditionFailed as error:
            raise _moved(agent_id, replaces) from error
        return state

    async def receive_events(
        self, identity: Identity, mesh_id: str, agent_id: str, *, after: EventId, request_id: str = ""
    ) -> AsyncGenerator[str, None]:
        """The text of a stream of what the agent may see, from what it has seen on. Raises what `authorize` raises."""
        await self._guard.authorize(identity, Operation.RECEIVE_EVENTS, mesh_id, target=agent_id, request_id=request_id)
        return self._one_at_a_time((mesh_id, agent_id), AgentEvents(self._store, identity, after))

    async def _one_at_a_time(self, agent: tuple[str, str], stream: AgentEvents) -> AsyncGenerator[str, None]:
        if agent in self._streams:
            self._streams[agent].end("replaced")
        self._streams[agent] = stream
        try:
            async with aclosing(stream.frames()) as frames:
                async for frame in frames:
                    yield frame
        finally:
            if self._streams.get(agent) is stream:
                del self._streams[agent]

    async def _state(self, mesh_id: str, agent_id: str) -> Document | None:
        path = paths.state(mesh_id, agent_id)
        return (await self._store.get_all([path])).documents.get(path)

    def _mesh(self, mesh_id: str) -> MeshStore:
        """Kept, because it remembers the store's time, by which a sign of life is given its end."""
        mesh = self._meshes.setdefault(mesh_id, MeshStore(self._store, mesh_id))
        self._meshes.move_to_end(mesh_id)
        if len(self._meshes) > MESHES_KEPT_MAX:
            self._meshes.popitem(last=False)
        return mesh


def _require_own_seat(identity: Identity) -> None:
    if identity.seat is Seat.TAKEN:
        raise AgentIdInUse(f"another run of agent {identity.agent!r} lives in mesh {identity.mesh!r}")
    if identity.seat is Seat.FREE:
        raise AgentNotFound(f"agent {identity.agent!r} is not in mesh {identity.mesh!r} yet: send mesh.join as command 1")


def _moved(agent_id: str, replaces: int) -> VersionMoved:
    return VersionMoved(f"the state of agent {agent_id!r} is not at version {replaces}; read it, then decide anew")
