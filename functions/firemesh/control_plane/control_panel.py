"""The use cases of operating meshes. Every interface (REST, command line) is a thin layer over these."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from firemesh.control_plane.access import ANY_MESH, AccessRole, Identity, Operation, denial
from firemesh.control_plane.agent_sessions import AgentSessions
from firemesh.control_plane.api_key import KEY_PREFIX, ApiKey
from firemesh.control_plane.audit import Decision, log_decision
from firemesh.control_plane.guard import Guard
from firemesh.control_plane.key_ring import KEY_DAYS, AlsoLanding, KeyRequest, KeyRing, NewKey, nothing
from firemesh.control_plane.mesh_end import delete_with_keys
from firemesh.control_plane.session_token import AgentClaims
from firemesh.core.health import HealthPolicy
from firemesh.core.membership import CLOSE, DRAIN, REMOVE, TRANSFER, MemberStatus
from firemesh.core.messages import MeshStatus
from firemesh.core.params import PROFILES
from firemesh.errors import AgentIdInUse, InvalidMessage, InvalidParameters, MeshClosed, MeshDraining, Unauthenticated
from firemesh.ids import new_incarnation
from firemesh.runtime.admission import Admission, client_process
from firemesh.runtime.agent_mesh import is_silent
from firemesh.runtime.mesh import Mesh, MeshReport, list_mesh_ids
from firemesh.store import paths
from firemesh.store.base import Store, Write
from firemesh.store.mesh_removal import Removal
from firemesh.store.mesh_store import Hosting, MeshStore

OPERATOR_VIEWS = ("health", "public", "topology")
"""Views for operators; `firestore.rules` names the same. What one player sees is for that player."""

ORDERS: Mapping[str, Operation] = {
    REMOVE: Operation.TERMINATE_AGENT,
    DRAIN: Operation.DRAIN_MESH,
    CLOSE: Operation.CLOSE_MESH,
    TRANSFER: Operation.TRANSFER_LEADERSHIP,
}
"""Whose permission an operator's order needs, beside that to send one."""

MESHES_LISTED_MAX = 100
"""Meshes in one page of a list."""

TokenMinter = Callable[[str, Mapping[str, str]], Awaitable[str]]
"""Makes a custom token for a user id and claims."""


@dataclass(frozen=True, slots=True)
class MeshPage:
    """Some meshes in the order of their ids, and the id at which the next page starts (empty: this was the last)."""

    meshes: tuple[str, ...]
    next_start: str


class ControlPanel:
    """Operates the meshes of one project. Each use case takes who asks, and decides by the one permission table.

    Every decision is logged; denials and changes are stored in the audit trail before anything is done (see `Guard`).
    """

    def __init__(self, store: Store, keys: KeyRing, sessions: AgentSessions, guard: Guard, *, mint_token: TokenMinter) -> None:
        self._store = store
        self._keys = keys
        self._sessions = sessions
        self._guard = guard
        self._mint_token = mint_token

    async def authenticate(self, credential: str, *, request_id: str = "") -> Identity:
        """Who presents this API key, session token or ID token. Raises Unauthenticated.

        A refusal is logged and not stored: a stranger must not be able to make us write.
        """
        try:
            if credential.startswith(KEY_PREFIX):
                return await self._keys.find(ApiKey.parse(credential))
            return await self._sessions.find(credential)
        except Unauthenticated as error:
            log_decision(
                Decision(
                    who="", role="", operation="authenticate", allowed=False, reason=str(error)[:80], request_id=request_id
                )
            )
            raise

    async def authorize(
        self, identity: Identity, operation: Operation, mesh_id: str = "", *, target: str = "", request_id: str = ""
    ) -> None:
        """Decide by the table, record the decision, and raise PermissionDenied when it is no. See `Guard.authorize`."""
        await self._guard.authorize(identity, operation, mesh_id, target=target, request_id=request_id)

    async def create_mesh(
        self,
        identity: Identity,
        mesh_id: str,
        *,
        machine: str,
        setup: Mapping[str, Any],
        profile: str = "default",
        hosting: Hosting = Hosting.PROCESSES,
        request_id: str = "",
        also: Sequence[Write] = (),
    ) -> None:
        """Create a mesh with nobody in it, and land `also` in the same commit.

        Raises:
            InvalidParameters: no such profile.
            What `authorize` and `Mesh.create` raise.
        """
        # The trail lies below the mesh, so the decision about one that cannot be is not recorded: nothing would ever delete
        # it. (The project's trail could take it, but then a mesh's own would not begin with who made it.) Whom the table
        # denies does not come so far: what is wrong with the mesh is none of its business.
        if not denial(identity, Operation.CREATE_MESH, mesh_id):
            if profile not in PROFILES:
                raise InvalidParameters(f"profile {profile!r} must be one of {', '.join(PROFILES)}")
            Mesh.check(mesh_id, machine=machine, setup=setup)
        await self.authorize(identity, Operation.CREATE_MESH, mesh_id, request_id=request_id)
        await Mesh.create(
            self._store, mesh_id, machine=machine, setup=setup, params=PROFILES[profile], hosting=hosting, also=also
        )

    async def list_meshes(self, identity: Identity, *, start: str = "", limit: int = 50, request_id: str = "") -> MeshPage:
        """The meshes in the key's scope, by id. Raises what `authorize` raises, and InvalidParameters for a wrong limit."""
        await self.authorize(identity, Operation.LIST_MESHES, request_id=request_id)
        if not 1 <= limit <= MESHES_LISTED_MAX:
            raise InvalidParameters(f"limit={limit} must be from 1 to {MESHES_LISTED_MAX}")
        if identity.mesh != ANY_MESH:
            own = paths.mesh(identity.mesh)
            found = (await self._store.get_all([own])).documents
            return MeshPage(tuple(document.id for document in found.values()), "")
        ids = await list_mesh_ids(self._store, start=start, limit=limit + 1)
        return MeshPage(ids[:limit], ids[limit] if len(ids) > limit else "")

    async def get_mesh_status(self, identity: Identity, mesh_id: str, *, request_id: str = "") -> MeshReport:
        """Who leads, who is in it, what is wrong. Raises MeshNotFound, and what `authorize` raises."""
        await self.authorize(identity, Operation.GET_MESH_STATUS, mesh_id, request_id=request_id)
        return await Mesh(self._store, mesh_id).get_status()

    async def join_mesh(self, identity: Identity, mesh_id: str, agent_id: str, *, request_id: str = "") -> Admission:
        """Admit an agent to the door of a mesh: it then sends `mesh.join` with this incarnation, and the leader decides.

        Raises:
            MeshNotFound: there is nothing to join.
            MeshClosed, MeshDraining: the mesh lets nobody in, or nobody new.
            AgentIdInUse: a living agent has this id, and shows signs of life.
            What `authorize` raises.
        """
        await self.authorize(identity, Operation.JOIN_MESH, mesh_id, target=agent_id, request_id=request_id)
        mesh = MeshStore(self._store, mesh_id)
        record, head, _ = await mesh.read_standing()
        row = await mesh.read_fields(f"agents/{agent_id}")
        if head.closed:
            raise MeshClosed(f"mesh {mesh_id!r} is closed")
        if head.status is MeshStatus.DRAINING and (row is None or row["status"] == MemberStatus.LEFT):
            raise MeshDraining(f"mesh {mesh_id!r} lets nobody new in")
        if row is not None and row["status"] == MemberStatus.ALIVE:
            # A silent run is judged soon; who comes back after a crash waits for that with the admission in hand.
            if not await is_silent(mesh, row["process"], row["inc"], HealthPolicy()):
                raise AgentIdInUse(f"mesh {mesh_id!r} has a living agent {agent_id!r}")
        claims = AgentClaims(
            mesh=mesh_id, agent=agent_id, inc=new_incarnation(), access_role=identity.role, key=identity.key_id
        )
        return Admission(
            mesh=mesh_id,
            agent=agent_id,
            inc=claims.inc,
            type=claims.type.value,
            access_role=claims.access_role.value,
            process=client_process(agent_id),
            machine=record.machine,
            params=record.params,
            custom_token=await self._mint_token(f"{mesh_id}:{agent_id}", claims.model_dump(mode="json")),
            session=self._sessions.issue(claims, now_ms=mesh.told_ms),
        )

    async def refresh_session(
        self, identity: Identity, mesh_id: str, agent_id: str, session: str, *, request_id: str = ""
    ) -> str:
        """A new session token for an old one, which may have expired. Raises as `authorize` and `AgentSessions.refresh`."""
        await self.authorize(identity, Operation.REFRESH_SESSION, mesh_id, target=agent_id, request_id=request_id)
        return await self._sessions.refresh(identity, mesh_id, agent_id, session)

    async def get_agent_status(
        self, identity: Identity, mesh_id: str, agent_id: str, *, request_id: str = ""
    ) -> Mapping[str, Any]:
        """An agent's row of the roster. Raises MeshNotFound, AgentNotFound, and what `authorize` raises."""
        await self.authorize(identity, Operation.GET_AGENT_STATUS, mesh_id, target=agent_id, request_id=request_id)
        mesh = await Mesh.open(self._store, mesh_id)
        return await mesh.get_agent(agent_id)

    async def terminate_agent(
        self, identity: Identity, mesh_id: str, agent_id: str, *, version: int | None = None, request_id: str = ""
    ) -> None:
        """Have an agent removed; the roster tells when the leader has carried it out.

        `version` is the `applied_index` of the row the caller has seen; a row that has changed since is left alone.

        Raises:
            VersionMoved: the row has changed.
            MeshNotFound, AgentNotFound: nobody to remove.
            What `authorize` and `Mesh.remove_agent` raise.
        """
        await self.authorize(identity, Operation.TERMINATE_AGENT, mesh_id, target=agent_id, request_id=request_id)
        mesh = await Mesh.open(self._store, mesh_id)
        await mesh.remove_agent(agent_id, version=version)

    async def list_agents(self, identity: Identity, mesh_id: str, *, request_id: str = "") -> tuple[Mapping[str, Any], ...]:
        """The roster, by id: who is in the mesh and who was. Raises MeshNotFound, and what `authorize` raises."""
        await self.authorize(identity, Operation.LIST_AGENTS, mesh_id, request_id=request_id)
        return await (await Mesh.open(self._store, mesh_id)).agents()

    async def provision_agent(
        self,
        identity: Identity,
        mesh_id: str,
        agent_id: str,
        *,
        days: int = KEY_DAYS,
        label: str = "",
        request_id: str = "",
        also: AlsoLanding = nothing,
    ) -> NewKey:
        """Make the key with which one agent, and nobody else, joins one mesh as a worker.

        Raises:
            MeshNotFound: there is no such mesh.
            InvalidParameters: no such lifetime or label.
            What `authorize` raises.
        """
        wanted = KeyRequest(AccessRole.WORKER, mesh_id, days=days, label=label, agent=agent_id)
        await self.authorize(identity, Operation.PROVISION_AGENT, mesh_id, target=agent_id, request_id=request_id)
        await Mesh.open(self._store, mesh_id)
        return await self._keys.create(wanted, made_by=identity.key_id, also=also)

    # --- a mesh's life ----------------------------------------------------------------------------------------------

    async def drain_mesh(self, identity: Identity, mesh_id: str, *, request_id: str = "") -> str:
        """Order that nobody new is let in; the order's id. Raises what `authorize` and `Mesh.order` raise."""
        await self.authorize(identity, Operation.DRAIN_MESH, mesh_id, request_id=request_id)
        return await Mesh(self._store, mesh_id).drain()

    async def close_mesh(self, identity: Identity, mesh_id: str, *, request_id: str = "") -> str:
        """Order the end of the mesh; the order's id. Raises what `authorize` and `Mesh.order` raise."""
        await self.authorize(identity, Operation.CLOSE_MESH, mesh_id, request_id=request_id)
        return await Mesh(self._store, mesh_id).close()

    async def transfer_leadership(self, identity: Identity, mesh_id: str, to: str, *, request_id: str = "") -> str:
        """Order that another manager leads; the order's id. Raises what `authorize` and `Mesh.transfer_leadership` raise."""
        await self.authorize(identity, Operation.TRANSFER_LEADERSHIP, mesh_id, target=to, request_id=request_id)
        return await Mesh(self._store, mesh_id).transfer_leadership(to)

    async def send_command(
        self, identity: Identity, mesh_id: str, kind: str, body: Mapping[str, Any], *, request_id: str = ""
    ) -> str:
        """Put an operator's order into the inbox as it is; the order's id.

        It needs the permission to send as well as that for what is ordered. Raises what `authorize` and `Mesh.order` raise.
        """
        await self.authorize(identity, Operation.SEND_COMMAND, mesh_id, request_id=request_id)
        if kind in ORDERS:
            await self.authorize(identity, ORDERS[kind], mesh_id, request_id=request_id)
        return await Mesh(self._store, mesh_id).order(kind, body)

    async def delete_mesh(self, identity: Identity, mesh_id: str, *, force: bool = False, request_id: str = "") -> Removal:
        """Delete a portion of a mesh's documents; call again until it is done. Then the keys for it alone end, too.

        Raises what `authorize` and `Mesh.delete` raise.
        """
        await self.authorize(identity, Operation.DELETE_MESH, mesh_id, request_id=request_id)
        return await delete_with_keys(Mesh(self._store, mesh_id), self._keys, force=force)

    # --- what an operator may see -----------------------------------------------------------------------------------

    async def read_state(self, identity: Identity, mesh_id: str, agent_id: str, *, request_id: str = "") -> Mapping[str, Any]:
        """What an agent keeps of its own. Raises MeshNotFound, AgentNotFound, and what `authorize` raises."""
        await self.authorize(identity, Operation.READ_STATE, mesh_id, target=agent_id, request_id=request_id)
        return await (await Mesh.open(self._store, mesh_id)).agent_state(agent_id)

    async def read_view(self, identity: Identity, mesh_id: str, audience: str, *, request_id: str = "") -> Mapping[str, Any]:
        """A view that is meant for operators.

        Raises:
            InvalidMessage: it is meant for somebody else.
            MeshNotFound, and what `authorize` raises.
        """
        await self.authorize(identity, Operation.READ_VIEW, mesh_id, request_id=request_id)
        if audience not in OPERATOR_VIEWS:
            raise InvalidMessage(f"view {audience[:80]!r} is not for operators; these are: {', '.join(OPERATOR_VIEWS)}")
        return await (await Mesh.open(self._store, mesh_id)).view(audience)
