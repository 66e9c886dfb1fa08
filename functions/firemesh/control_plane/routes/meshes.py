"""`/meshes`: create one, list them, see how one stands."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from firemesh.control_plane.access import Operation
from firemesh.control_plane.control_panel import MESHES_LISTED_MAX, MeshPage
from firemesh.control_plane.gateway import ApiGateway
from firemesh.control_plane.route import Call, NoBody, NoQuery, RequestBody, RequestQuery
from firemesh.control_plane.use_cases import UseCases
from firemesh.ids import MeshId
from firemesh.runtime.mesh import MeshReport
from firemesh.store.mesh_store import Hosting


class CreateMesh(RequestBody):
    """What the mesh shall be."""

    mesh_id: MeshId
    machine: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")] = "mafia"
    setup: dict[str, Any] = Field(default_factory=dict, description="The machine's own setup, which it checks itself.")
    profile: Annotated[str, Field(max_length=20, description="Timing: default, fast, test or thrifty.")] = "default"
    hosting: Annotated[Hosting, Field(strict=False, description="Who manages it.")] = Hosting.PROCESSES


class MeshCreated(BaseModel):
    """Where the mesh is."""

    mesh_id: str


class MeshPageQuery(RequestQuery):
    """Which page of the list."""

    start: MeshId | Annotated[str, Field(max_length=0)] = ""
    limit: Annotated[int, Field(ge=1, le=MESHES_LISTED_MAX)] = 50


async def create_mesh(use: UseCases, call: Call[CreateMesh, NoQuery]) -> MeshCreated:
    """A mesh with nobody in it."""
    body = call.body
    created = MeshCreated(mesh_id=body.mesh_id)
    await use.panel.create_mesh(
        call.identity,
        body.mesh_id,
        machine=body.machine,
        setup=body.setup,
        profile=body.profile,
        hosting=body.hosting,
        request_id=call.request_id,
        also=call.remember(created),
    )
    return created


async def list_meshes(use: UseCases, call: Call[NoBody, MeshPageQuery]) -> MeshPage:
    """One page of ids, in their order."""
    return await use.panel.list_meshes(
        call.identity, start=call.query.start, limit=call.query.limit, request_id=call.request_id
    )


async def get_mesh_status(use: UseCases, call: Call[NoBody, NoQuery], mesh_id: str) -> MeshReport:
    """Who leads, who is in it, what is wrong."""
    return await use.panel.get_mesh_status(call.identity, mesh_id, request_id=call.request_id)


def bind(gateway: ApiGateway) -> None:
    """Register this resource."""
    gateway.add_route(
        "POST",
        "/meshes",
        create_mesh,
        operation=Operation.CREATE_MESH,
        summary="Create a mesh with nobody in it",
        body=CreateMesh,
        answer=MeshCreated,
        status=201,
        idempotent=True,
    )
    gateway.add_route(
        "GET",
        "/meshes",
        list_meshes,
        operation=Operation.LIST_MESHES,
        summary="List the meshes in the key's scope",
        query=MeshPageQuery,
        answer=MeshPage,
    )
    gateway.add_route(
        "GET",
        "/meshes/<mesh_id>",
        get_mesh_status,
        operation=Operation.GET_MESH_STATUS,
        summary="See how a mesh stands",
        answer=MeshReport,
    )
