"""The calls of the store that a manager's effects ask for, each answered with the event that the core wants to hear."""

import asyncio
import logging

from firemesh.core.effects import (
    CastVote,
    Commit,
    Committed,
    CommitUndecided,
    EntriesRead,
    Event,
    HeadRead,
    ReadElection,
    ReadEntries,
    ReadFailed,
    ReadHead,
    ReadSnapshot,
    SnapshotRead,
    VoteCast,
    VoteFailed,
)
from firemesh.errors import CommitAborted, ContentionError, PreconditionFailed, UnavailableError
from firemesh.runtime.store_clock import StoreClock
from firemesh.store.mesh_store import MeshStore

log = logging.getLogger(__name__)

Read = ReadHead | ReadElection | ReadEntries | ReadSnapshot
Call = Read | Commit | CastVote


class ManagerCalls:
    """One manager's line to the store. What it learns of the store's time it tells the clock."""

    def __init__(self, mesh: MeshStore, clock: StoreClock) -> None:
        self._mesh = mesh
        self._clock = clock
        self._first_sent: tuple[str, float] = ("", 0.0)

    async def perform(self, call: Call) -> Event:
        """Make the call once. That it got no answer, or a refusal, is an answer to the core as well.

        Raises:
            RequestError: the store refuses for good, or the mesh is gone; trying again will not help.
            CorruptDocument: what was read cannot have been written by this protocol.
        """
        match call:
            case Commit():
                return await self._commit(call)
            case CastVote():
                return await self._cast(call)
            case _:
                return await self._read(call)

    async def _commit(self, call: Commit) -> Event:
        proposal = call.proposal
        if self._first_sent[0] != proposal.nonce:
            self._first_sent = (proposal.nonce, asyncio.get_running_loop().time())
        try:
            version = await self._mesh.commit(proposal)
        except (UnavailableError, ContentionError) as error:
            log.info("commit %s (%s) undecided: %s", proposal.nonce, proposal.kind, error)
            return CommitUndecided(proposal.nonce, refused=isinstance(error, PreconditionFailed))
        self._clock.note(version)
        return Committed(proposal.nonce, version, self._elapsed_ms())

    def _elapsed_ms(self) -> int:
        return int((asyncio.get_running_loop().time() - self._first_sent[1]) * 1000) + 1

    async def _cast(self, call: CastVote) -> Event:
        try:
            await self._mesh.cast_vote(call.vote)
        except (UnavailableError, CommitAborted):
            return VoteFailed(call.vote.term)
        return VoteCast(call.vote.term)

    async def _read(self, call: Read) -> Event:
        try:
            return await self._answer(call)
        except UnavailableError as error:
            log.info("%s failed: %s", type(call).__name__, error)
            return ReadFailed(call)

    async def _answer(self, call: Read) -> Event:
        match call:
            case ReadHead():
                head, version, read_time = await self._mesh.read_head()
                self._clock.note(read_time)
                return HeadRead(head, version, self._elapsed_ms())
            case ReadElection(term, voters):
                election = await self._mesh.read_election(term, voters)
                self._clock.note(election.read_time)
                return election
            case ReadEntries(first, last):
                return EntriesRead(await self._mesh.read_entries(first, last))
            case ReadSnapshot(index):
                return SnapshotRead(await self._mesh.read_snapshot(index))
