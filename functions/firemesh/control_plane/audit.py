"""The audit trail: security decisions, append-only, each record chained to the one before.

A record's hash covers its content and the hash before it; the head names the last one. Who removes or alters a record
breaks the chain, which `verify` finds. One log line goes out for every decision, stored or not.
"""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from firemesh.control_plane.together import Together
from firemesh.core.messages import NonNegative, StoredModel, canonical_json
from firemesh.errors import CommitAborted, MeshNotFound, PreconditionFailed, StoreUnavailable
from firemesh.store import paths
from firemesh.store.base import Create, Document, Put, Store, Write

log = logging.getLogger(__name__)

APPENDS_MAX = 20
"""Attempts to append while other instances append to the same trail: twice as many as there are instances."""
RECORDS_AT_ONCE_MAX = 100
"""Records in one commit."""
START = "0" * 64

Word = Annotated[str, Field(max_length=80)]


class Decision(StoredModel):
    """Who asked for what, and what was decided. Nothing secret: ids and words only."""

    who: Word
    role: Word
    operation: Word
    mesh: Word = ""
    target: Word = ""
    allowed: bool
    reason: Word = ""
    request_id: Word = ""


class AuditHead(StoredModel):
    """Where a trail ends."""

    number: NonNegative = 0
    hash: str = START


class AuditRecord(Decision):
    """A decision in its place in a trail."""

    number: Annotated[int, Field(ge=1)]
    at_ms: NonNegative
    prev_hash: str
    hash: str

    @property
    def place(self) -> AuditHead:
        """Where the trail ends with this record."""
        return AuditHead(number=self.number, hash=self.hash)

    def expected_hash(self) -> str:
        """The hash this content must have."""
        content = self.model_dump(mode="json", exclude={"hash"})
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Records in order, the number at which the next page starts (0: this was the last), and the number of the last of all."""

    records: tuple[AuditRecord, ...]
    next_start: int
    last: int


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a look at a portion of a trail has shown.

    `broken_at` is the number of the first record that is missing or does not follow from the one before; 0: none is.
    `next_start` is where to go on; 0: there is nothing more, or no sense in it.
    """

    checked: int
    broken_at: int
    next_start: int


FIRST = AuditHead()
"""Where a trail ends before its first record."""


class AuditTrail:
    """Appends decisions to the trail of a mesh, or to the project's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._appends = Together(self._append_all, at_once_max=RECORDS_AT_ONCE_MAX)

    async def append(self, decision: Decision, *, mesh_id: str) -> None:
        """Store a decision, in one commit with others that come at once. An empty `mesh_id` means the project's own trail.

        Raises:
            StoreUnavailable: it could not be stored; the decision must then not be acted on.
            OutcomeUnknown: the same, except that the record may be there.
        """
        await self._appends.do(_trail(mesh_id), decision)

    async def read(self, *, mesh_id: str, start: int = 1, limit: int = 100) -> tuple[AuditRecord, ...]:
        """Records in order, from number `start` on. An empty `mesh_id` means the project's own trail."""
        trail = _trail(mesh_id)
        start_at = paths.audit_record(trail, start).rpartition("/")[2]
        found = (await self._store.list_documents(trail, start_at=start_at, limit=limit)).documents
        head = paths.audit_head(trail)
        return tuple(_record(found[path]) for path in sorted(found) if path != head)

    async def page(self, *, mesh_id: str, start: int, limit: int) -> AuditPage:
        """At most `limit` records from number `start` on. Raises MeshNotFound when there is neither a trail nor such a mesh."""
        records = await self.read(mesh_id=mesh_id, start=start, limit=limit + 1)
        head = await self._end(mesh_id)
        return AuditPage(records[:limit], records[limit].number if len(records) > limit else 0, head.number)

    def head_path(self, mesh_id: str) -> str:
        """The document that changes with every record."""
        return paths.audit_head(_trail(mesh_id))

    async def check(self, *, mesh_id: str, start: int = 1, limit: int) -> ChainReport:
        """Whether the records from number `start` on, at most `limit`, are all there and follow the one before.

        The last of all must be the one that the head names: so a removed end shows, too, and a head that was removed or set
        back. Raises as `page`.
        """
        head = await self._end(mesh_id)
        last = min(head.number, start + limit - 1)
        found = await self.read(mesh_id=mesh_id, start=max(1, start - 1), limit=limit + 2)
        # One behind the head is news, or the head is not what it was.
        if found and found[-1].number > head.number and found[-1].number > (now := await self._end(mesh_id)).number:
            return ChainReport(0, now.number + 1, 0)
        records = [record for record in found if record.number <= last]
        before = FIRST
        if start > 1:
            if not records or records[0].number != start - 1:
                return ChainReport(0, start - 1, 0)
            before = records.pop(0).place
        broken_at = verify(records, before)
        end = records[-1].place if records else before
        if not broken_at and end.number < last:
            broken_at = end.number + 1  # the records after it are missing
        if not broken_at and end.number == head.number and end != head:
            broken_at = end.number
        return ChainReport(len(records), broken_at, 0 if broken_at or last == head.number else last + 1)

    async def _end(self, mesh_id: str) -> AuditHead:
        """Where a trail ends. Raises MeshNotFound when there is neither a trail nor such a mesh."""
        head, stored, _ = await self._read_head(_trail(mesh_id))
        if stored is None and mesh_id and not (await self._store.get_all([paths.mesh(mesh_id)])).documents:
            raise MeshNotFound(f"there is no mesh {mesh_id!r}")
        return head

    async def _read_head(self, trail: str) -> tuple[AuditHead, Document | None, int]:
        """The head, its document if there is one, and the time of the read in nanoseconds."""
        path = paths.audit_head(trail)
        result = await self._store.get_all([path])
        stored = result.documents.get(path)
        return FIRST if stored is None else AuditHead.model_validate(dict(stored.fields)), stored, result.read_time

    async def _append_all(self, trail: str, decisions: Sequence[Decision]) -> Sequence[None]:
        for _ in range(APPENDS_MAX):
            writes = await self._appending(trail, decisions)
            try:
                await self._store.commit(writes)
            except (PreconditionFailed, CommitAborted):
                continue
            return [None] * len(decisions)
        raise StoreUnavailable(f"the audit trail took {APPENDS_MAX} attempts in vain: too many append at once")

    async def _appending(self, trail: str, decisions: Sequence[Decision]) -> Sequence[Write]:
        head_path = paths.audit_head(trail)
        place, stored, read_time = await self._read_head(trail)
        writes: list[Write] = []
        for decision in decisions:
            record = _following(place, decision, read_time // 1_000_000)
            writes.append(Create(paths.audit_record(trail, record.number), record.model_dump(mode="json")))
            place = record.place
        fields = place.model_dump(mode="json")
        move = Create(head_path, fields) if stored is None else Put(head_path, fields, if_update_time=stored.update_time)
        return [*writes, move]


def log_decision(decision: Decision) -> None:
    """One line per decision, labelled so that a log sink can keep them."""
    labels = {"logging.googleapis.com/labels": {"log_type": "audit"}}
    level = logging.INFO if decision.allowed else logging.WARNING
    log.log(level, "access decision", extra={"fields": {**decision.model_dump(), **labels}})


def verify(records: Sequence[AuditRecord], after: AuditHead = FIRST) -> int:
    """The number of the first record that breaks the chain; 0 when these records follow each other, and `after` they follow."""
    before = after
    for record in records:
        number = before.number + 1
        if record.number != number or record.prev_hash != before.hash or record.hash != record.expected_hash():
            return number
        before = record.place
    return 0


def _following(place: AuditHead, decision: Decision, at_ms: int) -> AuditRecord:
    """A decision in the place after this one."""
    draft = AuditRecord(**decision.model_dump(), number=place.number + 1, at_ms=at_ms, prev_hash=place.hash, hash="")
    return draft.model_copy(update={"hash": draft.expected_hash()})


def _trail(mesh_id: str) -> str:
    return paths.audit(mesh_id) if mesh_id else paths.project_audit()


def _record(document: Document) -> AuditRecord:
    return AuditRecord.model_validate(dict(document.fields))
