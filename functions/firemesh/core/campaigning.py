"""A manager that finds the leader silent: it gathers votes as evidence and takes over with one conditional commit.

Votes decide nothing about safety: the commit's precondition does. They keep one manager with a broken listener or a
slow clock from deposing a healthy leader, and they settle who of several candidates goes first.
"""

from typing import TypeVar

from firemesh.core import election, following, log
from firemesh.core.effects import (
    Arm,
    CastVote,
    ElectionRead,
    ManagerRole,
    ProposalKind,
    ReadElection,
    Timer,
)
from firemesh.core.election import Count, Tally
from firemesh.core.leading import fresh_nonce, propose
from firemesh.core.messages import Vote
from firemesh.core.turn import Turn

S = TypeVar("S")

RIVALS_LOOKS_MAX = 2
"""Looks at a term in which somebody else has votes, and the start the favourite gets into the next term, in looks."""


def on_campaign(turn: Turn[S]) -> None:
    """Patience has run out: look by one strong read. A follower looks at the head alone; a candidate, at the votes as well."""
    state = turn.state
    if state.role is ManagerRole.LEADER or state.pending is not None or state.head.closed:
        return
    if state.electing or state.fetching:
        turn.emit(Arm(Timer.CAMPAIGN, turn.params.retry_ms))
        return
    term = max(state.target_term, state.head.term + 1)
    turn.change(electing=True, target_term=term)
    turn.emit(ReadElection(term, state.head.voters.managers if state.role is ManagerRole.CANDIDATE else ()))


def on_election(turn: Turn[S], event: ElectionRead) -> None:
    """Decide by one strong read: stand back, catch up, vote, wait, or take over."""
    turn.change(electing=False)
    role = turn.state.role
    if role is ManagerRole.LEADER or turn.state.pending is not None or turn.state.head.closed:
        return
    if event.version > turn.state.version:
        following.observe(turn, event.head, event.version, election.age_ms(event.version, event.read_time))
    elif event.version < turn.state.version or event.term <= event.head.term:
        if role is ManagerRole.CANDIDATE:  # a follower has armed its patience with what it has heard since
            turn.emit(Arm(Timer.CAMPAIGN, turn.params.retry_ms))
    elif (patience_ms := _patience_ms(turn, event)) > 0:
        turn.change(role=ManagerRole.FOLLOWER, target_term=0, polls=0)
        turn.emit(Arm(Timer.CAMPAIGN, patience_ms, turn.params.stagger_ms))
    else:
        turn.change(role=ManagerRole.CANDIDATE)
        _stand(turn, event, votes_read=role is ManagerRole.CANDIDATE)


def on_vote_cast(turn: Turn[S]) -> None:
    """The own vote stands: look again at once, it may have been the one that was missing."""
    turn.change(electing=False)
    if turn.state.role is ManagerRole.CANDIDATE:
        on_campaign(turn)


def on_vote_failed(turn: Turn[S]) -> None:
    """The vote got no answer: begin again soon."""
    turn.change(electing=False)
    turn.emit(Arm(Timer.CAMPAIGN, turn.params.retry_ms))


def _stand(turn: Turn[S], event: ElectionRead, *, votes_read: bool) -> None:
    """Nobody holds the lease any more: take over where no vote is needed, else see what the votes say."""
    voters = event.head.voters.managers
    if turn.state.replica.index < event.head.last_index:
        turn.emit(Arm(Timer.CAMPAIGN, turn.params.poll_ms))
        following.catch_up(turn)
    elif _until_deserted_ms(turn, event) <= 0 or not voters:
        _take_over(turn, event.term)
    elif turn.identity.me not in voters:
        turn.emit(Arm(Timer.CAMPAIGN, _until_deserted_ms(turn, event), turn.params.poll_ms))
    elif event.head.released or election.is_orphaned(event.head, turn.state.ended):
        _take_over(turn, event.term)
    elif votes_read:
        _weigh(turn, event)
    else:
        on_campaign(turn)


def _until_deserted_ms(turn: Turn[S], event: ElectionRead) -> int:
    """How long the head must still be silent before a manager alone takes over; zero or less when it may."""
    return turn.params.solo_after_ms - election.age_ms(event.version, event.read_time)


def _patience_ms(turn: Turn[S], event: ElectionRead) -> int:
    """How long to wait still before anybody may move; zero or less when the lease is over by the store's own clock."""
    head, params = event.head, turn.params
    age = election.age_ms(event.version, event.read_time)
    if election.is_orphaned(head, turn.state.ended):
        return 0
    if not head.released:
        expired = election.has_expired(head, event.version, event.read_time, params.grace_ms)
        return 0 if expired else max(1, head.ttl_ms + params.grace_ms - age)
    return 0 if head.reserved_for in ("", turn.identity.me) else params.ttl_ms - age


def _weigh(turn: Turn[S], event: ElectionRead) -> None:
    count = election.count_votes(turn.identity.me, event.head.voters, event.version, event.votes)
    if count.tally is Tally.WON:
        _take_over(turn, event.term)
    elif count.tally is Tally.SPLIT or turn.state.polls >= _looks_at_most(turn, count):
        _move_on(turn, event.term + 1, count)
    elif not count.voted:
        _vote(turn, event, count)
    else:
        turn.change(polls=turn.state.polls + 1)
        turn.emit(Arm(Timer.CAMPAIGN, turn.params.poll_ms, turn.params.poll_ms))


def _looks_at_most(turn: Turn[S], count: Count) -> int:
    """How often to look at one term: with a rival about, a takeover comes soon or the voters that lack are dead."""
    return turn.params.polls_max if count.unrivalled else min(RIVALS_LOOKS_MAX, turn.params.polls_max)


def _move_on(turn: Turn[S], term: int, count: Count) -> None:
    """Try the next term. The favourite goes first, so that the others find its vote there and give it theirs."""
    turn.change(target_term=term, polls=0)
    if count.favourite == turn.identity.me:
        turn.emit(Arm(Timer.CAMPAIGN, 0))
    else:
        turn.emit(Arm(Timer.CAMPAIGN, RIVALS_LOOKS_MAX * turn.params.poll_ms, turn.params.poll_ms))


def _vote(turn: Turn[S], event: ElectionRead, count: Count) -> None:
    turn.change(electing=True)
    vote = Vote(
        term=event.term,
        voter=turn.identity.me,
        candidate=count.favourite,
        applied=turn.state.replica.index,
        head_version=event.version,
    )
    turn.emit(CastVote(vote))


def _take_over(turn: Turn[S], term: int) -> None:
    identity, state = turn.identity, turn.state
    entry, after = log.next_entry(
        state.replica, identity.machine, term=term, at_ms=turn.at_ms, batch=(), nonce=fresh_nonce(turn)
    )
    changes = {
        "term": term,
        "leader": identity.me,
        "leader_inc": identity.inc,
        "ttl_ms": turn.params.ttl_ms,
        "transfer_to": "",
        "deposed_inc": next((inc for inc in state.ended if inc == state.head.leader_inc), ""),
    }
    propose(turn, ProposalKind.TAKEOVER, changes=changes, entry=entry, after=after)
