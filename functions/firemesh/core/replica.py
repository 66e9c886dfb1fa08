"""The replicated state of a mesh: roster, sessions and the application's machine, moved on by log entries alone.

Equal logs give equal replicas: `state_hash` at equal index is equal on every manager (checked when an entry is
applied).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from firemesh.core import membership
from firemesh.core.machine import Machine, Transition, agent_audience
from firemesh.core.membership import EMPTY_ROSTER, MemberStatus, Roster
from firemesh.core.messages import Command, Entry, Snapshot, canonical_json
from firemesh.errors import CorruptDocument, InvariantViolation

S = TypeVar("S")

REFUSALS_KEPT = 4
"""Refused commands shown to their sender in its own view, newest last."""


@dataclass(frozen=True, slots=True)
class Replica(Generic[S]):
    """The state after entry `index`. Two replicas are equal when index and hash are: the hash covers all the rest."""

    index: int
    state_hash: str
    term: int = field(compare=False)
    at_ms: int = field(compare=False)
    roster: Roster = field(compare=False)
    sessions: Mapping[str, int] = field(compare=False)
    """Last ordered sequence number per living session (`agent~inc`)."""
    refused: Mapping[str, tuple[Mapping[str, Any], ...]] = field(compare=False)
    """Per agent, the last commands that were ordered but not allowed: {seq, kind, reason}."""
    machine_state: S = field(compare=False)


def initial_replica(machine: Machine[S], setup: Mapping[str, Any]) -> Replica[S]:
    """The state of a mesh before its first entry. Raises InvalidMessage when the machine refuses the setup."""
    return Replica(
        index=0,
        state_hash="",
        term=0,
        at_ms=0,
        roster=EMPTY_ROSTER,
        sessions={},
        refused={},
        machine_state=machine.initial(setup),
    )


def advance(replica: Replica[S], machine: Machine[S], *, term: int, at_ms: int, batch: tuple[Command, ...]) -> Replica[S]:
    """The replica after its next entry. Total: a command that is not allowed is recorded, never raised."""
    moved = replace(replica, index=replica.index + 1, term=term, at_ms=at_ms)
    for command in batch:
        moved = _apply(moved, machine, command)
    return replace(moved, state_hash=_hash(replica.state_hash, moved, machine))


def apply_entry(replica: Replica[S], machine: Machine[S], entry: Entry) -> Replica[S]:
    """The replica after a stored entry.

    Raises:
        InvariantViolation: the entry is not the next one, or this replica's hash differs from the leader's.
    """
    if entry.index != replica.index + 1 or entry.prev_term != replica.term:
        raise InvariantViolation(
            f"entry {entry.index} (after term {entry.prev_term}) does not follow entry {replica.index} (term {replica.term})"
        )
    moved = advance(replica, machine, term=entry.term, at_ms=entry.at_ms, batch=entry.batch)
    if moved.state_hash != entry.state_hash:
        raise InvariantViolation(f"state hash at entry {entry.index} is {moved.state_hash}, the log says {entry.state_hash}")
    return moved


def take_snapshot(replica: Replica[S], machine: Machine[S]) -> Snapshot:
    """The replica as a document that a late manager can start from."""
    state = canonical_json({**_content(replica, machine), "state_hash": replica.state_hash})
    return Snapshot(index=replica.index, term=replica.term, sha256=_sha256(state), state=state)


def restore(snapshot: Snapshot, machine: Machine[S]) -> Replica[S]:
    """The inverse of `take_snapshot`.

    Raises:
        CorruptDocument: the checksum or the shape is wrong.
    """
    if _sha256(snapshot.state) != snapshot.sha256:
        raise CorruptDocument(f"snapshot {snapshot.index} does not match its checksum")
    data = json.loads(snapshot.state)
    return Replica(
        index=snapshot.index,
        state_hash=data["state_hash"],
        term=snapshot.term,
        at_ms=data["at_ms"],
        roster=membership.decode_roster(data["roster"]),
        sessions=data["sessions"],
        refused={agent: tuple(rows) for agent, rows in data["refused"].items()},
        machine_state=machine.decode(data["machine"]),
    )


def views(replica: Replica[S], machine: Machine[S]) -> Mapping[str, Mapping[str, Any]]:
    """What each audience may see: the machine's views, and in an agent's own view the commands it was refused."""
    shown = dict(machine.views(replica.machine_state))
    for agent, rows in replica.refused.items():
        audience = agent_audience(agent)
        shown[audience] = {**shown.get(audience, {}), "refused": list(rows)}
    return shown


def _apply(replica: Replica[S], machine: Machine[S], command: Command) -> Replica[S]:
    match command.kind:
        case membership.JOIN:
            return _join(replica, command)
        case membership.LEAVE:
            return _end(replica, machine, command.agent_id, command.inc, MemberStatus.LEFT)
        case membership.MEMBER_DEAD:
            return _end_by_order(replica, machine, command, MemberStatus.DEAD)
        case membership.REMOVE:
            return _end_by_order(replica, machine, command, MemberStatus.LEFT)
        case _:
            return _apply_further(replica, machine, command)


def _apply_further(replica: Replica[S], machine: Machine[S], command: Command) -> Replica[S]:
    match command.kind:
        case membership.DRAIN:
            return replace(replica, roster=membership.drained(replica.roster))
        case membership.CLOSE:
            return _close(replica, machine)
        case membership.TRANSFER:
            return replica  # it concerns the leader alone; see `leading`
        case _:
            return _apply_to_machine(_count(replica, command), machine, command)


def _join(replica: Replica[S], command: Command) -> Replica[S]:
    roster = membership.joined(replica.roster, command, replica.index)
    refused = {agent: rows for agent, rows in replica.refused.items() if agent != command.agent_id}
    before = replica.roster.members.get(command.agent_id)
    ended = "" if before is None else before.client
    sessions = {client: seq for client, seq in replica.sessions.items() if client != ended}
    return _count(replace(replica, roster=roster, refused=refused, sessions=sessions), command)


def _end_by_order(replica: Replica[S], machine: Machine[S], command: Command, status: MemberStatus) -> Replica[S]:
    body = command.body
    agent, inc = body.get("agent"), body.get("inc", "")
    if not isinstance(agent, str) or not isinstance(inc, str):
        return replica
    return _end(replica, machine, agent, inc, status)


def _end(replica: Replica[S], machine: Machine[S], agent: str, inc: str, status: MemberStatus) -> Replica[S]:
    roster = membership.ended(replica.roster, agent, inc, status, replica.index)
    if roster is replica.roster:
        return replica
    client = replica.roster.members[agent].client
    sessions = {name: seq for name, seq in replica.sessions.items() if name != client}
    refused = {name: rows for name, rows in replica.refused.items() if name != agent}
    kind = membership.MEMBER_DEAD if status is MemberStatus.DEAD else membership.MEMBER_LEFT
    notice = Command(agent_id="", inc="", seq=0, kind=kind, payload=canonical_json({"agent": agent}))
    return _apply_to_machine(replace(replica, roster=roster, sessions=sessions, refused=refused), machine, notice)


def _close(replica: Replica[S], machine: Machine[S]) -> Replica[S]:
    for member in replica.roster.living():
        replica = _end(replica, machine, member.agent, member.inc, MemberStatus.LEFT)
    return replace(replica, roster=membership.closed(replica.roster, replica.index))


def _count(replica: Replica[S], command: Command) -> Replica[S]:
    if not command.agent_id:
        return replica
    return replace(replica, sessions={**replica.sessions, command.client: command.seq})


def _apply_to_machine(replica: Replica[S], machine: Machine[S], command: Command) -> Replica[S]:
    transition: Transition[S] = machine.apply(replica.machine_state, command, replica.at_ms)
    if not transition.reason:
        return replace(replica, machine_state=transition.state)
    if not command.agent_id:
        return replica
    row = {"seq": command.seq, "kind": command.kind, "reason": str(transition.reason)}
    rows = (*replica.refused.get(command.agent_id, ()), row)[-REFUSALS_KEPT:]
    return replace(replica, refused={**replica.refused, command.agent_id: rows})


def _content(replica: Replica[S], machine: Machine[S]) -> Mapping[str, Any]:
    return {
        "index": replica.index,
        "term": replica.term,
        "at_ms": replica.at_ms,
        "roster": membership.encode_roster(replica.roster),
        "sessions": replica.sessions,
        "refused": {agent: list(rows) for agent, rows in replica.refused.items()},
        "machine": machine.encode(replica.machine_state),
    }


def _hash(before: str, replica: Replica[S], machine: Machine[S]) -> str:
    return _sha256(before + canonical_json(_content(replica, machine)))[:32]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
