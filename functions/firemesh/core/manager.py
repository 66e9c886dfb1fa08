"""The manager: one pure transition from an event to effects. Its runner's contract stands in the package docstring."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from firemesh.core import campaigning, following, leading
from firemesh.core.effects import (
    Arm,
    Committed,
    CommitUndecided,
    DeadlinePassed,
    Effect,
    ElectionRead,
    EntriesRead,
    Event,
    HeadRead,
    HeadSeen,
    ManagerRole,
    ProjectionChanged,
    Proposed,
    ReadElection,
    ReadFailed,
    ReadHead,
    ReleaseAsked,
    RequestsSeen,
    RunEnded,
    SnapshotRead,
    Timer,
    TimerFired,
    VoteCast,
    VoteFailed,
)
from firemesh.core.machine import Machine
from firemesh.core.messages import Command
from firemesh.core.params import Params
from firemesh.core.replica import initial_replica
from firemesh.core.turn import Identity, ManagerState, Turn

S = TypeVar("S")

PROPOSED_MAX = 100
"""Commands of the mesh itself that may wait at the leader: at most a few per member."""


def step(identity: Identity[S], state: ManagerState[S], event: Event, at_ms: int) -> tuple[ManagerState[S], list[Effect]]:
    """What a manager in `state` becomes and wants done on `event`. Pure.

    `at_ms` is the runner's estimate of the store's clock in milliseconds; it only stamps entries.

    Raises:
        InvariantViolation: the store holds what this protocol cannot have written. Stop; keep the documents.
    """
    turn = Turn(identity=identity, state=state, at_ms=at_ms)
    _dispatch(turn, event)
    return turn.state, turn.effects


class Manager(Generic[S]):
    """A manager with its state, for runners that keep it in memory."""

    def __init__(
        self, me: str, inc: str, machine: Machine[S], setup: Mapping[str, Any], params: Params, *, shared: bool = False
    ) -> None:
        self.identity = Identity(me=me, inc=inc, machine=machine, params=params, shared=shared)
        self.state: ManagerState[S] = ManagerState(replica=initial_replica(machine, setup))

    def start(self) -> list[Effect]:
        """The first effects: find out how things stand."""
        return [ReadHead()]

    def step(self, event: Event, at_ms: int) -> list[Effect]:
        """Take in one event; see `step`."""
        self.state, effects = step(self.identity, self.state, event, at_ms)
        return effects


def _dispatch(turn: Turn[S], event: Event) -> None:
    match event:
        case HeadSeen(head, version):
            following.observe(turn, head, version)
        case TimerFired(timer):
            _on_timer(turn, timer)
        case Committed() | CommitUndecided():
            _on_commit_answer(turn, event)
        case VoteCast():
            campaigning.on_vote_cast(turn)
        case VoteFailed():
            campaigning.on_vote_failed(turn)
        case ReadFailed(effect):
            _on_read_failed(turn, effect)
        case HeadRead() | ElectionRead() | EntriesRead() | SnapshotRead():
            _on_read(turn, event)
        case RunEnded(inc):
            following.on_run_ended(turn, inc)
        case _:
            _on_wish(turn, event)


def _on_read(turn: Turn[S], event: HeadRead | ElectionRead | EntriesRead | SnapshotRead) -> None:
    match event:
        case HeadRead():
            _on_head_read(turn, event)
        case ElectionRead():
            campaigning.on_election(turn, event)
        case EntriesRead():
            following.on_entries(turn, event)
        case SnapshotRead():
            following.on_snapshot(turn, event)


def _on_commit_answer(turn: Turn[S], event: Committed | CommitUndecided) -> None:
    """An answer to the commit in flight; one to a commit that was given up says nothing any more."""
    pending = turn.state.pending
    if pending is None or pending.proposal.nonce != event.nonce:
        return
    if isinstance(event, Committed):
        leading.landed(turn, pending, event.version, event.elapsed_ms)
    else:
        leading.undecided(turn, pending, event.refused)


def _on_wish(turn: Turn[S], event: Event) -> None:
    """What only a leader can do something about; the others forget it, because the leader hears of it too."""
    if turn.state.role is not ManagerRole.LEADER:
        return
    match event:
        case RequestsSeen(requests):
            shown = frozenset(request.key for request in requests)
            turn.change(waiting=requests, settled=turn.state.settled & shown)
        case Proposed(command):
            _want(turn, command)
        case DeadlinePassed(deadline_ms):
            turn.at_ms = max(turn.at_ms, deadline_ms)  # the runner says so, whatever its estimate is
            _want(turn, leading.deadline_command(deadline_ms))
            following.arm_deadline(turn)
        case ProjectionChanged(projection):
            others = tuple(rider for rider in turn.state.riders if rider.path != projection.path)
            turn.change(riders=(*others, projection))
        case ReleaseAsked(transfer_to):
            turn.change(release_to=transfer_to)
    leading.proceed(turn)


def _want(turn: Turn[S], command: Command) -> None:
    if command not in turn.state.proposed and len(turn.state.proposed) < PROPOSED_MAX:
        turn.change(proposed=(*turn.state.proposed, command))


def _on_head_read(turn: Turn[S], event: HeadRead) -> None:
    pending = turn.state.pending
    if pending is not None and pending.resolving:
        leading.resolve(turn, pending, event.head, event.version, event.elapsed_ms)
    else:
        following.observe(turn, event.head, event.version)


def _on_read_failed(turn: Turn[S], effect: object) -> None:
    if isinstance(effect, ReadElection):
        turn.change(electing=False)
        turn.emit(Arm(Timer.CAMPAIGN, turn.params.retry_ms, turn.params.retry_ms))
        return
    if not isinstance(effect, ReadHead):
        turn.change(fetching=False)
    turn.emit(Arm(Timer.RETRY, turn.params.retry_ms, turn.params.retry_ms))


def _on_timer(turn: Turn[S], timer: Timer) -> None:
    match timer:
        case Timer.CAMPAIGN:
            campaigning.on_campaign(turn)
        case Timer.RENEW:
            leading.renew(turn)
        case Timer.LEASE:
            if turn.state.role is ManagerRole.LEADER:
                following.step_down(turn)
        case Timer.APPEND:
            turn.change(pausing=False)
            leading.proceed(turn)
        case Timer.RETRY:
            _retry(turn)


def _retry(turn: Turn[S]) -> None:
    pending = turn.state.pending
    if turn.state.version == 0 or (pending is not None and pending.resolving):
        turn.emit(ReadHead())
    else:
        following.catch_up(turn)
