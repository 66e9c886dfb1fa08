"""What an operator may see of a running mesh: the views meant for operators, and what agents keep of their own."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from firemesh.control_plane.access import Operation
from firemesh.control_plane.gateway import ApiGateway
from firemesh.control_plane.insight_desk import LOG_LINES_MAX, LogPage, Secrets, WatchingMesh
from firemesh.control_plane.route import Call, NoBody, NoQuery, RequestQuery
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


class LogQuery(RequestQuery):
    """Which part of the log."""

    start: Annotated[int, Field(ge=0, lt=10**12, description="The first index; 0 means the newest entries.")] = 0
    limit: Annotated[int, Field(ge=1, le=LOG_LINES_MAX)] = 50


async def watch_mesh(use: UseCases, call: Call[NoBody, NoQuery], mesh_id: str) -> WatchingMesh:
    """A token with which an operator listens to Firestore itself."""
    return await use.insight.watch_mesh(call.identity, mesh_id, request_id=call.request_id)


async def read_log(use: UseCases, call: Call[NoBody, LogQuery], mesh_id: str) -> LogPage:
    """When and by whom things were ordered; not what players said or did."""
    query = call.query
    return await use.insight.read_log(call.identity, mesh_id, start=query.start, limit=query.limit, request_id=call.request_id)


async def read_secrets(use: UseCases, call: Call[NoBody, NoQuery], mesh_id: str) -> Secrets:
    """All that each player knows for itself. Takes a key that names this operation, and is always recorded."""
    return await use.insight.read_secrets(call.identity, mesh_id, request_id=call.request_id)


async def read_view(use: UseCases, call: Call[NoBody, NoQuery], mesh_id: str, audience: str) -> View:
    """`health`, `public` or `topology`."""
    view = await use.panel.read_view(call.identity, mesh_id, audience, request_id=call.request_id)
    return View(audience=audience, view=dict(view))


async def read_state(use: UseCases, call: Call[NoBody, NoQuery], mesh_id: str, agent_id: str) -> KeptState:
    """An agent's own state, which may tell what it has been dealt: for operators who play no part."""
    state = await use.panel.read_state(call.identity, mesh_id, agent_id, request_id=call.request_id)
    return KeptState.model_validate(dict(state))


def bind(gateway: ApiGateway) -> None:
    """Register this resource."""
    gateway.add_route(
        "POST",
        "/meshes/<mesh_id>/watchers",
        watch_mesh,
        operation=Operation.WATCH_MESH,
        summary="Listen to a mesh as its operator",
        answer=WatchingMesh,
        status=201,
    )
    gateway.add_route(
        "GET",
        "/meshes/<mesh_id>/log",
        read_log,
        operation=Operation.READ_LOG,
        summary="See the log without its contents",
        query=LogQuery,
        answer=LogPage,
    )
    gateway.add_route(
        "GET",
        "/meshes/<mesh_id>/secrets",
        read_secrets,
        operation=Operation.READ_SECRETS,
        summary="See what every player knows for itself",
        answer=Secrets,
    )
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
