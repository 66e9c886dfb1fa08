"""A mesh as one agent sees it that has nothing but HTTP: `AgentMesh` through the REST interface."""

import asyncio
import logging
from contextlib import suppress
from itertools import chain, repeat
from typing import Any

from firemesh.client.event_reader import BACKOFF_SECONDS, Event, EventReader
from firemesh.client.rest_calls import RestCalls
from firemesh.core.health import Beat
from firemesh.core.membership import JOIN
from firemesh.core.messages import Command
from firemesh.errors import (
    AgentIdInUse,
    AgentNotFound,
    IncarnationEnded,
    InvalidMessage,
    MeshError,
    NotStored,
    PermissionDenied,
    UnavailableError,
    VersionMoved,
)
from firemesh.runtime.admission import Admission, AdmissionSource
from firemesh.store import paths
from firemesh.store.base import Document, Fields, Watch, WatchSnapshot
from firemesh.store.feed import SnapshotFeed

log = logging.getLogger(__name__)

NS_PER_US = 1_000
NS_PER_MS = 1_000_000


class RestMesh:
    """One mesh, seen as the agent that the control plane has admitted. See `AgentMesh`.

    All that is listened to comes by one event stream, which is opened with the first listener. It shows what is there: a
    document that is missing is not shown as missing.
    """

    def __init__(self, calls: RestCalls, admission: Admission, source: AdmissionSource) -> None:
        self._calls = calls
        self._source = source
        self._feeds: dict[SnapshotFeed, str] = {}
        self._latest: dict[str, Document] = {}
        self._reader: EventReader | None = None
        self._reading: asyncio.Task[None] | None = None
        self._error: MeshError | None = None
        """Why there is nothing to listen to any more."""
        self._take(admission)

    @classmethod
    async def enter(cls, calls: RestCalls, source: AdmissionSource) -> "RestMesh":
        """The mesh for which the control plane gives an admission. Raises what the source raises; then `calls` is closed."""
        try:
            return cls(calls, await source(), source)
        except BaseException:
            await calls.close()
            raise

    @property
    def admission(self) -> Admission:
        """The one that is in force."""
        return self._admission

    @property
    def mesh_id(self) -> str:
        """See `AgentMesh`."""
        return self._admission.mesh

    async def close(self) -> None:
        """End the event stream and every connection."""
        await self._stop_reading()
        await self._calls.close()

    async def new_incarnation(self) -> str:
        """See `AgentMesh`. Asks for another admission, as long as it takes, and goes on under that one."""
        pauses = chain(BACKOFF_SECONDS, repeat(BACKOFF_SECONDS[-1]))
        while True:
            try:
                admission = await self._source()
                break
            except MeshError as error:
                if not error.retryable:
                    raise
                log.info("no new admission for agent %s yet: %s", self._admission.agent, error)
            await asyncio.sleep(next(pauses))
        await self._stop_reading()
        self._take(admission)
        if self._feeds:
            self._start_reading()
        return admission.inc

    # --- commands ---------------------------------------------------------------------------------------------------

    async def submit(self, request_id: str, command: Command) -> None:
        """See `AgentMesh`.

        Raises:
            AgentIdInUse: another living run has the id that this one would join under.
            InboxFull: too many commands of this agent wait for a leader.
        """
        if command.inc != self._admission.inc:
            raise _ended(command)
        if command.kind == JOIN:
            self._latest.pop(f"refused/{request_id}", None)  # a refusal of an earlier try; the next one is news
        try:
            body = {"seq": command.seq, "kind": command.kind, "body": command.body}
            await self._calls.call("POST", "/commands", body)
        except (AgentNotFound, AgentIdInUse) as error:
            if command.kind == JOIN:
                raise
            raise _ended(command) from error

    async def is_waiting(self, request_id: str) -> bool:
        """See `AgentMesh`."""
        try:
            return bool((await self._fate(request_id))["status"] == "waiting")
        except NotStored:
            return False

    async def _fate(self, request_id: str) -> Any:
        return (await self._calls.call("GET", f"/commands/{int(request_id.rpartition('_')[2])}")).value

    # --- what is seen -----------------------------------------------------------------------------------------------

    async def read_fields(self, path: str) -> Fields | None:
        """See `AgentMesh`. The row of the roster, or why a command was refused, may be asked for.

        Raises:
            InvalidMessage: everything else is only listened to.
        """
        if path == f"agents/{self._admission.agent}":
            return await self._read_row()
        if path.startswith("refused/"):
            fate = await self._fate(path)
            return {"reason": fate["reason"], "detail": fate["detail"]} if fate["status"] == "refused" else None
        raise InvalidMessage(f"{path} is not read over REST; listen to it")

    async def _read_row(self) -> Fields | None:
        """With the key, because it is asked for just when the session's own run may have ended."""
        try:
            row: Fields = await self._calls.ask("GET", f"/meshes/{self.mesh_id}/agents/{self._admission.agent}")
        except AgentNotFound:
            return None
        return row

    def watch_document(self, path: str) -> Watch:
        """See `AgentMesh`."""
        if self._reading is None:
            self._start_reading()
        feed = SnapshotFeed(heard_at=self._heard_at, on_close=self._forget)
        self._feeds[feed] = path
        if self._error is not None:
            feed.fail(self._error)
        elif path in self._latest:
            feed.offer(_snapshot(self._latest[path]))
        return feed

    def _heard_at(self) -> float:
        return self._reader.heard_at if self._reader is not None else 0.0

    def _forget(self, feed: SnapshotFeed) -> None:
        self._feeds.pop(feed, None)

    def _start_reading(self) -> None:
        self._reader = EventReader(lambda after: self._calls.lines("/events", last_event_id=after), self._show)
        self._reading = asyncio.create_task(self._read(self._reader))

    async def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._reading = None

    async def _read(self, reader: EventReader) -> None:
        """Read to the end of the run; how it ended, the row tells."""
        try:
            with suppress(IncarnationEnded):
                await reader.run()
            await self._show_row()
        except MeshError as error:
            self._error = error
            for feed in tuple(self._feeds):
                feed.fail(error)

    async def _show_row(self) -> None:
        """Show how the row stands, however long that takes. Raises AgentNotFound when it is gone."""
        while True:
            try:
                row = await self._read_row()
                break
            except UnavailableError as error:
                log.info("agent %s cannot see its row: %s", self._admission.agent, error)
            await asyncio.sleep(BACKOFF_SECONDS[0])
        if row is None:
            raise AgentNotFound(f"mesh {self.mesh_id!r} knows no agent {self._admission.agent!r} any more")
        self._offer(Document(self._whole(f"agents/{self._admission.agent}"), row, self._row_version() + 1))

    def _row_version(self) -> int:
        known = self._latest.get(f"agents/{self._admission.agent}")
        return 0 if known is None else known.update_time

    def _show(self, event: Event) -> None:
        data = event.data
        self._offer(Document(self._whole(data["path"]), data["fields"], data["version"] * NS_PER_US))

    def _offer(self, document: Document) -> None:
        path = document.path.removeprefix(self._whole(""))
        self._latest[path] = document
        for feed, wanted in tuple(self._feeds.items()):
            if wanted == path:
                feed.offer(_snapshot(document))

    def _whole(self, path: str) -> str:
        return paths.below(self.mesh_id, path)

    # --- what is kept -----------------------------------------------------------------------------------------------

    async def write_beat(self, beat: Beat) -> None:
        """See `AgentMesh`. Before it is a member the agent shows none: there is no silence to break."""
        state = beat.agents.get(self._admission.agent, "running")
        body = {"seq": beat.seq, "interval_ms": beat.interval_ms, "state": state, "lateness": beat.lateness}
        await self._calls.call("PUT", "/heartbeat", body)

    async def read_beat(self, process_id: str) -> tuple[Beat | None, int, int]:
        """See `AgentMesh`. Raises PermissionDenied for any process but this agent's own, whichever run of it."""
        if process_id != self._admission.process:
            raise PermissionDenied(f"the sign of life of process {process_id!r} is not shown to others")
        try:
            shown = (await self._calls.call("GET", "/heartbeat")).value
        except NotStored:
            return None, 0, 0
        beat = Beat(
            process=process_id,
            inc=shown["inc"],
            seq=shown["seq"],
            interval_ms=shown["interval_ms"],
            agents={},
            applied={},
            lateness=shown["lateness"],
        )
        return beat, shown["written_ms"] * NS_PER_MS, shown["read_ms"] * NS_PER_MS

    async def delete_beat(self, process_id: str) -> None:
        """See `AgentMesh`. Left to the leader, which clears away what a run leaves that has ended in good order."""

    async def write_state(self, agent_id: str, version: int, inc: str, values: dict[str, Any]) -> None:
        """See `AgentMesh`.

        Raises:
            VersionMoved: another version than the one before is stored.
        """
        condition = {"If-Match": f'"{version - 1}"'} if version > 1 else {"If-None-Match": "*"}
        try:
            await self._calls.call("PUT", "/state", {"values": values}, headers=condition)
        except VersionMoved:
            # An answer that got lost: then it is there already.
            if (await self._calls.call("GET", "/state")).value != {"version": version, "inc": inc, "values": values}:
                raise

    def _take(self, admission: Admission) -> None:
        self._admission = admission
        self._calls.act_as(admission)


def _snapshot(document: Document) -> WatchSnapshot:
    return WatchSnapshot(document.update_time, {document.path: document})


def _ended(command: Command) -> IncarnationEnded:
    return IncarnationEnded(f"incarnation {command.inc} of agent {command.agent_id!r} has ended; {command.kind} is not sent")
