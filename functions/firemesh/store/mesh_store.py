"""One mesh in the store: the words of consensus on one side, documents on the other.

Every method is one round trip. Documents that only the mesh writes are trusted to fit their models; one that does not is a
CorruptDocument. What agents write (the inbox) is never trusted: it becomes a `Request` with a command or with its problem.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError

from firemesh.core.effects import ElectionRead, Projection, Proposal, Refusal, Request
from firemesh.core.health import Beat
from firemesh.core.messages import Command, Entry, Head, NonNegative, Snapshot, StoredModel, Vote
from firemesh.core.params import Params
from firemesh.errors import AlreadyExists, CorruptDocument, MeshNotFound, PreconditionFailed
from firemesh.ids import new_incarnation
from firemesh.store import paths
from firemesh.store.base import (
    CALL_SECONDS,
    CollectionTarget,
    CommitResult,
    Create,
    Delete,
    Document,
    DocumentTarget,
    Fields,
    Put,
    ReadResult,
    Store,
    Watch,
    Write,
)
from firemesh.store.lifetimes import expiring, without_end

INBOX_LISTENED_MAX = 200
LIVENESS_LISTENED_MAX = 64
SENT_CHARACTERS_MAX = 2000
VOTE_DAYS = 7
REFUSAL_DAYS = 7
BEAT_DAYS = 7
STAMP = "at"
"""The field of a sign of life and of a state in which the store says when it was written: the rules ask how long ago."""
NANOSECONDS_PER_MS = 1_000_000
CREATE_SECONDS_MAX = 20.0
"""The first write to a fresh emulator takes seconds; nobody waits for a lease at that time."""

Model = TypeVar("Model", bound=StoredModel)


class Hosting(StrEnum):
    """Who manages a mesh."""

    PROCESSES = "processes"
    """Manager processes alone."""
    FUNCTIONS = "functions"
    """Activations of Cloud Functions, whenever no manager process does."""


class MeshRecord(StoredModel):
    """The mesh document: what the mesh replicates, how it keeps time, who manages it. Written once, at creation."""

    machine: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    setup: dict[str, Any]
    params: dict[str, int]
    hosting: Annotated[Hosting, Field(strict=False)] = Hosting.PROCESSES
    keep_days: NonNegative = 0
    """Whole days after which the functions that host the mesh delete it; 0 for never."""

    def timing(self) -> Params:
        """The validated parameters. Raises InvalidParameters when they contradict each other."""
        return Params(**self.params)


class MeshStore:
    """Reads and writes the documents of one mesh."""

    def __init__(self, store: Store, mesh_id: str, *, rpc_timeout_seconds: float = CALL_SECONDS) -> None:
        self.store = store
        self.mesh_id = mesh_id
        self.rpc_timeout_seconds = rpc_timeout_seconds
        self._told_ms = 0
        """The latest time that the store has told; what is written with an end is dated from it."""

    @property
    def told_ms(self) -> int:
        """The latest time that the store has told, in milliseconds; 0 before it has answered."""
        return self._told_ms

    async def new_incarnation(self) -> str:
        """The name of a process's next run: who has server credentials gives it to itself."""
        return new_incarnation()

    async def create(self, record: MeshRecord, *, also: Sequence[Write] = ()) -> None:
        """Create the mesh with an empty log and nobody leading, and land `also` in the same commit.

        Raises:
            AlreadyExists: a mesh of this id is there, perhaps created at the same moment, or what `also` creates is;
                nothing was changed.
            CommitAborted, OutcomeUnknown: as `Store.commit`.
        """
        writes = [
            Create(paths.mesh(self.mesh_id), record.model_dump(mode="json")),
            Create(paths.head(self.mesh_id), Head().model_dump(mode="json")),
            *also,
        ]
        try:
            await self._send(writes, timeout_seconds=CREATE_SECONDS_MAX)
        except PreconditionFailed as error:
            raise AlreadyExists(f"mesh {self.mesh_id!r} exists already") from error

    async def read_record(self) -> MeshRecord:
        """The mesh document. Raises MeshNotFound."""
        path = paths.mesh(self.mesh_id)
        return self._record((await self._read([path])).documents.get(path))

    async def commit(self, proposal: Proposal) -> int:
        """Send a proposal once; the new version of the head. Raises what `Store.commit` raises."""
        writes = [
            Put(paths.head(self.mesh_id), proposal.head.model_dump(mode="json"), if_update_time=proposal.base_version),
            *self._log_writes(proposal),
            *(self._projection_write(projection) for projection in proposal.projections),
            *(Delete(paths.request(self.mesh_id, request_id)) for request_id in proposal.requests_done),
            *self._refusal_writes(proposal.refusals),
        ]
        result = await self._send(writes)
        return result.update_times[0]

    async def cast_vote(self, vote: Vote) -> None:
        """Create a vote; that this manager voted in the term before is as good. Raises what `Store.commit` raises."""
        fields = expiring(vote.model_dump(mode="json"), self._told_ms, days=VOTE_DAYS)
        write = Create(paths.vote(self.mesh_id, vote.term, vote.voter), fields)
        try:
            await self._send([write])
        except PreconditionFailed:
            return

    async def read_head(self) -> tuple[Head, int, int]:
        """The head, its version and the time of the read, by a strong read. Raises MeshNotFound."""
        path = paths.head(self.mesh_id)
        result = await self._read([path])
        return *self._head(result.documents.get(path)), result.read_time

    async def read_election(self, term: int, voters: Sequence[str]) -> ElectionRead:
        """Head and votes of one term by one consistent strong read."""
        vote_paths = [paths.vote(self.mesh_id, term, voter) for voter in voters]
        wanted = [paths.head(self.mesh_id), *vote_paths]
        result = await self._read(wanted)
        head, version = self._head(result.documents.get(wanted[0]))
        votes = tuple(_model(Vote, result.documents[path]) for path in vote_paths if path in result.documents)
        return ElectionRead(term=term, head=head, version=version, read_time=result.read_time, votes=votes)

    async def read_entries(self, first: int, last: int) -> tuple[Entry, ...]:
        """The entries found from `first` to `last`, in order."""
        return tuple(entry for entry, _ in await self.read_stored_entries(first, last))

    async def read_stored_entries(self, first: int, last: int) -> tuple[tuple[Entry, int], ...]:
        """The same, each with the store's time of its commit in nanoseconds."""
        wanted = [paths.entry(self.mesh_id, index) for index in range(first, last + 1)]
        found = (await self._read(wanted)).documents if wanted else {}
        return tuple((_model(Entry, found[path]), found[path].update_time) for path in wanted if path in found)

    async def read_snapshot(self, index: int) -> Snapshot | None:
        """The snapshot at an index, or None when it has been superseded."""
        path = paths.snapshot(self.mesh_id, index)
        document = (await self._read([path])).documents.get(path)
        return None if document is None else _model(Snapshot, document)

    async def submit(self, request_id: str, command: Command) -> None:
        """Put a command into the inbox. That it lies there already is as good. Raises what `Store.commit` raises.

        A first command may be one that was refused before: that refusal is cleared, so that the next one is news.
        """
        writes: list[Write] = [Create(paths.request(self.mesh_id, request_id), command.model_dump(mode="json"))]
        if command.seq == 1:
            writes.append(Delete(paths.refused(self.mesh_id, request_id)))
        try:
            await self._send(writes)
        except PreconditionFailed:
            return

    async def is_waiting(self, request_id: str) -> bool:
        """Whether a command still lies in the inbox."""
        path = paths.request(self.mesh_id, request_id)
        return path in (await self._read([path])).documents

    async def read_fields(self, path: str) -> Fields | None:
        """The content of one document of the mesh, by its path below the mesh; None when there is none."""
        full = paths.below(self.mesh_id, path)
        found = (await self._read([full])).documents.get(full)
        return None if found is None else found.fields

    async def read_standing(self) -> tuple[MeshRecord, Head, Fields]:
        """The mesh document, the head and the published topology by one consistent read. Raises MeshNotFound."""
        wanted = [paths.mesh(self.mesh_id), paths.head(self.mesh_id), paths.view(self.mesh_id, "topology")]
        found = (await self._read(wanted)).documents
        topology = found[wanted[2]].fields if wanted[2] in found else {}
        return self._record(found.get(wanted[0])), self._head(found.get(wanted[1]))[0], topology

    async def write_beat(self, beat: Beat) -> None:
        """Replace the sign of life of a process."""
        fields = expiring(beat.model_dump(mode="json"), self._told_ms, days=BEAT_DAYS)
        write = Put(paths.beat(self.mesh_id, beat.process), fields, stamp=STAMP)
        await self._send([write])

    async def write_state(self, agent_id: str, version: int, inc: str, values: dict[str, Any]) -> None:
        """Replace the state an agent keeps of its own."""
        write = Put(paths.state(self.mesh_id, agent_id), {"version": version, "inc": inc, "values": values}, stamp=STAMP)
        await self._send([write])

    async def delete_beat(self, process_id: str) -> None:
        """Remove the sign of life of a process that stops in good order."""
        await self._send([Delete(paths.beat(self.mesh_id, process_id))])

    async def read_beat(self, process_id: str) -> tuple[Beat | None, int, int]:
        """The last sign of life, its update time and the read time, in the store's nanoseconds."""
        path = paths.beat(self.mesh_id, process_id)
        result = await self._read([path])
        document = result.documents.get(path)
        if document is None:
            return None, 0, result.read_time
        return parse_beat(document), document.update_time, result.read_time

    async def list_requests(self) -> tuple[Request, ...]:
        """The commands that wait, at most 200, by id: what a listener to the inbox would show at this moment."""
        found = await self.store.list_documents(paths.inbox(self.mesh_id), limit=INBOX_LISTENED_MAX)
        return tuple(parse_request(document) for document in found.documents.values())

    async def list_beats(self) -> tuple[Mapping[str, tuple[Beat, int]], int]:
        """The signs of life of all processes with their update times, by run, and the read time, in nanoseconds."""
        found = await self.store.list_documents(paths.liveness(self.mesh_id), limit=LIVENESS_LISTENED_MAX)
        parsed = ((parse_beat(document), document.update_time) for document in found.documents.values())
        return {beat.run: (beat, written) for beat, written in parsed if beat is not None}, found.read_time

    def watch_head(self) -> Watch:
        """Listen to the head."""
        return self.store.watch(DocumentTarget(paths.head(self.mesh_id)))

    def watch_inbox(self) -> Watch:
        """Listen to the commands that wait, at most 200 at a time."""
        return self.store.watch(CollectionTarget(paths.inbox(self.mesh_id), limit=INBOX_LISTENED_MAX))

    def watch_liveness(self) -> Watch:
        """Listen to the signs of life of all processes."""
        return self.store.watch(CollectionTarget(paths.liveness(self.mesh_id), limit=LIVENESS_LISTENED_MAX))

    def watch_document(self, path: str) -> Watch:
        """Listen to one document of the mesh, by its path below the mesh."""
        return self.store.watch(DocumentTarget(paths.below(self.mesh_id, path)))

    def parse_head(self, document: Document) -> Head:
        """The head in a document a listener showed."""
        return _model(Head, document)

    async def _send(self, writes: Sequence[Write], *, timeout_seconds: float | None = None) -> CommitResult:
        result = await self.store.commit(writes, timeout_seconds=timeout_seconds or self.rpc_timeout_seconds)
        self._told_ms = max(self._told_ms, result.commit_time // NANOSECONDS_PER_MS)
        return result

    async def _read(self, wanted: Sequence[str]) -> ReadResult:
        result = await self.store.get_all(wanted, timeout_seconds=self.rpc_timeout_seconds)
        self._told_ms = max(self._told_ms, result.read_time // NANOSECONDS_PER_MS)
        return result

    def _record(self, document: Document | None) -> MeshRecord:
        if document is None:
            raise MeshNotFound(f"there is no mesh {self.mesh_id!r}; create it with `firemesh mesh create {self.mesh_id}`")
        return parse_record(document)

    def _head(self, document: Document | None) -> tuple[Head, int]:
        if document is None:
            raise MeshNotFound(f"there is no mesh {self.mesh_id!r}")
        return _model(Head, document), document.update_time

    def _log_writes(self, proposal: Proposal) -> list[Write]:
        writes: list[Write] = []
        if proposal.entry is not None:
            path = paths.entry(self.mesh_id, proposal.entry.index)
            writes.append(Create(path, proposal.entry.model_dump(mode="json")))
        if proposal.snapshot is not None:
            path = paths.snapshot(self.mesh_id, proposal.snapshot.index)
            writes.append(Create(path, proposal.snapshot.model_dump(mode="json")))
        if proposal.snapshot_dropped:
            writes.append(Delete(paths.snapshot(self.mesh_id, proposal.snapshot_dropped)))
        if proposal.entries_dropped is not None:
            first, last = proposal.entries_dropped
            writes.extend(Delete(paths.entry(self.mesh_id, index)) for index in range(first, last + 1))
        return writes

    def _projection_write(self, projection: Projection) -> Write:
        path = paths.below(self.mesh_id, projection.path)
        return Delete(path) if projection.fields is None else Put(path, projection.fields)

    def _refusal_writes(self, refusals: tuple[Refusal, ...]) -> list[Write]:
        writes: list[Write] = []
        for refusal in refusals:
            said = {"reason": refusal.reason, "detail": refusal.detail, "sent": refusal.sent}
            fields = expiring(said, self._told_ms, days=REFUSAL_DAYS)
            writes.append(Delete(paths.request(self.mesh_id, refusal.request_id)))
            writes.append(Put(paths.refused(self.mesh_id, refusal.request_id), fields))
        return writes


def parse_record(document: Document) -> MeshRecord:
    """What a mesh document says. Raises CorruptDocument."""
    return _model(MeshRecord, document)


def parse_request(document: Document) -> Request:
    """What lies in one inbox document: a command, or why it is none."""
    try:
        command = Command.model_validate(dict(document.fields))
    except ValidationError as error:
        return _malformed(document, "; ".join(_problem(row) for row in error.errors(include_input=False)[:3]))
    expected = paths.request_id(command.agent_id, command.inc, command.seq)
    if command.agent_id and document.id != expected:
        return _malformed(document, f"document id is {document.id[:80]!r}, the command belongs under {expected!r}")
    return Request(id=document.id, received=document.update_time, command=command)


def parse_beat(document: Document) -> Beat | None:
    """The sign of life in a document, or None when it is malformed: a broken process looks silent."""
    try:
        fields = without_end(document.fields)
        fields.pop(STAMP, None)
        beat = Beat.model_validate(fields)
    except ValidationError:
        return None
    return beat if beat.process == document.id else None


def _malformed(document: Document, problem: str) -> Request:
    sent = json.dumps(dict(document.fields), default=_as_text, ensure_ascii=False, sort_keys=True)[:SENT_CHARACTERS_MAX]
    return Request(id=document.id, received=document.update_time, command=None, problem=problem, sent=sent)


def _as_text(value: object) -> str:
    """What JSON has no word for: a point in time as Firestore writes it."""
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


def _problem(row: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in row["loc"])
    return f"{where or 'document'}: {row['msg']}"


def _model(model: type[Model], document: Document) -> Model:
    try:
        return model.model_validate(without_end(document.fields))
    except ValidationError as error:
        problems = "; ".join(_problem(row) for row in error.errors(include_input=False)[:3])
        raise CorruptDocument(f"{document.path} does not fit {model.__name__}: {problems}") from error
