"""A manager that leads: it renews its lease, orders commands, publishes views, keeps the log short and hands over.

Every commit is conditional on the head version this manager last knew. One commit is in flight at a time; its answer
decides what comes next.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from firemesh.core import following, log, membership, programs, sessions
from firemesh.core.effects import (
    Arm,
    Commit,
    Disarm,
    ManagerRole,
    Proposal,
    ProposalKind,
    ReadHead,
    Refusal,
    RoleChanged,
    Timer,
)
from firemesh.core.messages import NOBODY_LEADS, Command, Entry, Head, MeshStatus, mesh_command
from firemesh.core.replica import Replica, take_snapshot
from firemesh.core.turn import Pending, Turn
from firemesh.errors import InvariantViolation

S = TypeVar("S")

DEADLINE = "mesh.deadline"
SNAPSHOT_BYTES_MAX = 900_000
"""A larger state does not fit one document, so no snapshot is taken and no entry dropped; tried again some entries on."""


def fresh_nonce(turn: Turn[S]) -> str:
    """A nonce no other commit has: manager, incarnation, and the number of this commit."""
    return f"{turn.identity.me}/{turn.identity.inc}/{turn.state.commits + 1}"


def propose(
    turn: Turn[S],
    kind: ProposalKind,
    *,
    changes: Mapping[str, Any] | None = None,
    entry: Entry | None = None,
    after: Replica[S] | None = None,
    done: tuple[str, ...] = (),
    refusals: tuple[Refusal, ...] = (),
    **rest: Any,
) -> None:
    """Send one commit built on the known head. Its seq and nonce always change, so it never is a no-op."""
    state = turn.state
    after = after or state.replica
    entry_changes = log.head_with(state.head, entry, after) if entry is not None else {}
    update = {"seq": state.head.seq + 1, "nonce": fresh_nonce(turn), **entry_changes, **(changes or {})}
    head = state.head.model_copy(update=update)
    projected = log.projections(state.replica, after, turn.identity.machine, head) if entry is not None else ()
    proposal = Proposal(
        kind=kind,
        base_version=state.version,
        head=head,
        entry=entry,
        projections=projected + state.riders,
        requests_done=done,
        refusals=refusals,
        **rest,
    )
    ended = {*done, *(refusal.request_id for refusal in refusals)}
    settles = frozenset(request.key for request in state.waiting if request.id in ended)
    turn.change(pending=Pending(proposal, after, settles), commits=state.commits + 1)
    turn.emit(Commit(proposal))


def proceed(turn: Turn[S], *, after_moves: bool = False) -> None:
    """If this manager leads and has nothing in flight, make the most urgent commit.

    `after_moves`: it has just made one for programs. They answer each other no sooner than at the next alarm, or when somebody
    else has acted; else they might talk without a pause.
    """
    state = turn.state
    if state.role is not ManagerRole.LEADER or state.pending is not None:
        return
    if state.release_to is not None:
        propose(turn, ProposalKind.RELEASE, changes={**NOBODY_LEADS, "transfer_to": state.release_to})
    elif not state.pausing and (_order_own(turn) or _order_requests(turn) or (not after_moves and _order_moves(turn))):
        if turn.params.append_interval_ms:
            turn.change(pausing=True)
            turn.emit(Arm(Timer.APPEND, turn.params.append_interval_ms))
    else:
        _keep_log_short(turn)


def renew(turn: Turn[S]) -> None:
    """Extend the lease. Any commit does; this one is for when there is nothing else to say."""
    if turn.state.role is ManagerRole.LEADER and turn.state.pending is None:
        propose(turn, ProposalKind.RENEW)


def landed(turn: Turn[S], pending: Pending[S], version: int, elapsed_ms: int) -> None:
    """The commit in flight is in the store: take over what it says."""
    proposal = pending.proposal
    settled = turn.state.settled | pending.settles
    riders = tuple(rider for rider in turn.state.riders if rider not in proposal.projections)
    turn.change(head=proposal.head, version=version, replica=pending.after, pending=None, settled=settled, riders=riders)
    if proposal.head.released:
        following.step_down(turn)
        if not proposal.head.closed:
            turn.emit(Arm(Timer.CAMPAIGN, turn.params.ttl_ms, turn.params.poll_ms))  # the others go first
        return
    if proposal.kind is ProposalKind.TAKEOVER:
        turn.change(role=ManagerRole.LEADER, target_term=0, polls=0, ended=())
        turn.emit(RoleChanged(ManagerRole.LEADER, proposal.head.term), Disarm(Timer.CAMPAIGN))
    if not turn.identity.shared:
        turn.emit(Arm(Timer.RENEW, turn.params.renew_ms))
        turn.emit(Arm(Timer.LEASE, max(0, turn.params.lease_ms - elapsed_ms)))
    following.arm_deadline(turn)
    _obey_transfer(turn, proposal.entry)
    proceed(turn, after_moves=proposal.entry is not None and programs.are_moves(proposal.entry.batch))


def undecided(turn: Turn[S], pending: Pending[S], refused: bool) -> None:
    """Nobody knows whether the commit in flight landed: ask the head."""
    turn.change(pending=replace(pending, resolving=True, refused=refused))
    turn.emit(ReadHead())


def is_mine(head: Head, pending: Pending[S]) -> bool:
    """Whether the head as it stands was written by the commit in flight."""
    return head.nonce == pending.proposal.nonce


def resolve(turn: Turn[S], pending: Pending[S], head: Head, version: int, elapsed_ms: int) -> None:
    """Conclude from a strong read what became of the commit in flight.

    Its nonce stands in the head: it landed. The head moved otherwise: it never can land. The head is unchanged: it may
    still land, so the identical commit is sent again; at most one of the copies finds its precondition.

    Raises:
        InvariantViolation: the last copy, too, was refused though the head is unchanged: a document is in the way.
    """
    if is_mine(head, pending):
        landed(turn, pending, version, elapsed_ms)
    elif version < pending.proposal.base_version:
        turn.emit(Arm(Timer.RETRY, turn.params.retry_ms))  # a read from before the commit was made: ask again
    elif version > pending.proposal.base_version:
        _lost(turn, head, version)
    elif pending.sends < turn.params.sends_max:
        turn.change(pending=replace(pending, sends=pending.sends + 1, resolving=False))
        turn.emit(Commit(pending.proposal))
    elif pending.refused:
        raise InvariantViolation(_in_the_way(pending.proposal))
    else:
        following.step_down(turn)


def _in_the_way(proposal: Proposal) -> str:
    """The head is as the commit wants it, so a document that it must create is there already."""
    index = proposal.snapshot.index if proposal.snapshot is not None else proposal.head.last_index
    what = "snapshot" if proposal.snapshot is not None else "log entry"
    return f"{what} {index} exists already, but no head names it: left over from a deleted mesh, or written by another hand"


def _lost(turn: Turn[S], head: Head, version: int) -> None:
    """The head moved under the commit in flight. Nobody else moves the head of a living lease: the lead is lost too.

    A shared manager, which has no lease, may find that another of its runs has moved it; then it leads on from there.
    """
    turn.change(pending=None)
    if turn.state.role is ManagerRole.LEADER:
        following.step_down(turn)
    following.observe(turn, head, version)


def _order_own(turn: Turn[S]) -> bool:
    """Order what the mesh itself wants; a command that changes the voters goes alone."""
    state = turn.state
    wanted = tuple(command for command in state.proposed if _still_wanted(turn, command))
    alone = tuple(command for command in wanted if membership.ends_a_voter(state.replica.roster, command))
    batch = tuple(command for command in wanted if command not in alone) or alone[:1]
    turn.change(proposed=tuple(command for command in wanted if command not in batch))
    if not batch:
        return False
    _append(turn, batch)
    return True


def _still_wanted(turn: Turn[S], command: Command) -> bool:
    state = turn.state
    if command.kind == DEADLINE:
        return bool(command.body.get("deadline_ms") == turn.identity.machine.deadline_ms(state.replica.machine_state))
    member = state.replica.roster.members.get(str(command.body.get("agent")))
    return member is not None and member.alive and command.body.get("inc", "") in ("", member.inc)


def _order_requests(turn: Turn[S]) -> bool:
    state = turn.state
    waiting = [request for request in state.waiting if request.key not in state.settled]
    if not waiting:
        return False
    admission = sessions.admit(state.replica, waiting, turn.params.agents_max, turn.at_ms)
    if admission.batch:
        asked_ns = min(request.received for request in waiting if request.id in admission.done)
        _append(turn, admission.batch, admission.done, admission.refusals, asked_ms=asked_ns // 1_000_000)
    elif admission.refusals:
        propose(turn, ProposalKind.APPEND, refusals=admission.refusals)
    else:
        return False  # all that waits does so for commands before it
    return True


def _order_moves(turn: Turn[S]) -> bool:
    """Order what programs do now."""
    batch = programs.due(turn.state.replica, turn.identity.machine, turn.at_ms)
    if batch:
        _append(turn, batch)
    return bool(batch)


def _append(
    turn: Turn[S],
    batch: tuple[Command, ...],
    done: tuple[str, ...] = (),
    refusals: tuple[Refusal, ...] = (),
    *,
    asked_ms: int = 0,
) -> None:
    state, machine = turn.state, turn.identity.machine
    entry, after = log.next_entry(
        state.replica,
        machine,
        term=state.head.term,
        at_ms=turn.at_ms,
        batch=batch,
        nonce=fresh_nonce(turn),
        asked_ms=asked_ms,
    )
    # The commit that closes the mesh lets go of the lease as well: nothing is left to be led, whatever becomes of this manager.
    changes = NOBODY_LEADS if after.roster.status is MeshStatus.CLOSED else {}
    propose(turn, ProposalKind.APPEND, changes=changes, entry=entry, after=after, done=done, refusals=refusals)


def _obey_transfer(turn: Turn[S], entry: Entry | None) -> None:
    """Hand over to whom an operator's order names, if it can lead. Should this manager fail first, others take over anyway."""
    heir = membership.heir(turn.state.replica.roster, entry.batch) if entry is not None else ""
    if heir and heir != turn.identity.me:
        turn.change(release_to=heir)


def _keep_log_short(turn: Turn[S]) -> None:
    state, params = turn.state, turn.params
    last = max(state.head.snapshot_index, state.too_large_at)
    due = state.replica.index - last >= params.snapshot_every
    if due and _propose_snapshot(turn):
        return
    if (dropped := log.droppable(state.head, params.keep_entries)) is not None:
        propose(turn, ProposalKind.COMPACT, changes={"first_index": dropped[1] + 1}, entries_dropped=dropped)


def _propose_snapshot(turn: Turn[S]) -> bool:
    snapshot = take_snapshot(turn.state.replica, turn.identity.machine)
    if len(snapshot.state.encode()) > SNAPSHOT_BYTES_MAX:
        turn.change(too_large_at=snapshot.index)
        return False  # the log stays longer instead; nothing is lost
    propose(
        turn,
        ProposalKind.SNAPSHOT,
        changes={"snapshot_index": snapshot.index},
        snapshot=snapshot,
        snapshot_dropped=turn.state.head.snapshot_index,
    )
    return True


def deadline_command(deadline_ms: int) -> Command:
    """The command that tells the machine its deadline has passed."""
    return mesh_command(DEADLINE, {"deadline_ms": deadline_ms})
