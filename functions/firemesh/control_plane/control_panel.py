"""The use cases of operating meshes. Every interface (REST, command line) is a thin layer over these."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from firemesh.control_plane.access import ANY_MESH, READING, TAKING_PART, Identity, Operation, denial
from firemesh.control_plane.agent_sessions import AgentSessions
from firemesh.control_plane.api_key import KEY_PREFIX, ApiKey
from firemesh.control_plane.audit import AuditRecord, AuditTrail, Decision, log_decision
from firemesh.control_plane.key_ring import KeyRing
from firemesh.control_plane.quota import Quotas
from firemesh.control_plane.session_token import AgentClaims
from firemesh.core.health import HealthPolicy
from firemesh.core.membership import MemberStatus
from firemesh.core.params import PROFILES
from firemesh.errors import AgentIdInUse, InvalidMessage, InvalidParameters, PermissionDenied, Unauthenticated
from firemesh.ids import ID_PATTERN, new_incarnation
from firemesh.runtime.admission import Admission, client_process
from firemesh.runtime.agent_mesh import is_silent
from firemesh.runtime.mesh import Mesh, MeshReport, list_mesh_ids
from firemesh.store import paths
from firemesh.store.base import Store, Write
from firemesh.store.mesh_store import Hosting, MeshStore

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

    Every decision is logged; denials and changes are stored in the audit trail before anything is done.
    """

    def __init__(self, store: Store, keys: KeyRing, sessions: AgentSessions, *, mint_token: TokenMinter) -> None:
        self._store = store
        self._keys = keys
        self._sessions = sessions
        self._audit = AuditTrail(store)
        self._quotas = Quotas(store)
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
        """Decide by the table, record the decision, and raise PermissionDenied when it is no.

        Raises:
            InvalidMessage: the mesh or the target has no possible id.
            PermissionDenied: the role or the key does not allow it.
            RateLimited: it does, but not so often.
            StoreUnavailable, OutcomeUnknown: the decision could not be recorded; nothing may be done.
        """
        for name in filter(None, (mesh_id, target)):
            if re.fullmatch(ID_PATTERN, name) is None:
                raise InvalidMessage(f"an id is 1 to 40 of a-z, 0-9 and -, with no - at either end; not {name[:80]!r}")
        reason = denial(identity, operation, mesh_id, target)
        if not reason:
            await self._quotas.take(identity.key_id, operation)
        decision = Decision(
            who=identity.name,
            role=identity.role,
            operation=operation,
            mesh=mesh_id,
            target=target,
            allowed=not reason,
            reason=reason,
            request_id=request_id,
        )
        log_decision(decision)
        if reason or operation not in READING | TAKING_PART:
            # A key must not write into the trail of a mesh that is none of its business.
            await self._audit.append(decision, mesh_id=mesh_id if identity.may_touch(mesh_id) else "")
        if reason:
            raise PermissionDenied(f"a key of role {identity.role} may not {operation}: {reason}")

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
        await self.authorize(identity, Operation.CREATE_MESH, mesh_id, request_id=request_id)
        if profile not in PROFILES:
            raise InvalidParameters(f"profile {profile!r} must be one of {', '.join(PROFILES)}")
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
            AgentIdInUse: a living agent has this id, and shows signs of life.
            What `authorize` raises.
        """
        await self.authorize(identity, Operation.JOIN_MESH, mesh_id, target=agent_id, request_id=request_id)
        mesh = MeshStore(self._store, mesh_id)
        record = await mesh.read_record()
        row = await mesh.read_fields(f"agents/{agent_id}")
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

    async def read_audit(
        self, identity: Identity, mesh_id: str, *, start: int = 1, limit: int = 100, request_id: str = ""
    ) -> tuple[AuditRecord, ...]:
        """The decisions about one mesh, from number `start` on. Raises what `authorize` raises."""
        await self.authorize(identity, Operation.READ_AUDIT, mesh_id, request_id=request_id)
        return await self._audit.read(mesh_id=mesh_id, start=start, limit=limit)
