"""Who belongs to the mesh: joining, leaving, being declared dead. Pure transitions of the roster.

One run of an agent's process is an *incarnation*. A dead or departed incarnation never comes back; the agent may, with
a new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, ValidationError

from firemesh.core.messages import Command, StoredModel, Voters
from firemesh.ids import AgentId, Incarnation, ProcessId

JOIN = "mesh.join"
LEAVE = "mesh.leave"
MEMBER_DEAD = "mesh.member_dead"
REMOVE = "mesh.remove_agent"
MEMBER_LEFT = "mesh.member_left"

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
    """All members and the voters among them. Treat `members` as immutable."""

    members: Mapping[str, Member]
    voters: Voters

    def living(self) -> tuple[Member, ...]:
        """Members whose incarnation is alive, by id."""
        return tuple(member for _, member in sorted(self.members.items()) if member.alive)


EMPTY_ROSTER = Roster(members={}, voters=Voters())


def join_problem(roster: Roster, command: Command, agents_max: int) -> str:
    """Why this join is refused: MALFORMED, INCARNATION_ENDED, AGENT_ID_IN_USE or MESH_FULL; empty when welcome."""
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
    most = MANAGERS_MAX if body.type is AgentType.MANAGER else agents_max
    others = [other for other in roster.living() if other.type is body.type and other.agent != command.agent_id]
    if len(others) >= most:
        return "MESH_FULL"
    return ""


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
    return Roster(members=_bounded({**roster.members, member.agent: member}), voters=voters)


def ended(roster: Roster, agent: str, inc: str, status: MemberStatus, index: int) -> Roster:
    """The roster after an incarnation left or died. Unchanged when that incarnation is not the living one."""
    member = roster.members.get(agent)
    if member is None or not member.alive or inc not in ("", member.inc):
        return roster
    gone = member.model_copy(update={"status": status, "since": index})
    voters = without_voter(roster.voters, agent) if member.type is AgentType.MANAGER else roster.voters
    return Roster(members={**roster.members, agent: gone}, voters=voters)


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
    """The roster as a JSON object."""
    return {
        "members": {agent: member.model_dump(mode="json") for agent, member in roster.members.items()},
        "voters": roster.voters.model_dump(mode="json"),
    }


def decode_roster(data: Mapping[str, Any]) -> Roster:
    """The inverse of `encode_roster`."""
    return Roster(
        members={agent: Member.model_validate(row) for agent, row in data["members"].items()},
        voters=Voters.model_validate(data["voters"]),
    )


def _bounded(members: Mapping[str, Member]) -> Mapping[str, Member]:
    if len(members) <= ROSTER_MAX:
        return members
    oldest = min((m for m in members.values() if not m.alive), key=lambda m: (m.since, m.agent))
    return {agent: member for agent, member in members.items() if agent != oldest.agent}
