"""When a lease has expired and what the votes of a term say. Pure predicates over the store's own times."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from firemesh.core.messages import Head, Vote, Voters

NANOSECONDS_PER_MS = 1_000_000


def age_ms(version: int, read_time: int) -> int:
    """How long the head had been unchanged at the read, by the store's clock alone."""
    return (read_time - version) // NANOSECONDS_PER_MS


def has_expired(head: Head, version: int, read_time: int, grace_ms: int) -> bool:
    """Whether the leader has let its lease run out. A released lease needs no expiry."""
    return not head.released and age_ms(version, read_time) >= head.ttl_ms + grace_ms


def is_orphaned(head: Head, ended: tuple[str, ...]) -> bool:
    """Whether the leader is a run that is said to have ended: then nobody renews this lease any more."""
    return head.leader_inc in ended


class Tally(StrEnum):
    """What the votes of one term mean for one candidate."""

    WON = "won"
    OPEN = "open"
    """A majority is still possible."""
    SPLIT = "split"
    """No candidate can reach a majority in this term any more."""


@dataclass(frozen=True, slots=True)
class Count:
    """The votes of one term: how they stand for `me`, and whom a manager that has not voted should vote for."""

    tally: Tally
    favourite: str
    voted: bool
    unrivalled: bool
    """Nobody but `me` has a vote."""


def count_votes(me: str, voters: Voters, version: int, votes: tuple[Vote, ...]) -> Count:
    """Count the votes of one term that speak of this version of the head; older ones saw another silence.

    The favourite is whoever leads the count (lowest id on a tie), else this manager.
    """
    cast = [vote for vote in votes if vote.voter in voters.managers]
    per_candidate = Counter(vote.candidate for vote in cast if vote.head_version == version)
    favourite = min(per_candidate, key=lambda candidate: (-per_candidate[candidate], candidate), default=me)
    missing = len(voters.managers) - len(cast)
    best = max(per_candidate.values(), default=0)
    if per_candidate[me] >= voters.majority:
        tally = Tally.WON
    elif best + missing < voters.majority:
        tally = Tally.SPLIT
    else:
        tally = Tally.OPEN
    voted = any(vote.voter == me for vote in cast)
    return Count(tally=tally, favourite=favourite, voted=voted, unrivalled=per_candidate.keys() <= {me})
