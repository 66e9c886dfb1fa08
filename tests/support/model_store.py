"""The store as one immutable value: what the explorer and the scenario tests need of Firestore, and no more.

Time is abstract. `silence` says how long the head has been unchanged: not worth mentioning, long enough for the lease to
have run out, or long enough for a takeover without a majority.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

from firemesh.core.effects import (
    CastVote,
    ElectionRead,
    EntriesRead,
    Event,
    HeadRead,
    Proposal,
    ReadElection,
    ReadEntries,
    ReadHead,
    ReadSnapshot,
    SnapshotRead,
    VoteCast,
)
from firemesh.core.messages import Entry, Head, Snapshot, Vote
from firemesh.core.params import Params

NANOSECONDS_PER_MS = 1_000_000
NEW_HEAD = Head()


class Silence(IntEnum):
    FRESH = 0
    EXPIRED = 1
    DESERTED = 2

    def nanoseconds(self, params: Params) -> int:
        ms = {Silence.FRESH: 0, Silence.EXPIRED: params.ttl_ms + params.grace_ms, Silence.DESERTED: params.solo_after_ms}
        return ms[self] * NANOSECONDS_PER_MS


@dataclass(frozen=True)
class ModelStore:
    """`version` counts the commits that landed; it stands for the head's update time."""

    params: Params
    head: Head = NEW_HEAD
    version: int = 1
    silence: Silence = Silence.FRESH
    log: tuple[Entry, ...] = ()
    votes: frozenset[Vote] = frozenset()
    snapshot: Snapshot | None = None

    def accepts(self, proposal: Proposal) -> bool:
        """The preconditions of a commit: the head unchanged, the log document absent."""
        return proposal.base_version == self.version and self.lacks(proposal.entry)

    def lacks(self, entry: Entry | None) -> bool:
        """Whether the log document of an entry may be created."""
        return entry is None or all(other.index != entry.index for other in self.log)

    def landed(self, proposal: Proposal) -> "ModelStore":
        """The store after a commit, whose preconditions are not asked for here."""
        log = self.log
        if proposal.entry is not None:
            kept = (entry for entry in log if entry.index != proposal.entry.index)
            log = tuple(sorted((*kept, proposal.entry), key=lambda entry: entry.index))
        if proposal.entries_dropped is not None:
            first, last = proposal.entries_dropped
            log = tuple(entry for entry in log if not first <= entry.index <= last)
        snapshot = proposal.snapshot or self.snapshot
        return replace(
            self,
            head=proposal.head,
            version=self.version + 1,
            silence=Silence.FRESH,
            log=log,
            snapshot=snapshot,
            votes=frozenset(vote for vote in self.votes if vote.term > proposal.head.term),
        )

    def with_vote(self, vote: Vote) -> "ModelStore":
        """The store after a vote: create-only, so a second one of the same voter and term changes nothing."""
        if any((other.term, other.voter) == (vote.term, vote.voter) for other in self.votes):
            return self
        return replace(self, votes=self.votes | {vote})

    def answer(self, effect: ReadHead | ReadElection | ReadEntries | ReadSnapshot | CastVote) -> Event:
        """The event that answers a read, or a vote that has been stored."""
        match effect:
            case ReadHead():
                return HeadRead(self.head, self.version)
            case ReadElection(term, voters):
                votes = sorted(self.votes, key=lambda vote: vote.voter)
                cast = tuple(vote for vote in votes if vote.term == term and vote.voter in voters)
                read_time = self.version + self.silence.nanoseconds(self.params)
                return ElectionRead(term, self.head, self.version, read_time, cast)
            case ReadEntries(first, last):
                return EntriesRead(tuple(entry for entry in self.log if first <= entry.index <= last))
            case ReadSnapshot(index):
                found = self.snapshot is not None and self.snapshot.index == index
                return SnapshotRead(self.snapshot if found else None)
            case CastVote(vote):
                return VoteCast(vote.term)
