"""API keys in the store: made, found, rotated, revoked."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from firemesh.control_plane.access import ANY_MESH, PERMISSIONS, AccessRole, Identity, Operation
from firemesh.control_plane.api_key import ApiKey, ApiKeyRecord
from firemesh.errors import (
    AlreadyExists,
    CommitAborted,
    CorruptDocument,
    InvalidParameters,
    KeyNotFound,
    MeshError,
    OutcomeUnknown,
    PreconditionFailed,
    RequestError,
    StoreUnavailable,
    Unauthenticated,
)
from firemesh.ids import ID_PATTERN
from firemesh.store import paths
from firemesh.store.base import Create, Document, Fields, Put, Store, Write
from firemesh.store.lifetimes import expiring, without_end

LIFETIME_DAYS_MAX = 365
KEY_DAYS = 90
"""A key's lifetime when none is named."""
LAST_USE_MS = 60_000
"""A key's last use is written at most this often: a write per call would cost more than the calls."""
KEYS_LISTED_MAX = 500
OVERLAP_SECONDS_MAX = 604_800
KEY_KEPT_DAYS = 30
"""For so long after its end a key is still told from one that never was."""
REPLACES_MAX = 8
FIRST_COMMIT_SECONDS_MAX = 20.0
"""The first write to a fresh emulator takes seconds."""

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """What a new key shall be good for: a role, for one mesh or all, for one agent or all, for some operations or all."""

    role: AccessRole
    mesh: str = ANY_MESH
    operations: tuple[Operation, ...] = ()
    days: int = KEY_DAYS
    label: str = ""
    agent: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.days <= LIFETIME_DAYS_MAX:
            raise InvalidParameters(f"a key lives 1 to {LIFETIME_DAYS_MAX} days, not {self.days}")
        if self.mesh == ANY_MESH and self.role in (AccessRole.MANAGER, AccessRole.WORKER):
            raise InvalidParameters(f"a key for a {self.role} is for one mesh: name it")
        if self.agent and self.role is not AccessRole.WORKER:
            raise InvalidParameters(f"a key for one agent is a worker's, not one for a {self.role}")
        if beyond := sorted(set(self.operations) - PERMISSIONS[self.role]):
            raise InvalidParameters(f"a key for a {self.role} cannot be for {', '.join(beyond)}: the role may not do that")
        for name in (self.mesh, self.agent):
            if name not in ("", ANY_MESH) and re.fullmatch(ID_PATTERN, name) is None:
                raise InvalidParameters(f"{name[:80]!r} is no id: 1 to 40 of a-z, 0-9 and -, with no - at either end")
        if len(self.label) > 80:
            raise InvalidParameters(f"a label has at most 80 characters, not {len(self.label)}")

    @property
    def holder(self) -> Identity:
        """Whoever will present the key."""
        return Identity(key_id="", role=self.role, mesh=self.mesh, operations=frozenset(self.operations), agent=self.agent)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made, secret included, and what is stored of it."""

    key: ApiKey
    record: ApiKeyRecord

    @property
    def key_id(self) -> str:
        """Its public part."""
        return self.key.key_id

    @property
    def text(self) -> str:
        """The whole key, for its owner alone."""
        return self.key.text


AlsoLanding = Callable[[NewKey], Sequence[Write]]
"""What shall land in the commit that makes a key."""


def nothing(_: NewKey) -> Sequence[Write]:
    """Nothing shall land with it."""
    return ()


class KeyRing:
    """The API keys of one project. Time is the store's own, so no clock of ours can lengthen a key's life."""

    def __init__(self, store: Store, pepper: bytes, *, environment: str) -> None:
        self._store = store
        self._pepper = pepper
        self._environment = environment

    async def create(self, request: KeyRequest, *, made_by: str = "", also: AlsoLanding = nothing) -> NewKey:
        """Make a key, and land what `also` gives for it in the same commit. Its secret is in the result and nowhere else.

        `made_by` is the key that asks for it, if one does.
        """
        key = ApiKey.new(self._environment)
        now_ms = (await self._read(key.key_id))[1]
        record = self._record(key, request, made_by, now_ms)
        write = Create(paths.api_key(key.key_id), _fields(record))
        new = NewKey(key, record)
        await self._store.commit([write, *also(new)], timeout_seconds=FIRST_COMMIT_SECONDS_MAX)
        return new

    async def held_by_nobody(self, key_id: str, request: KeyRequest, *, made_by: str) -> Write:
        """What makes a key under a chosen id whose secret is thrown away: tokens can name it, and revoking it ends them."""
        key = replace(ApiKey.new(self._environment), key_id=key_id)
        now_ms = (await self._read(key_id))[1]
        return Create(paths.api_key(key_id), _fields(self._record(key, request, made_by, now_ms)))

    async def living(self, key_id: str) -> Identity:
        """Whom a key stands for that nobody holds. Raises KeyNotFound, and Unauthenticated when it has ended."""
        document, now_ms = await self._existing(key_id)
        record = parse_key_record(document)
        record.require_valid(key_id, now_ms)
        return record.identity(key_id)

    async def find(self, key: ApiKey) -> Identity:
        """Whose key this is.

        Raises:
            Unauthenticated: unknown, of another environment, expired or revoked. The message does not say which of the
                first two, so that nobody learns which ids exist.
        """
        document, now_ms = await self._read(key.key_id)
        record = None if document is None else parse_key_record(document)
        if document is None or record is None or key.environment != self._environment or not key.fits(record, self._pepper):
            raise Unauthenticated("no such API key")
        record.require_valid(key.key_id, now_ms)
        if now_ms - record.last_used_ms >= LAST_USE_MS:
            await self._note_use(document, record, now_ms)
        return record.identity(key.key_id)

    async def get(self, key_id: str) -> ApiKeyRecord:
        """What is stored of a key. Raises KeyNotFound."""
        return parse_key_record((await self._existing(key_id))[0])

    async def list(self, *, start: str = "", limit: int = KEYS_LISTED_MAX) -> Mapping[str, ApiKeyRecord]:
        """Keys by their ids, in order, at most `limit` from id `start` on."""
        found = (await self._store.list_documents(paths.api_keys(), start_at=start, limit=limit)).documents
        return {document.id: parse_key_record(document) for document in found.values()}

    async def revoke(self, key_id: str, *, overlap_seconds: int = 0) -> None:
        """End a key: at once, or after an overlap in which its successor is handed out. The earlier end holds.

        Raises:
            KeyNotFound: there is no such key.
            RequestError: the overlap is out of range.
            StoreUnavailable: each time somebody else changed the key, or no answer came; it is perhaps not revoked.
        """
        _check_overlap(overlap_seconds)
        for _ in range(REPLACES_MAX):
            document, now_ms = await self._existing(key_id)
            record = parse_key_record(document)
            end_ms = now_ms + overlap_seconds * 1000
            if record.revoked_ms:
                end_ms = min(end_ms, record.revoked_ms)
            try:
                await self._replace(document, record.model_copy(update={"revoked_ms": end_ms}))
            except (PreconditionFailed, CommitAborted, OutcomeUnknown):
                continue  # its use was noted meanwhile, or nobody knows: to revoke it twice does no harm
            return
        raise StoreUnavailable(f"API key {key_id} was changed {REPLACES_MAX} times meanwhile; it is perhaps not revoked yet")

    async def rotate(self, key_id: str, *, overlap_seconds: int, made_by: str = "", also: AlsoLanding = nothing) -> NewKey:
        """A new key of the same scope and lifetime; the old one ends after the overlap. Both in one commit, or neither.

        Raises:
            AlreadyExists: the key is ending: a key has one successor.
            RequestError: it has expired.
            What `revoke` raises.
        """
        _check_overlap(overlap_seconds)
        key = ApiKey.new(self._environment)
        for _ in range(REPLACES_MAX):
            document, now_ms = await self._existing(key_id)
            old = parse_key_record(document)
            if old.revoked_ms:
                raise AlreadyExists(f"API key {key_id} is revoked or has a successor already; make a new key")
            if now_ms >= old.expires_ms:
                raise RequestError(f"API key {key_id} has expired; make a new key")
            lifetime_ms = old.expires_ms - old.created_ms
            changes = {"created_ms": now_ms, "expires_ms": now_ms + lifetime_ms, "last_used_ms": 0, "made_by": made_by}
            new = old.model_copy(update={"digest": key.digest(self._pepper), **changes})
            ending = old.model_copy(update={"revoked_ms": now_ms + overlap_seconds * 1000})
            made = NewKey(key, new)
            try:
                await self._replace(document, ending, Create(paths.api_key(key.key_id), _fields(new)), *also(made))
            except PreconditionFailed:
                continue  # its use was noted meanwhile
            return made
        raise StoreUnavailable(f"API key {key_id} was changed {REPLACES_MAX} times meanwhile; it is not rotated yet")

    async def revoke_bound(self, mesh_id: str) -> int:
        """End all keys that are for one mesh alone; how many. The mesh is gone: a later one of its name is another mesh."""
        ended, start = 0, ""
        while True:
            page = await self.list(start=start, limit=KEYS_LISTED_MAX)
            for key_id, record in page.items():
                if record.mesh == mesh_id and not record.revoked_ms:
                    await self.revoke(key_id)
                    ended += 1
            if len(page) < KEYS_LISTED_MAX:
                return ended
            start = f"{max(page)}0"  # the first id that can come after the page's last

    def _record(self, key: ApiKey, request: KeyRequest, made_by: str, now_ms: int) -> ApiKeyRecord:
        return ApiKeyRecord(
            digest=key.digest(self._pepper),
            label=request.label,
            role=request.role,
            mesh=request.mesh,
            agent=request.agent,
            operations=request.operations,
            made_by=made_by,
            created_ms=now_ms,
            expires_ms=now_ms + request.days * _DAY_MS,
        )

    async def _note_use(self, document: Document, record: ApiKeyRecord, now_ms: int) -> None:
        """Best effort: a concurrent revocation must win, and a failure must not refuse the caller."""
        try:
            await self._replace(document, record.model_copy(update={"last_used_ms": now_ms}))
        except MeshError:
            return

    async def _replace(self, document: Document, record: ApiKeyRecord, *further: Write) -> None:
        write = Put(document.path, _fields(record), if_update_time=document.update_time)
        await self._store.commit([write, *further])

    async def _existing(self, key_id: str) -> tuple[Document, int]:
        document, now_ms = await self._read(key_id)
        if document is None:
            raise KeyNotFound(f"there is no API key {key_id!r}")
        return document, now_ms

    async def _read(self, key_id: str) -> tuple[Document | None, int]:
        path = paths.api_key(key_id)
        result = await self._store.get_all([path])
        return result.documents.get(path), result.read_time // 1_000_000


def _check_overlap(seconds: int) -> None:
    if not 0 <= seconds <= OVERLAP_SECONDS_MAX:
        raise RequestError(f"an overlap has 0 to {OVERLAP_SECONDS_MAX} seconds, not {seconds}")


def _fields(record: ApiKeyRecord) -> Fields:
    return expiring(record.model_dump(mode="json"), record.expires_ms, days=KEY_KEPT_DAYS)


def parse_key_record(document: Document) -> ApiKeyRecord:
    """What is stored of a key. Raises CorruptDocument."""
    try:
        return ApiKeyRecord.model_validate(without_end(document.fields))
    except ValidationError as error:
        raise CorruptDocument(f"{document.path} does not fit ApiKeyRecord") from error
