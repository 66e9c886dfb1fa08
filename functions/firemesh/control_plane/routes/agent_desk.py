"""`/meshes/{mesh}/agents/{agent}/...`: what an agent does itself, with its session."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from firemesh.control_plane.access import Operation
from firemesh.control_plane.agent_desk import CREATE_ONLY, AgentState, Heartbeat
from firemesh.control_plane.agent_events import EventId
from firemesh.control_plane.command_door import CommandStatus
from firemesh.control_plane.gateway import ApiGateway
from firemesh.control_plane.route import SEQ_MAX, Call, EventStream, NoBody, NoQuery, Reply, RequestBody, RequestHeaders
from firemesh.control_plane.routes.agents import AGENT
from firemesh.control_plane.session_token import TOKEN_CHARACTERS_MAX
from firemesh.control_plane.use_cases import UseCases
from firemesh.core.health import LATENESS_MAX
from firemesh.errors import InvalidMessage


class OldSession(RequestBody):
    """The token that is to be replaced; it may have expired."""

    session: Annotated[str, Field(max_length=TOKEN_CHARACTERS_MAX)]


class NewSession(BaseModel):
    """A token that is good for an hour."""

    session: str


class WriteHeartbeat(RequestBody):
    """A sign of life. `seq` counts them within one incarnation; the next one is due in `interval_ms`."""

    seq: Annotated[int, Field(ge=0, lt=2**53)]
    interval_ms: Annotated[int, Field(ge=250, le=300_000)]
    state: Literal["running", "late", "failed"] = "running"
    lateness: Annotated[int, Field(ge=0, le=LATENESS_MAX, description="How late the sender runs itself.")] = 0


class HeartbeatWritten(BaseModel):
    """The number that the mesh has now."""

    seq: int


class SubmitCommand(RequestBody):
    """The command with the next number: 1 is the join. The same number again must be the same command."""

    seq: Annotated[int, Field(ge=1, le=SEQ_MAX)]
    kind: Annotated[str, Field(max_length=40)]
    body: dict[str, Any] = Field(default_factory=dict)


class CommandAccepted(BaseModel):
    """The command is in the inbox; `is_new` is false when it had been put there before."""

    seq: int
    is_new: bool


class WriteState(RequestBody):
    """The whole state; it replaces the one before."""

    values: dict[str, Any]


class StateVersion(RequestHeaders):
    """Which state is to be replaced: that of an ETag, or none."""

    if_match: Annotated[str, Field(pattern=r'^(W/)?"[1-9][0-9]{0,8}"$')] = Field("", alias="If-Match")
    if_none_match: Literal["", "*"] = Field("", alias="If-None-Match")


class LastEvent(RequestHeaders):
    """Where a stream that broke off had come to."""

    last_event_id: Annotated[str, Field(max_length=100)] = Field("", alias="Last-Event-ID")


async def refresh_session(use: UseCases, call: Call[OldSession, NoQuery], mesh_id: str, agent_id: str) -> NewSession:
    """A new session token, for the API key and the old token together."""
    session = await use.panel.refresh_session(call.identity, mesh_id, agent_id, call.body.session, request_id=call.request_id)
    return NewSession(session=session)


async def write_heartbeat(use: UseCases, call: Call[WriteHeartbeat, NoQuery], mesh_id: str, agent_id: str) -> HeartbeatWritten:
    """Show life; once the agent is a member, silence for three announced intervals is death."""
    await use.desk.write_heartbeat(call.identity, mesh_id, agent_id, **call.body.model_dump(), request_id=call.request_id)
    return HeartbeatWritten(seq=call.body.seq)


async def read_heartbeat(use: UseCases, call: Call[NoBody, NoQuery], mesh_id: str, agent_id: str) -> Heartbeat:
    """The last sign of life under the agent's id, perhaps of an earlier run."""
    return await use.desk.read_heartbeat(call.identity, mesh_id, agent_id, request_id=call.request_id)


async def submit_command(use: UseCases, call: Call[SubmitCommand, NoQuery], mesh_id: str, agent_id: str) -> CommandAccepted:
    """Put a command into the inbox, once however often it is sent."""
    body = call.body
    is_new = await use.desk.submit_command(
        call.identity, mesh_id, agent_id, seq=body.seq, kind=body.kind, body=body.body, request_id=call.request_id
    )
    return CommandAccepted(seq=body.seq, is_new=is_new)


async def see_command(use: UseCases, call: Call[NoBody, NoQuery], mesh_id: str, agent_id: str, seq: int) -> CommandStatus:
    """Whether a command waits, was refused, or is done, that is ordered: what came of it shows in the views."""
    return await use.desk.see_command(call.identity, mesh_id, agent_id, seq, request_id=call.request_id)


async def read_own_state(use: UseCases, call: Call[NoBody, NoQuery], mesh_id: str, agent_id: str) -> Reply:
    """What the agent has stored for itself; its version is the ETag."""
    state = await use.desk.read_own_state(call.identity, mesh_id, agent_id, request_id=call.request_id)
    return Reply(state, etag=str(state.version))


async def write_own_state(use: UseCases, call: Call[WriteState, NoQuery], mesh_id: str, agent_id: str) -> Reply:
    """Replace the state whose ETag stands in If-Match, or store the first with `If-None-Match: *`."""
    headers: StateVersion = call.headers
    if bool(headers.if_match) is bool(headers.if_none_match):
        raise InvalidMessage('send either `If-Match: "<version>"` or `If-None-Match: *`')
    state = await use.desk.write_own_state(
        call.identity,
        mesh_id,
        agent_id,
        replaces=int(headers.if_match.removeprefix("W/").strip('"')) if headers.if_match else CREATE_ONLY,
        values=call.body.values,
        request_id=call.request_id,
    )
    return Reply(state, etag=str(state.version))


async def receive_events(use: UseCases, call: Call[NoBody, NoQuery], mesh_id: str, agent_id: str) -> EventStream:
    """The documents the agent may see, each whole and whenever it changes; Last-Event-ID goes on where a stream broke off."""
    after = EventId.parse(call.headers.last_event_id)
    frames = await use.desk.receive_events(call.identity, mesh_id, agent_id, after=after, request_id=call.request_id)
    return EventStream(frames)


def bind(gateway: ApiGateway) -> None:
    """Register this resource."""
    _bind_session(gateway)
    _bind_commands(gateway)
    _bind_state(gateway)
    gateway.add_route(
        "GET",
        AGENT + "/events",
        receive_events,
        operation=Operation.RECEIVE_EVENTS,
        summary="Receive what the agent may see, as server-sent events",
        headers=LastEvent,
        answer=EventStream,
    )


def _bind_session(gateway: ApiGateway) -> None:
    gateway.add_route(
        "POST",
        AGENT + "/session",
        refresh_session,
        operation=Operation.REFRESH_SESSION,
        summary="Refresh a session token",
        body=OldSession,
        answer=NewSession,
        status=201,
    )
    gateway.add_route(
        "PUT",
        AGENT + "/heartbeat",
        write_heartbeat,
        operation=Operation.WRITE_HEARTBEAT,
        summary="Show life",
        body=WriteHeartbeat,
        answer=HeartbeatWritten,
    )
    gateway.add_route(
        "GET",
        AGENT + "/heartbeat",
        read_heartbeat,
        operation=Operation.READ_HEARTBEAT,
        summary="See the last sign of life",
        answer=Heartbeat,
    )


def _bind_commands(gateway: ApiGateway) -> None:
    gateway.add_route(
        "POST",
        AGENT + "/commands",
        submit_command,
        operation=Operation.SUBMIT_COMMAND,
        summary="Send a command",
        body=SubmitCommand,
        answer=CommandAccepted,
        status=202,
    )
    gateway.add_route(
        "GET",
        AGENT + "/commands/<seq>",
        see_command,
        operation=Operation.SEE_COMMAND,
        summary="See what became of a command",
        answer=CommandStatus,
    )


def _bind_state(gateway: ApiGateway) -> None:
    gateway.add_route(
        "GET",
        AGENT + "/state",
        read_own_state,
        operation=Operation.READ_OWN_STATE,
        summary="Read the agent's own state",
        answer=AgentState,
    )
    gateway.add_route(
        "PUT",
        AGENT + "/state",
        write_own_state,
        operation=Operation.WRITE_OWN_STATE,
        summary="Store the agent's own state",
        body=WriteState,
        headers=StateVersion,
        answer=AgentState,
    )
