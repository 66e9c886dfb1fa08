"""What a running mesh shows to those who operate it: a token to listen with, the log without its contents, and, to a key
made for that alone, what every player has been told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from firemesh.control_plane.access import Identity, Operation
from firemesh.control_plane.control_panel import TokenMinter
from firemesh.control_plane.guard import Guard
from firemesh.core.machine import agent_audience
from firemesh.core.messages import Command, Entry
from firemesh.core.replica import views
from firemesh.runtime.replay import read_replica
from firemesh.store.base import Store
from firemesh.store.mesh_store import MeshStore

LOG_LINES_MAX = 100
"""Entries in one page of the log."""
MESH_KINDS_PREFIX = "mesh."
"""Commands about the mesh itself, which may be named; what a game's commands are is for its players."""


@dataclass(frozen=True, slots=True)
class WatchingMesh:
    """What an operator's console needs: a token with which the security rules let it listen to this mesh."""

    mesh: str
    machine: str
    params: Mapping[str, int]
    custom_token: str


@dataclass(frozen=True, slots=True)
class MeshEvent:
    """A command about the mesh itself, and about which agent."""

    kind: str
    agent: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """An entry of the log as far as operators may see it: when and by whom, how much, and nothing a player has said or done.

    Times are the store's, in milliseconds: `asked_ms` when its oldest request reached the inbox (0: it has none), `at_ms`
    the leader's estimate when it ordered, `stored_ms` when the entry was committed.
    """

    index: int
    term: int
    leader: str
    asked_ms: int
    at_ms: int
    stored_ms: int
    commands: int
    events: tuple[MeshEvent, ...]


@dataclass(frozen=True, slots=True)
class LogPage:
    """Entries in order; the oldest that is kept, and the newest of all."""

    lines: tuple[LogLine, ...]
    first_index: int
    last_index: int


@dataclass(frozen=True, slots=True)
class Secrets:
    """By agent or program, its own view: role, findings, closed channels."""

    views: Mapping[str, Mapping[str, Any]]


class InsightDesk:
    """The use cases of looking at a running mesh."""

    def __init__(self, store: Store, guard: Guard, *, mint_token: TokenMinter) -> None:
        self._store = store
        self._guard = guard
        self._mint_token = mint_token

    async def watch_mesh(self, identity: Identity, mesh_id: str, *, request_id: str = "") -> WatchingMesh:
        """Let an operator listen to health, topology, public view, signs of life and audit trail of a mesh.

        The token ends, for the rules, with the key it was asked for with. Raises MeshNotFound, and what `authorize` raises.
        """
        await self._guard.authorize(identity, Operation.WATCH_MESH, mesh_id, request_id=request_id)
        record = await MeshStore(self._store, mesh_id).read_record()
        claims = {"mesh": mesh_id, "access_role": identity.role.value, "key": identity.key_id}
        token = await self._mint_token(f"{mesh_id}:operator:{identity.key_id}", claims)
        return WatchingMesh(mesh_id, record.machine, record.params, token)

    async def read_log(
        self, identity: Identity, mesh_id: str, *, start: int = 0, limit: int = 50, request_id: str = ""
    ) -> LogPage:
        """Entries from index `start` on, at most `limit` (1 to LOG_LINES_MAX); with 0, the newest.

        Raises MeshNotFound, and what `authorize` raises.
        """
        await self._guard.authorize(identity, Operation.READ_LOG, mesh_id, request_id=request_id)
        mesh = MeshStore(self._store, mesh_id)
        head, _, _ = await mesh.read_head()
        first = max(start or head.last_index - limit + 1, head.first_index)
        stored = await mesh.read_stored_entries(first, min(head.last_index, first + limit - 1))
        lines = tuple(_line(entry, written // 1_000_000) for entry, written in stored)
        return LogPage(lines, head.first_index, head.last_index)

    async def read_secrets(self, identity: Identity, mesh_id: str, *, request_id: str = "") -> Secrets:
        """What every agent, and every program, has been told for itself alone; worked out from the log, where it all stands.

        Raises what `authorize` and `read_replica` raise.
        """
        await self._guard.authorize(identity, Operation.READ_SECRETS, mesh_id, request_id=request_id)
        machine, replica = await read_replica(MeshStore(self._store, mesh_id))
        shown = views(replica, machine)
        told = {agent: shown.get(agent_audience(agent)) for agent in sorted(replica.roster.members)}
        secrets = {**told, **machine.hidden_views(replica.machine_state)}
        return Secrets({agent: view for agent, view in secrets.items() if view})


def _line(entry: Entry, stored_ms: int) -> LogLine:
    return LogLine(
        index=entry.index,
        term=entry.term,
        leader=entry.nonce.partition("/")[0],
        asked_ms=entry.asked_ms,
        at_ms=entry.at_ms,
        stored_ms=stored_ms,
        commands=len(entry.batch),
        events=_events(entry.batch),
    )


def _events(batch: Sequence[Command]) -> tuple[MeshEvent, ...]:
    """The commands about the mesh itself, with the agent each is about: its sender, or whom an order names."""
    return tuple(
        MeshEvent(command.kind, command.agent_id or str(command.body.get("agent", command.body.get("to", ""))))
        for command in batch
        if command.kind.startswith(MESH_KINDS_PREFIX)
    )
