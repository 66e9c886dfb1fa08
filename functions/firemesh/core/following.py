"""A manager that does not lead: it keeps up with the head, applies the log, and watches the leader's silence."""

from typing import TypeVar

from firemesh.core import election, log, programs
from firemesh.core.effects import (
    Arm,
    ArmDeadline,
    Disarm,
    EntriesRead,
    ManagerRole,
    ReadHead,
    RoleChanged,
    SnapshotRead,
    Timer,
)
from firemesh.core.messages import Head
from firemesh.core.replica import apply_entry, restore
from firemesh.core.turn import Turn
from firemesh.errors import InvariantViolation

S = TypeVar("S")

ENDED_MAX = 32
"""Runs said to have ended that are remembered; a mesh has at most 7 managers. Of more, the oldest are forgotten."""


def observe(turn: Turn[S], head: Head, version: int, age_ms: int = 0) -> None:
    """Take note of a head that somebody else may have written, and that was `age_ms` old when it was seen.

    While a commit is in flight nothing is concluded from it: the answer to the commit, or the read that finds out about
    it, tells more. An older version than the known one is a late message.

    Raises:
        InvariantViolation: a newer head has an older log: the mesh was deleted and created anew under this manager.
    """
    if turn.state.pending is not None or version <= turn.state.version:
        return
    if head.last_index < turn.state.head.last_index:
        raise InvariantViolation(f"the log went back from {turn.state.head.last_index} to {head.last_index}: another mesh")
    if turn.state.role is ManagerRole.LEADER:
        step_down(turn)
    if turn.state.role is ManagerRole.CANDIDATE:
        turn.change(role=ManagerRole.FOLLOWER)
    turn.change(head=head, version=version, target_term=0, polls=0)
    watch_silence(turn, age_ms)
    if turn.params.standbys_listen or turn.identity.shared:
        catch_up(turn)  # who only looks reads the log when it is to lead


def watch_silence(turn: Turn[S], age_ms: int = 0) -> None:
    """Arm the patience with which this manager waits for the next sign of the leader; the last one is `age_ms` old."""
    head, params = turn.state.head, turn.params
    if head.closed:
        turn.emit(Disarm(Timer.CAMPAIGN))
    elif turn.identity.shared and head.voters.managers:
        turn.emit(Arm(Timer.CAMPAIGN, max(0, params.solo_after_ms - age_ms)))
    elif election.is_orphaned(head, turn.state.ended) and turn.identity.me in head.voters.managers:
        turn.emit(Arm(Timer.CAMPAIGN, _place(turn, head) * params.poll_ms))
    elif not head.released:
        turn.emit(Arm(Timer.CAMPAIGN, max(0, head.ttl_ms + params.grace_ms - age_ms), params.stagger_ms))
    elif head.reserved_for in ("", turn.identity.me):
        turn.emit(Arm(Timer.CAMPAIGN, 0, 0 if head.reserved_for else params.poll_ms))
    else:
        turn.emit(Arm(Timer.CAMPAIGN, max(0, params.ttl_ms - age_ms), params.poll_ms))


def _place(turn: Turn[S], head: Head) -> int:
    """Where this voter stands in the queue for an orphaned lease. The first goes at once, so that it has no rival."""
    heirs = [voter for voter in head.voters.managers if voter != head.leader]
    return heirs.index(turn.identity.me) if turn.identity.me in heirs else len(heirs)


def on_run_ended(turn: Turn[S], inc: str) -> None:
    """Remember that a run has ended; if it leads, or should it come to lead yet, there is no lease to wait for."""
    state = turn.state
    if inc == turn.identity.inc or inc in state.ended:
        return
    turn.change(ended=(*state.ended, inc)[-ENDED_MAX:])
    if state.pending is not None or state.role is ManagerRole.LEADER:
        return
    if election.is_orphaned(state.head, turn.state.ended):
        watch_silence(turn)
    elif not turn.params.standbys_listen and not state.head.closed:
        turn.emit(Arm(Timer.CAMPAIGN, 0))  # who only looks now and then may not know who leads


def step_down(turn: Turn[S]) -> None:
    """Stop leading. What is in flight may still land: it will then be seen as anybody's commit."""
    turn.change(
        role=ManagerRole.FOLLOWER,
        pending=None,
        waiting=(),
        settled=frozenset(),
        proposed=(),
        riders=(),
        release_to=None,
        pausing=False,
        deadline_ms=None,
        target_term=0,
        polls=0,
    )
    turn.emit(
        RoleChanged(ManagerRole.FOLLOWER, turn.state.head.term),
        Disarm(Timer.RENEW),
        Disarm(Timer.LEASE),
        Disarm(Timer.APPEND),
        ArmDeadline(None),
    )
    watch_silence(turn)


def catch_up(turn: Turn[S]) -> None:
    """Apply what the head has and the replica lacks, reading first what is not at hand."""
    state = turn.state
    if state.fetching:
        return
    if state.replica.index < state.head.last_index:
        lacking = log.missing(state.head, state.replica)
        if not isinstance(lacking, tuple):
            turn.change(fetching=True)
            turn.emit(lacking)
            return
        replica = state.replica
        for entry in lacking:
            replica = apply_entry(replica, turn.identity.machine, entry)
        turn.change(replica=replica)
    _lead_on(turn)


def _lead_on(turn: Turn[S]) -> None:
    """A shared manager leads on in the term that another of its runs has taken over, once its replica is at the head."""
    state = turn.state
    if not turn.identity.shared or state.head.leader != turn.identity.me:
        return
    if state.role is ManagerRole.LEADER or state.pending is not None or state.replica.index < state.head.last_index:
        return
    turn.change(role=ManagerRole.LEADER, target_term=0, polls=0)
    turn.emit(RoleChanged(ManagerRole.LEADER, state.head.term), Disarm(Timer.CAMPAIGN))
    arm_deadline(turn)


def arm_deadline(turn: Turn[S]) -> None:
    """Set the leader's alarm to the machine's deadline or a program's next move, if that has changed."""
    deadline = programs.alarm_ms(turn.state.replica, turn.identity.machine, turn.at_ms)
    if deadline != turn.state.deadline_ms:
        turn.change(deadline_ms=deadline)
        turn.emit(ArmDeadline(deadline))


def on_entries(turn: Turn[S], event: EntriesRead) -> None:
    """Apply entries that were read; go on until the replica is at the head."""
    turn.change(fetching=False)
    replica = turn.state.replica
    for entry in event.entries:
        if entry.index == replica.index + 1:
            replica = apply_entry(replica, turn.identity.machine, entry)
    moved = replica is not turn.state.replica
    turn.change(replica=replica)
    _go_on(turn, moved)


def on_snapshot(turn: Turn[S], event: SnapshotRead) -> None:
    """Start over from a snapshot that lies ahead of the replica."""
    turn.change(fetching=False)
    moved = event.snapshot is not None and event.snapshot.index > turn.state.replica.index
    if moved and event.snapshot is not None:
        turn.change(replica=restore(event.snapshot, turn.identity.machine))
    _go_on(turn, moved)


def _go_on(turn: Turn[S], moved: bool) -> None:
    if not moved and turn.state.replica.index < turn.state.head.last_index:
        turn.emit(ReadHead())  # what the known head promised has been compacted away: a newer head says where to start
        return
    catch_up(turn)
    if turn.state.role is ManagerRole.CANDIDATE and not turn.state.fetching:
        turn.emit(Arm(Timer.CAMPAIGN, 0))
