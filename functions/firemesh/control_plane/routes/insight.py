"""What an operator may see of a running mesh: the views meant for operators, and what agents keep of their own."""

from typing import Any

from pydantic import BaseModel

from firemesh.control_plane.access import Operation
from firemesh.control_plane.gateway import ApiGateway
from firemesh.control_plane.route import Call, NoBody, NoQuery
from firemesh.control_plane.use_cases import UseCases


class View(BaseModel):
    """A view as last published; empty before the first time."""

    audience: str
    view: dict[str, Any]


class KeptState(BaseModel):
    """What an agent keeps of its own."""

    version: int
    inc: str
    values: dict[str, Any]


async def read_view(use: UseCases, call: Call[NoBody, NoQuery], mesh_id: str, audience: str) -> View:
    """`health` or `topology`."""
    view = await use.panel.read_view(call.identity, mesh_id, audience, request_id=call.request_id)
    return View(audience=audience, view=dict(view))


async def read_state(use: UseCases, call: Call[NoBody, NoQuery], mesh_id: str, agent_id: str) -> KeptState:
    """An agent's own state, which may tell what it has been dealt: for operators who play no part."""
    state = await use.panel.read_state(call.identity, mesh_id, agent_id, request_id=call.request_id)
    return KeptState.model_validate(dict(state))


def bind(gateway: ApiGateway) -> None:
    """Register this resource."""
    gateway.add_route(
        "GET",
        "/meshes/<mesh_id>/views/<audience>",
        read_view,
        operation=Operation.READ_VIEW,
        summary="See a view that is meant for operators",
        answer=View,
    )
    gateway.add_route(
        "GET",
        "/meshes/<mesh_id>/states/<agent_id>",
        read_state,
        operation=Operation.READ_STATE,
        summary="See what an agent keeps of its own",
        answer=KeptState,
    )
