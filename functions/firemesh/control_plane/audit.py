"""The audit trail: security decisions, append-only, each record chained to the one before.

A record's hash covers its content and the hash before it; the head names the last one. Who removes or alters a record
breaks the chain, which `verify` finds. One log line goes out for every decision, stored or not.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from firemesh.core.messages import NonNegative, StoredModel, canonical_json
from firemesh.errors import PreconditionFailed, StoreUnavailable
from firemesh.store import paths
from firemesh.store.base import Create, Document, Put, Store, Write

log = logging.getLogger(__name__)

APPENDS_MAX = 8
"""Attempts to append while others append to the same trail."""
APPEND_SECONDS_MAX = 5.0
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


class AuditRecord(Decision):
    """A decision in its place in a trail."""

    number: Annotated[int, Field(ge=1)]
    at_ms: NonNegative
    prev_hash: str
    hash: str

    def expected_hash(self) -> str:
        """The hash this content must have."""
        content = self.model_dump(mode="json", exclude={"hash"})
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()


class AuditHead(StoredModel):
    """Where a trail ends."""

    number: NonNegative = 0
    hash: str = START


class AuditTrail:
    """Appends decisions to the trail of a mesh, or to the project's."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def append(self, decision: Decision, *, mesh_id: str) -> None:
        """Store a decision. An empty `mesh_id` means the project's own trail.

        Raises:
            StoreUnavailable: it could not be stored; the decision must then not be acted on.
            OutcomeUnknown: the same, except that the record may be there.
        """
        trail = _trail(mesh_id)
        for _ in range(APPENDS_MAX):
            writes = await self._appending(trail, decision)
            try:
                await self._store.commit(writes, timeout_seconds=APPEND_SECONDS_MAX)
            except PreconditionFailed:
                continue
            return
        raise StoreUnavailable(f"the audit trail took {APPENDS_MAX} attempts in vain: too many append at once")

    async def read(self, *, mesh_id: str, start: int = 1, limit: int = 100) -> tuple[AuditRecord, ...]:
        """Records in order, from number `start` on. An empty `mesh_id` means the project's own trail."""
        trail = _trail(mesh_id)
        start_at = paths.audit_record(trail, start).rpartition("/")[2]
        found = (await self._store.list_documents(trail, start_at=start_at, limit=limit)).documents
        head = paths.audit_head(trail)
        return tuple(_record(found[path]) for path in sorted(found) if path != head)

    async def _appending(self, trail: str, decision: Decision) -> Sequence[Write]:
        head_path = paths.audit_head(trail)
        result = await self._store.get_all([head_path])
        stored = result.documents.get(head_path)
        head = AuditHead() if stored is None else AuditHead.model_validate(dict(stored.fields))
        place: dict[str, Any] = {"number": head.number + 1, "at_ms": result.read_time // 1_000_000, "prev_hash": head.hash}
        draft = AuditRecord(**decision.model_dump(), **place, hash="")
        record = draft.model_copy(update={"hash": draft.expected_hash()})
        fields = AuditHead(number=record.number, hash=record.hash).model_dump(mode="json")
        move = Create(head_path, fields) if stored is None else Put(head_path, fields, if_update_time=stored.update_time)
        return [Create(paths.audit_record(trail, record.number), record.model_dump(mode="json")), move]


def log_decision(decision: Decision) -> None:
    """One JSON line per decision, in the form Cloud Logging takes apart."""
    severity = "INFO" if decision.allowed else "WARNING"
    labels = {"logging.googleapis.com/labels": {"log_type": "audit"}}
    log.info("%s", json.dumps({"severity": severity, "message": "access decision", **decision.model_dump(), **labels}))


def verify(records: Sequence[AuditRecord]) -> int:
    """The number of the first record that breaks the chain; 0 when a whole trail, from its first record on, holds."""
    before = START
    for number, record in enumerate(records, start=1):
        if record.number != number or record.prev_hash != before or record.hash != record.expected_hash():
            return number
        before = record.hash
    return 0


def _trail(mesh_id: str) -> str:
    return paths.audit(mesh_id) if mesh_id else paths.project_audit()


def _record(document: Document) -> AuditRecord:
    return AuditRecord.model_validate(dict(document.fields))
