"""At most once: which waiting requests are ordered next, which are done already, which are refused.

A session (`agent~inc`) opens with its `mesh.join` at sequence number 1; from then on each command carries the next
number. A number at or below the last ordered one was ordered before and is refused as such. A number beyond the next one
would lose the ones between if it were ordered: it waits for them, because a listener may show a later document first, and
is refused when they have not come in time.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from firemesh.core import membership
from firemesh.core.effects import Refusal, Request
from firemesh.core.membership import MemberStatus, Roster
from firemesh.core.messages import BATCH_COMMANDS_MAX, Command, MeshStatus
from firemesh.core.replica import Replica
from firemesh.ids import is_program

S = TypeVar("S")

OPERATOR_KINDS = frozenset({membership.REMOVE, membership.DRAIN, membership.CLOSE, membership.TRANSFER})
"""What an operator may ask through the inbox without a session (idempotent by content)."""
MESH_KINDS = OPERATOR_KINDS | {membership.MEMBER_DEAD, membership.MEMBER_LEFT, "mesh.deadline"}
"""Commands that no member may send under its own name. Nobody sends any under the name of a program."""

ORDER, ALREADY_ORDERED, GAP = "", "ALREADY_ORDERED", "SEQUENCE_GAP"

GAP_PATIENCE_MS = 10_000
"""How long a command waits in the inbox for the ones before it, by the store's clock."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What to do with the requests that wait. What is not named here waits for the next entry."""

    batch: tuple[Command, ...]
    done: tuple[str, ...]
    refusals: tuple[Refusal, ...]


def is_duplicate(command: Command, last_seq: int) -> bool:
    """Whether a session that has come to `last_seq` has ordered this command before."""
    return command.seq <= last_seq


def admit(replica: Replica[S], requests: Iterable[Request], agents_max: int, at_ms: int) -> Admission:
    """Sort waiting requests, first come first served, into one batch, those done, and those refused, at store time `at_ms`.

    The batch ends after 64 commands or with the first one that changes the voters: voters change one at a time. Closing the
    mesh ends all at once, and nothing is ordered any more: what still waits is refused.
    """
    admitting = _Admitting(replica.roster, dict(replica.sessions), replica.index + 1, agents_max)
    remaining = sorted(requests, key=lambda request: (request.received, request.id))
    while not admitting.closed:
        held = [request for request in remaining if not admitting.take(request)]
        if len(held) == len(remaining):
            break
        remaining = held
    if admitting.roster.status is MeshStatus.CLOSED:
        admitting.refusals.extend(_refusal(request, "MESH_CLOSED", admitting.sessions) for request in remaining)
    elif not admitting.closed:
        late = (request for request in remaining if _waited_ms(request, at_ms) >= GAP_PATIENCE_MS)
        admitting.refusals.extend(_refusal(request, GAP, admitting.sessions) for request in late)
    return Admission(tuple(admitting.batch), tuple(admitting.done), tuple(admitting.refusals))


@dataclass(slots=True)
class _Admitting:
    """The roster and the sessions as they will be after what is taken so far."""

    roster: Roster
    sessions: dict[str, int]
    index: int
    agents_max: int
    batch: list[Command] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    closed: bool = False

    def take(self, request: Request) -> bool:
        """Settle the request if it can be settled now; False when it has to wait."""
        if self.closed:
            return False
        command = request.command
        if command is None:
            self.refusals.append(Refusal(request.id, "MALFORMED", request.problem, request.sent))
            return True
        verdict = self._judge(command)
        if verdict == GAP:
            return False
        if verdict == ORDER:
            self._order(request.id, command)
        else:
            self.refusals.append(_refusal(request, verdict, self.sessions))
        return True

    def _judge(self, command: Command) -> str:
        if not command.agent_id:
            return ORDER if command.kind in OPERATOR_KINDS else "NOT_AN_OPERATOR_COMMAND"
        if command.kind in MESH_KINDS or is_program(command.agent_id):
            return "NOT_A_MEMBER_COMMAND"
        last = self.sessions.get(command.client)
        return self._judge_first(command) if last is None else self._judge_next(command, last)

    def _judge_first(self, command: Command) -> str:
        if command.kind != membership.JOIN or command.seq != 1:
            return "UNKNOWN_SESSION"
        return membership.join_problem(self.roster, command, self.agents_max)

    def _judge_next(self, command: Command, last: int) -> str:
        if is_duplicate(command, last):
            return ALREADY_ORDERED
        if command.seq != last + 1:
            return GAP
        return "ALREADY_JOINED" if command.kind == membership.JOIN else ORDER

    def _order(self, request_id: str, command: Command) -> None:
        self.batch.append(command)
        self.done.append(request_id)
        before = self.roster.voters
        self._foresee(command)
        full = len(self.batch) >= BATCH_COMMANDS_MAX
        self.closed = full or self.roster.voters != before or self.roster.status is MeshStatus.CLOSED

    def _foresee(self, command: Command) -> None:
        if command.agent_id:
            self.sessions[command.client] = command.seq
        if command.kind == membership.JOIN:
            before = self.roster.members.get(command.agent_id)
            if before is not None:
                self.sessions.pop(before.client, None)
            self.roster = membership.joined(self.roster, command, self.index)
        elif command.kind == membership.LEAVE:
            self.roster = membership.ended(self.roster, command.agent_id, command.inc, MemberStatus.LEFT, self.index)
            self.sessions.pop(command.client, None)
        elif command.kind == membership.DRAIN:
            self.roster = membership.drained(self.roster)
        elif command.kind == membership.CLOSE:
            self.roster = membership.closed(self.roster, self.index)
        elif command.kind == membership.REMOVE:
            agent, inc = command.body.get("agent"), command.body.get("inc", "")
            member = self.roster.members.get(agent) if isinstance(agent, str) else None
            if member is not None and inc in ("", member.inc):
                self.roster = membership.ended(self.roster, member.agent, member.inc, MemberStatus.LEFT, self.index)
                self.sessions.pop(member.client, None)


def _waited_ms(request: Request, at_ms: int) -> int:
    return at_ms - request.received // 1_000_000


def _refusal(request: Request, reason: str, sessions: dict[str, int]) -> Refusal:
    command = request.command
    if command is None:
        return Refusal(request.id, reason, request.problem, request.sent)
    expected = sessions.get(command.client, 0) + 1
    detail = f"seq {command.seq} came where {expected} was expected; send {expected} first" if reason == GAP else ""
    return Refusal(request.id, reason, detail, command.model_dump_json())
