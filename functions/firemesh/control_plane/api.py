"""The REST interface: which path is which use case. See docs/api.md."""

from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from firemesh.control_plane.access import Identity
from firemesh.control_plane.control_panel import MESHES_LISTED_MAX, ControlPanel
from firemesh.control_plane.gateway import ApiGateway, Call
from firemesh.control_plane.rate_limit import RateLimiter
from firemesh.ids import AgentId, MeshId

AUDIT_LISTED_MAX = 200

Runner = Callable[[Coroutine[Any, Any, Any]], Any]
"""Runs a coroutine to its end, for a synchronous caller."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class CreateMeshBody(_Body):
    """Body of POST /v1/meshes."""

    mesh_id: MeshId
    machine: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")] = "mafia"
    setup: dict[str, Any] = Field(default_factory=dict)
    profile: Annotated[str, Field(max_length=20)] = "default"


class JoinMeshBody(_Body):
    """Body of POST /v1/meshes/{mesh}/agents."""

    agent_id: AgentId


class _NoBody(_Body):
    """Refuses a body where none is wanted."""


class _MeshPageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    start: MeshId | Annotated[str, Field(max_length=0)] = ""
    limit: Annotated[int, Field(ge=1, le=MESHES_LISTED_MAX)] = 50


class _AuditQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    start: Annotated[int, Field(ge=1, lt=10**12)] = 1
    limit: Annotated[int, Field(ge=1, le=AUDIT_LISTED_MAX)] = 100


class RestApi:
    """Binds the paths of a gateway to the use cases. `panel` is called when the first request needs it."""

    def __init__(self, panel: Callable[[], ControlPanel], run: Runner) -> None:
        self._panel = panel
        self._run = run

    def bind(self, gateway: ApiGateway, limiter: RateLimiter) -> None:
        """Register everything: limiter, authentication, routes."""
        gateway.set_rate_limiter(limiter.take)
        gateway.set_auth_middleware(self.authenticate)
        gateway.add_route("POST", "/meshes", self.create_mesh)
        gateway.add_route("GET", "/meshes", self.list_meshes)
        gateway.add_route("GET", "/meshes/<mesh_id>", self.get_mesh_status)
        gateway.add_route("POST", "/meshes/<mesh_id>/agents", self.join_mesh)
        gateway.add_route("GET", "/meshes/<mesh_id>/agents/<agent_id>", self.get_agent_status)
        gateway.add_route("DELETE", "/meshes/<mesh_id>/agents/<agent_id>", self.terminate_agent)
        gateway.add_route("GET", "/meshes/<mesh_id>/audit", self.read_audit)

    def authenticate(self, credential: str, request_id: str) -> Identity:
        """Who presents an API key."""
        identity: Identity = self._run(self._panel().authenticate(credential, request_id=request_id))
        return identity

    def create_mesh(self, call: Call) -> tuple[Any, int]:
        """201 and the mesh's address."""
        body = CreateMeshBody.model_validate(call.body)
        work = self._panel().create_mesh(
            call.identity,
            body.mesh_id,
            machine=body.machine,
            setup=body.setup,
            profile=body.profile,
            request_id=call.request_id,
        )
        self._run(work)
        return {"mesh_id": body.mesh_id}, 201

    def list_meshes(self, call: Call) -> tuple[Any, int]:
        """One page of mesh ids."""
        query = _MeshPageQuery.model_validate(call.query)
        work = self._panel().list_meshes(call.identity, start=query.start, limit=query.limit, request_id=call.request_id)
        return asdict(self._run(work)), 200

    def get_mesh_status(self, call: Call, mesh_id: str) -> tuple[Any, int]:
        """How a mesh stands."""
        return asdict(self._run(self._panel().get_mesh_status(call.identity, mesh_id, request_id=call.request_id))), 200

    def join_mesh(self, call: Call, mesh_id: str) -> tuple[Any, int]:
        """201, an incarnation and a custom token."""
        body = JoinMeshBody.model_validate(call.body)
        work = self._panel().join_mesh(call.identity, mesh_id, body.agent_id, request_id=call.request_id)
        return asdict(self._run(work)), 201

    def get_agent_status(self, call: Call, mesh_id: str, agent_id: str) -> tuple[Any, int]:
        """An agent's row of the roster."""
        work = self._panel().get_agent_status(call.identity, mesh_id, agent_id, request_id=call.request_id)
        return dict(self._run(work)), 200

    def terminate_agent(self, call: Call, mesh_id: str, agent_id: str) -> tuple[Any, int]:
        """202: the order is in the inbox; the roster tells when it is carried out."""
        _NoBody.model_validate(call.body)
        self._run(self._panel().terminate_agent(call.identity, mesh_id, agent_id, request_id=call.request_id))
        return {"mesh_id": mesh_id, "agent": agent_id, "ordered": "removal"}, 202

    def read_audit(self, call: Call, mesh_id: str) -> tuple[Any, int]:
        """Records of a mesh's trail, oldest first."""
        query = _AuditQuery.model_validate(call.query)
        work = self._panel().read_audit(
            call.identity, mesh_id, start=query.start, limit=query.limit, request_id=call.request_id
        )
        return {"records": [record.model_dump(mode="json") for record in self._run(work)]}, 200
