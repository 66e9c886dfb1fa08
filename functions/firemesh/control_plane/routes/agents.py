"""`/meshes/{mesh}/agents`: let one join, see one or all, have one removed."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from firemesh.control_plane.access import Operation
from firemesh.control_plane.gateway import ApiGateway
from firemesh.control_plane.route import Call, NoBody, NoQuery, Reply, RequestBody, RequestHeaders
from firemesh.control_plane.use_cases import UseCases
from firemesh.ids import AgentId
from firemesh.runtime.admission import Admission

AGENTS = "/meshes/<mesh_id>/agents"
AGENT = AGENTS + "/<agent_id>"


class JoinMesh(RequestBody):
    """Who wants to join."""

    agent_id: AgentId


class AgentRow(BaseModel):
    """A row of the roster, as the mesh shows it to its members."""

    applied_index: int
    agent: str
    inc: str
    type: str
    process: str
    environment: str
    capabilities: tuple[str, ...]
    status: str
    since: int


class RosterShown(BaseModel):
    """All rows of the roster by id: of those who live, and of those who have gone."""

    agents: tuple[AgentRow, ...]


class RemovalOrdered(BaseModel):
    """The order is in the inbox; the roster tells when it is carried out."""

    mesh_id: str
    agent: str
    ordered: Literal["removal"] = "removal"


class RowVersion(RequestHeaders):
    """Which version of the row the caller has seen; any, without the header."""

    if_match: Annotated[str, Field(alias="If-Match", pattern=r'^(W/)?"[0-9]{1,18}"$')] = ""

    @property
    def version(self) -> int | None:
        """The row's `applied_index`."""
        return int(self.if_match.removeprefix("W/").strip('"')) if self.if_match else None


async def join_mesh(use: UseCases, call: Call[JoinMesh, NoQuery], mesh_id: str) -> Admission:
    """An incarnation, and a token that the security rules know."""
    return await use.panel.join_mesh(call.identity, mesh_id, call.body.agent_id, request_id=call.request_id)


async def list_agents(use: UseCases, call: Call[NoBody, NoQuery], mesh_id: str) -> RosterShown:
    """Who is in the mesh, and who was."""
    rows = await use.panel.list_agents(call.identity, mesh_id, request_id=call.request_id)
    return RosterShown(agents=tuple(AgentRow.model_validate(dict(row)) for row in rows))


async def get_agent_status(use: UseCases, call: Call[NoBody, NoQuery], mesh_id: str, agent_id: str) -> Reply:
    """What the roster says of an agent. Its version is the row's `applied_index`."""
    row = await use.panel.get_agent_status(call.identity, mesh_id, agent_id, request_id=call.request_id)
    return Reply(AgentRow.model_validate(dict(row)), etag=str(row["applied_index"]))


async def terminate_agent(use: UseCases, call: Call[NoBody, NoQuery], mesh_id: str, agent_id: str) -> RemovalOrdered:
    """Order an agent's removal; with `If-Match`, only of the run whose row has that version."""
    version: int | None = call.headers.version
    await use.panel.terminate_agent(call.identity, mesh_id, agent_id, version=version, request_id=call.request_id)
    return RemovalOrdered(mesh_id=mesh_id, agent=agent_id)


def bind(gateway: ApiGateway) -> None:
    """Register this resource."""
    gateway.add_route(
        "POST",
        AGENTS,
        join_mesh,
        operation=Operation.JOIN_MESH,
        summary="Let an agent join",
        body=JoinMesh,
        answer=Admission,
        status=201,
    )
    gateway.add_route(
        "GET",
        AGENTS,
        list_agents,
        operation=Operation.LIST_AGENTS,
        summary="See the whole roster",
        answer=RosterShown,
    )
    gateway.add_route(
        "GET",
        AGENT,
        get_agent_status,
        operation=Operation.GET_AGENT_STATUS,
        summary="See an agent's row of the roster",
        answer=AgentRow,
    )
    gateway.add_route(
        "DELETE",
        AGENT,
        terminate_agent,
        operation=Operation.TERMINATE_AGENT,
        summary="Have an agent removed",
        answer=RemovalOrdered,
        status=202,
        headers=RowVersion,
    )
