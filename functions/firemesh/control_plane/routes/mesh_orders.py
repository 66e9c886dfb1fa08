"""`/meshes/{mesh}`, the orders about a whole mesh: drain it, close it, delete it, let another manager lead it."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from firemesh.control_plane.access import Operation
from firemesh.control_plane.gateway import ApiGateway
from firemesh.control_plane.route import Call, NoBody, NoQuery, RequestBody, RequestQuery
from firemesh.control_plane.use_cases import UseCases
from firemesh.ids import AgentId
from firemesh.store.mesh_removal import Removal

MESH = "/meshes/<mesh_id>"


class OrderGiven(BaseModel):
    """The order is in the inbox; the mesh's status tells when the leader has carried it out."""

    mesh_id: str
    order: Annotated[str, Field(description="The id under which it lies in the inbox, and under `refused` if it is refused.")]


class NewLeader(RequestBody):
    """Who shall lead."""

    to: AgentId


class OperatorCommand(RequestBody):
    """An operator's order as the mesh knows it: `mesh.drain`, `mesh.close`, `mesh.transfer`, `mesh.remove_agent`."""

    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$", max_length=40)]
    body: dict[str, Any] = Field(default_factory=dict)


class DeletionQuery(RequestQuery):
    """How much may be deleted."""

    force: Annotated[bool, Field(description="Also a mesh that is in use: whoever is in it, is out.")] = False


async def drain_mesh(use: UseCases, call: Call[NoBody, NoQuery], mesh_id: str) -> OrderGiven:
    """Nobody new is let in; all else goes on."""
    return OrderGiven(mesh_id=mesh_id, order=await use.panel.drain_mesh(call.identity, mesh_id, request_id=call.request_id))


async def close_mesh(use: UseCases, call: Call[NoBody, NoQuery], mesh_id: str) -> OrderGiven:
    """Every member is let go, and nobody leads the mesh any more, for good."""
    return OrderGiven(mesh_id=mesh_id, order=await use.panel.close_mesh(call.identity, mesh_id, request_id=call.request_id))


async def transfer_leadership(use: UseCases, call: Call[NewLeader, NoQuery], mesh_id: str) -> OrderGiven:
    """The leader hands over to another manager, if that one still lives when it is its turn."""
    order = await use.panel.transfer_leadership(call.identity, mesh_id, call.body.to, request_id=call.request_id)
    return OrderGiven(mesh_id=mesh_id, order=order)


async def send_command(use: UseCases, call: Call[OperatorCommand, NoQuery], mesh_id: str) -> OrderGiven:
    """Any of an operator's orders, by its name in the log; it takes the permission for what is ordered, too."""
    body = call.body
    order = await use.panel.send_command(call.identity, mesh_id, body.kind, body.body, request_id=call.request_id)
    return OrderGiven(mesh_id=mesh_id, order=order)


async def delete_mesh(use: UseCases, call: Call[NoBody, DeletionQuery], mesh_id: str) -> Removal:
    """One portion of a mesh's documents; call again until `done`."""
    return await use.panel.delete_mesh(call.identity, mesh_id, force=call.query.force, request_id=call.request_id)


def bind(gateway: ApiGateway) -> None:
    """Register this resource."""
    for path, handler, operation, summary, body in (
        ("/drain", drain_mesh, Operation.DRAIN_MESH, "Let nobody new in", NoBody),
        ("/close", close_mesh, Operation.CLOSE_MESH, "End a mesh for good", NoBody),
        ("/transfer", transfer_leadership, Operation.TRANSFER_LEADERSHIP, "Let another manager lead", NewLeader),
        ("/commands", send_command, Operation.SEND_COMMAND, "Give an operator's order by name", OperatorCommand),
    ):
        gateway.add_route(
            "POST", MESH + path, handler, operation=operation, summary=summary, body=body, answer=OrderGiven, status=202
        )
    gateway.add_route(
        "DELETE",
        MESH,
        delete_mesh,
        operation=Operation.DELETE_MESH,
        summary="Delete a mesh, portion by portion",
        query=DeletionQuery,
        answer=Removal,
    )
