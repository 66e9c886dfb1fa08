"""A mesh as one agent sees it that is bound by the security rules: `AgentMesh` directly on Firestore.

The rules say no and not why. So what a denial means is looked up here: a member that was declared dead comes back, a
removed one ends, and only what is denied to a member in good standing is an error.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from itertools import chain, repeat
from typing import Any

from firemesh.core.health import Beat
from firemesh.core.membership import MemberStatus
from firemesh.core.messages import Command
from firemesh.core.params import Params
from firemesh.errors import IncarnationEnded, MeshError, PermissionDenied, RateLimited, StoreUnavailable
from firemesh.runtime.admission import Admission, AdmissionSource
from firemesh.store.base import Fields, Store, Watch, WatchSnapshot
from firemesh.store.mesh_store import MeshStore

log = logging.getLogger(__name__)

COMMANDS_PER_BEAT = 16
"""Commands that an agent may have sent for each sign of life of its process: the number in firestore.rules."""
REST_MS = 200
"""What has to lie between two writings of one document: the number in firestore.rules."""
MARGIN_MS = 20
LOOK_SECONDS = 1.0
"""Who waits for a sign of life looks so often whether one may still be shown."""
BACKOFF_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)

StoreOpener = Callable[[Admission], Store]
"""Opens a connection as the user that an admission makes of its holder."""


class RuledMesh:
    """One mesh, seen as the agent that the control plane has admitted. See `AgentMesh`.

    Each admission has a connection of its own, because what is open keeps the identity under which it was opened.
    """

    def __init__(self, admission: Admission, source: AdmissionSource, connect: StoreOpener) -> None:
        self._source = source
        self._connect = connect
        self._beat_pace = _Pace()
        self._state_pace = _Pace()
        self._changed = asyncio.Condition()
        """More commands may be sent, or none any more of the incarnation before."""
        self._beats = 0
        """Signs of life of this run that the store has surely taken."""
        self._lost_count = False
        """One more may have been taken."""
        self._take(admission)

    @classmethod
    async def enter(cls, source: AdmissionSource, connect: StoreOpener) -> "RuledMesh":
        """The mesh for which the control plane gives an admission. Raises what the source raises."""
        return cls(await source(), source, connect)

    @property
    def admission(self) -> Admission:
        """The one that is in force."""
        return self._admission

    @property
    def mesh_id(self) -> str:
        """See `AgentMesh`."""
        return self._admission.mesh

    async def close(self) -> None:
        """End every listener and the connection."""
        await self._documents.store.close()

    async def new_incarnation(self) -> str:
        """See `AgentMesh`. Asks for another admission, as long as it takes, and goes on under that one."""
        admission = await self._insist()
        before = self._documents.store
        async with self._beat_pace, self._changed:  # no sign of life of the one is counted for the other
            self._take(admission)
            self._changed.notify_all()
        await before.close()
        return admission.inc

    # --- commands ---------------------------------------------------------------------------------------------------

    async def submit(self, request_id: str, command: Command) -> None:
        """See `AgentMesh`. Waits for the next sign of life when too many commands were sent since the last.

        Raises:
            IncarnationEnded: the incarnation that sends this is no member any more.
        """
        await self._await_allowance(command)
        try:
            await self._documents.submit(request_id, command)
        except PermissionDenied:
            if await self._was_taken(request_id, command):
                return
            # An earlier copy may have been taken between the denial and this look. If not, the denial is meant.
            await self._documents.submit(request_id, command)

    async def is_waiting(self, request_id: str) -> bool:
        """See `AgentMesh`."""
        return await self._documents.is_waiting(request_id)

    async def _await_allowance(self, command: Command) -> None:
        """Wait for the sign of life that allows this command. None comes any more to one who is no member any more."""

        def is_decided() -> bool:
            return command.inc != self._admission.inc or command.seq <= max(1, COMMANDS_PER_BEAT * self._beats)

        while not is_decided():
            try:
                async with asyncio.timeout(LOOK_SECONDS), self._changed:
                    await self._changed.wait_for(is_decided)
            except TimeoutError:
                if not await self._is_member():
                    raise _ended(command.agent_id, command.inc, command.kind) from None
        if command.inc != self._admission.inc:
            raise _ended(command.agent_id, command.inc, command.kind)

    async def _was_taken(self, request_id: str, command: Command) -> bool:
        """Whether a command is denied because the mesh has an earlier copy of it, waiting, refused or ordered.

        Raises:
            IncarnationEnded: as `submit`.
            StoreUnavailable: the command may be sent again when the sign of life is back.
            PermissionDenied: this client may not even look.
        """
        if await self.is_waiting(request_id):
            return True
        if command.seq > 1 and await self._documents.read_fields(f"refused/{request_id}") is not None:
            return True
        status = await self._status()
        if status != MemberStatus.ALIVE and (status or command.seq > 1):
            raise _ended(command.agent_id, command.inc, command.kind)
        if command.seq == 1:
            return status == MemberStatus.ALIVE
        beat, _, _ = await self._documents.read_beat(self._admission.process)
        if beat is None or beat.inc != self._admission.inc:
            raise StoreUnavailable("the sign of life was cleared away; the next one brings it back")
        return False

    # --- what is seen -----------------------------------------------------------------------------------------------

    async def read_fields(self, path: str) -> Fields | None:
        """See `AgentMesh`."""
        return await self._documents.read_fields(path)

    def watch_document(self, path: str) -> Watch:
        """See `AgentMesh`. A listener that is denied to one who is no member at the moment may be opened again."""
        return _MembersWatch(self._documents.watch_document(path), self._is_member)

    async def _is_member(self) -> bool:
        return await self._status() == MemberStatus.ALIVE

    async def _status(self) -> str:
        """What the roster says of this incarnation; empty when it knows of none."""
        row = await self._documents.read_fields(f"agents/{self._admission.agent}")
        return str(row["status"]) if row is not None and row["inc"] == self._admission.inc else ""

    # --- what is kept -----------------------------------------------------------------------------------------------

    async def write_beat(self, beat: Beat) -> None:
        """See `AgentMesh`. Each has to be the next one that the store knows of, so it gets its number here.

        Raises:
            StoreUnavailable: also to one who is no member: not yet, or not any more.
            IncarnationEnded: it is the sign of an incarnation that another has followed.
        """
        async with self._beat_pace:
            if beat.inc != self._admission.inc:
                raise _ended(self._admission.agent, beat.inc, "its sign of life")
            before = await self._stored_beats() if self._lost_count else self._beats
            self._lost_count = True
            try:
                await self._documents.write_beat(beat.model_copy(update={"seq": before + 1}))
            except PermissionDenied as error:
                standing = "is" if await self._is_member() else "is not"  # denied as well, when the key is no good any more
                raise StoreUnavailable(f"denied to one who {standing} a member") from error
            self._lost_count = False
            async with self._changed:
                self._beats = before + 1
                self._changed.notify_all()

    async def read_beat(self, process_id: str) -> tuple[Beat | None, int, int]:
        """See `AgentMesh`."""
        return await self._documents.read_beat(process_id)

    async def delete_beat(self, process_id: str) -> None:
        """See `AgentMesh`."""
        async with self._beat_pace:
            await self._documents.delete_beat(process_id)

    async def write_state(self, agent_id: str, version: int, inc: str, values: dict[str, Any]) -> None:
        """See `AgentMesh`. Raises IncarnationEnded as `submit` does."""
        try:
            await self._write_state(agent_id, version, inc, values)
        except PermissionDenied:
            if not await self._is_member():
                raise _ended(agent_id, inc, "its state") from None
            # One whose answer was lost may have been taken late, just before this one. If not, the denial is meant.
            await self._write_state(agent_id, version, inc, values)

    async def _write_state(self, agent_id: str, version: int, inc: str, values: dict[str, Any]) -> None:
        async with self._state_pace:
            await self._documents.write_state(agent_id, version, inc, values)

    async def _stored_beats(self) -> int:
        """How many signs of life of this run the store has taken, when an answer is missing."""
        beat, _, _ = await self._documents.read_beat(self._admission.process)
        return beat.seq if beat is not None and beat.inc == self._admission.inc else 0

    # --- admissions -------------------------------------------------------------------------------------------------

    def _take(self, admission: Admission) -> None:
        rpc_timeout_ms = Params(**admission.params).rpc_timeout_ms
        self._admission = admission
        self._documents = MeshStore(self._connect(admission), admission.mesh, rpc_timeout_seconds=rpc_timeout_ms / 1000)
        self._beats, self._lost_count = 0, False

    async def _insist(self) -> Admission:
        pauses = chain(BACKOFF_SECONDS, repeat(BACKOFF_SECONDS[-1]))
        while True:
            try:
                return await self._source()
            except MeshError as error:
                if not error.retryable:
                    raise
                log.info("no new admission for agent %s yet: %s", self._admission.agent, error)
                asked = error.retry_after_seconds if isinstance(error, RateLimited) else 0.0
                await asyncio.sleep(max(next(pauses), asked))


def _ended(agent_id: str, inc: str, what: str) -> IncarnationEnded:
    return IncarnationEnded(f"incarnation {inc} of agent {agent_id!r} has ended; {what} is not sent")


class _Pace:
    """Lets one writing of a document rest before the next, counted from when the first was answered."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._free_at = 0.0

    async def __aenter__(self) -> None:
        await self._turn.acquire()
        try:
            await asyncio.sleep(self._free_at - asyncio.get_running_loop().time())
        except BaseException:
            self._turn.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._free_at = asyncio.get_running_loop().time() + (REST_MS + MARGIN_MS) / 1000
        self._turn.release()


class _MembersWatch:
    """A listener to what members may see. To one who is none at the moment, its denial is an outage."""

    def __init__(self, watch: Watch, is_member: Callable[[], Awaitable[bool]]) -> None:
        self._watch = watch
        self._is_member = is_member

    @property
    def heard_at(self) -> float:
        """See `Watch`."""
        return self._watch.heard_at

    async def __aiter__(self) -> AsyncGenerator[WatchSnapshot, None]:
        try:
            async for snapshot in self._watch:
                yield snapshot
        except PermissionDenied as error:
            if await self._is_member():
                raise
            raise StoreUnavailable("this agent is no member at the moment") from error

    async def close(self) -> None:
        """See `Watch`."""
        await self._watch.close()
