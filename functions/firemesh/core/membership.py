"""Who belongs to the mesh: joining, leaving, being declared dead. Pure transitions of the roster.

One run of an agent's process is an *incarnation*. A dead or departed incarnation never comes back; the agent may, with
a new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, ValidationError

from firemesh.core.messages import Command, MeshStatus, StoredModel, Voters
from firemesh.ids import AgentId, Incarnation, ProcessId

JOIN = "mesh.join"
LEAVE = "mesh.leave"
MEMBER_DEAD = "mesh.member_dead"
REMOVE = "mesh.remove_agent"
MEMBER_LEFT = "mesh.member_left"
DRAIN = "mesh.drain"
CLOSE = "mesh.close"
TRANSFER = "mesh.transfer"

PAST_INCARNATIONS_MAX = 16
"""Ended incarnations remembered per agent, so that a late join of one of them is refused."""
MANAGERS_MAX = 7
"""Managers beside the agents; more would only make elections slower."""
REPLACED_MAX = 8
"""Earlier incarnations a join may name as the agent's own."""
ROSTER_MAX = 90
"""Rows kept, living and gone; the longest gone makes room."""


class AgentType(StrEnum):
    """What an agent is for: managers lead and vote, workers act."""

    MANAGER = "manager"
    WORKER = "worker"


class MemberStatus(StrEnum):
    """Where a member's current incarnation stands."""

    ALIVE = "alive"
    LEFT = "left"
    DEAD = "dead"


class JoinBody(StoredModel):
    """Payload of `mesh.join`. `replaces` are the agent's own earlier incarnations, known from its disk."""

    type: Annotated[AgentType, Field(strict=False)]
    process: ProcessId
    replaces: Annotated[tuple[Incarnation, ...], Field(strict=False, max_length=REPLACED_MAX)] = ()
    environment: Annotated[str, Field(max_length=20)] = "cli"
    capabilities: Annotated[tuple[Annotated[str, Field(max_length=40)], ...], Field(strict=False, max_length=16)] = ()


class Member(StoredModel):
    """One row of the roster. `since` is the log index of the last change of status."""

    agent: AgentId
    inc: Incarnation
    type: Annotated[AgentType, Field(strict=False)]
    process: ProcessId
    environment: str
    capabilities: Annotated[tuple[str, ...], Field(strict=False)] = ()
    status: Annotated[MemberStatus, Field(strict=False)] = MemberStatus.ALIVE
    since: int
    past: Annotated[tuple[str, ...], Field(strict=False)] = ()

    @property
    def alive(self) -> bool:
        """The current incarnation takes part."""
        return self.status is MemberStatus.ALIVE

    @property
    def client(self) -> str:
        """The session of the current incarnation."""
        return f"{self.agent}~{self.inc}"


@dataclass(frozen=True, slots=True)
class Roster:
    """All members, the voters among them, and whether more are let in. Treat `members` as immutable."""

    members: Mapping[str, Member]
    voters: Voters
    status: MeshStatus = MeshStatus.OPEN

    def living(self) -> tuple[Member, ...]:
        """Members whose incarnation is alive, by id."""
        return tuple(member for _, member in sorted(self.members.items()) if member.alive)


EMPTY_ROSTER = Roster(members={}, voters=Voters())


def join_problem(roster: Roster, command: Command, agents_max: int) -> str:
    """Why this join is refused, or empty when it is welcome.

    MALFORMED, INCARNATION_ENDED, AGENT_ID_IN_USE, MESH_CLOSED, MESH_DRAINING or MESH_FULL. A mesh that drains takes back who
    was lost, and managers, without whom nothing would go on.
    """
    try:
        body = JoinBody.model_validate_json(command.payload)
    except ValidationError:
        return "MALFORMED"
    member = roster.members.get(command.agent_id)
    if member is not None:
        if command.inc in member.past or (command.inc == member.inc and not member.alive):
            return "INCARNATION_ENDED"
        if member.alive and member.inc not in body.replaces:
            return "AGENT_ID_IN_USE"
    return _seat_problem(roster, command.agent_id, body.type, agents_max)


def _seat_problem(roster: Roster, agent: str, agent_type: AgentType, agents_max: int) -> str:
    if roster.status is MeshStatus.CLOSED:
        return "MESH_CLOSED"
    member = roster.members.get(agent)
    is_new = member is None or member.status is MemberStatus.LEFT
    if roster.status is MeshStatus.DRAINING and is_new and agent_type is AgentType.WORKER:
        return "MESH_DRAINING"
    most = MANAGERS_MAX if agent_type is AgentType.MANAGER else agents_max
    others = [other for other in roster.living() if other.type is agent_type and other.agent != agent]
    return "MESH_FULL" if len(others) >= most else ""


def joined(roster: Roster, command: Command, index: int) -> Roster:
    """The roster after an admitted `mesh.join`; a manager becomes a voter, a worker is none."""
    body = JoinBody.model_validate_json(command.payload)
    before = roster.members.get(command.agent_id)
    past = () if before is None else (*before.past, before.inc)[-PAST_INCARNATIONS_MAX:]
    member = Member(
        agent=command.agent_id,
        inc=command.inc,
        type=body.type,
        process=body.process,
        environment=body.environment,
        capabilities=body.capabilities,
        since=index,
        past=past,
    )
    change = with_voter if body.type is AgentType.MANAGER else without_voter
    voters = change(roster.voters, member.agent)
    return replace(roster, members=_bounded({**roster.members, member.agent: member}), voters=voters)


def ended(roster: Roster, agent: str, inc: str, status: MemberStatus, index: int) -> Roster:
    """The roster after an incarnation left or died. Unchanged when that incarnation is not the living one."""
    member = roster.members.get(agent)
    if member is None or not member.alive or inc not in ("", member.inc):
        return roster
    gone = member.model_copy(update={"status": status, "since": index})
    voters = without_voter(roster.voters, agent) if member.type is AgentType.MANAGER else roster.voters
    return replace(roster, members={**roster.members, agent: gone}, voters=voters)


def drained(roster: Roster) -> Roster:
    """The roster of a mesh that lets nobody new in. What is closed stays closed."""
    return replace(roster, status=MeshStatus.DRAINING) if roster.status is MeshStatus.OPEN else roster


def closed(roster: Roster, index: int) -> Roster:
    """The roster of a mesh that is over: every member has left, nobody may come."""
    for member in roster.living():
        roster = ended(roster, member.agent, member.inc, MemberStatus.LEFT, index)
    return replace(roster, status=MeshStatus.CLOSED)


def heir(roster: Roster, batch: tuple[Command, ...]) -> str:
    """The voter that the last order of this batch to hand over leadership names; empty when there is none."""
    named = [command.body.get("to") for command in batch if command.kind == TRANSFER and not command.agent_id]
    return next((to for to in reversed(named) if isinstance(to, str) and to in roster.voters.managers), "")


def with_voter(voters: Voters, agent: str) -> Voters:
    """One voter more; the version counts the change."""
    if agent in voters.managers:
        return voters
    return Voters(version=voters.version + 1, managers=tuple(sorted((*voters.managers, agent))))


def without_voter(voters: Voters, agent: str) -> Voters:
    """One voter less; the version counts the change."""
    if agent not in voters.managers:
        return voters
    return Voters(version=voters.version + 1, managers=tuple(m for m in voters.managers if m != agent))


def ends_a_voter(roster: Roster, command: Command) -> bool:
    """Whether this command of the mesh itself ends a voter: such a command goes alone into its entry."""
    return command.kind in (MEMBER_DEAD, REMOVE) and command.body.get("agent") in roster.voters.managers


def encode_roster(roster: Roster) -> Mapping[str, Any]:
    """The roster as a JSON object. An open mesh says nothing of its status, so that older hashes and snapshots stay true."""
    status = {} if roster.status is MeshStatus.OPEN else {"status": roster.status.value}
    return {
        "members": {agent: member.model_dump(mode="json") for agent, member in roster.members.items()},
        "voters": roster.voters.model_dump(mode="json"),
        **status,
    }


def decode_roster(data: Mapping[str, Any]) -> Roster:
    """The inverse of `encode_roster`."""
    return Roster(
        members={agent: Member.model_validate(row) for agent, row in data["members"].items()},
        voters=Voters.model_validate(data["voters"]),
        status=MeshStatus(data.get("status", MeshStatus.OPEN)),
    )


def _bounded(members: Mapping[str, Member]) -> Mapping[str, Member]:
    if len(members) <= ROSTER_MAX:
        return members
    oldest = min((m for m in members.values() if not m.alive), key=lambda m: (m.since, m.agent))
    return {agent: member for agent, member in members.items() if agent != oldest.agent}
