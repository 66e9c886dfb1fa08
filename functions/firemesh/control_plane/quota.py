"""How often one key may ask for what is costly, over all instances: the generic cell rate algorithm on one document.

The document holds one number: when the bucket would be full again. It moves on the precondition of its update time, never in a
locking transaction; time is the store's. A call that passes costs a read and a write, a refused one a read.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from firemesh.control_plane.access import Operation
from firemesh.control_plane.together import Together
from firemesh.core.messages import NonNegative, StoredModel
from firemesh.errors import CommitAborted, PreconditionFailed, RateLimited
from firemesh.store import paths
from firemesh.store.base import Create, Put, Store
from firemesh.store.lifetimes import expiring, without_end

TAKES_MAX = 20
"""Attempts to count while other instances count with the same key; who loses them all asks too often by that alone."""
TAKES_AT_ONCE_MAX = 200
"""Calls that are counted in one commit: no instance has as many under way."""

BUCKET_KEPT_DAYS = 1
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, and `per_hour` on average."""

    per_hour: int
    burst: int

    @property
    def interval_ms(self) -> int:
        """How long one call's share takes to come back."""
        return math.ceil(_HOUR_MS / self.per_hour)


QUOTAS: Mapping[Operation, Rate] = {
    Operation.CREATE_MESH: Rate(per_hour=120, burst=30),
    # Each writes for good; a whole table may be provisioned at once.
    Operation.CREATE_KEY: Rate(per_hour=120, burst=60),
    Operation.PROVISION_AGENT: Rate(per_hour=120, burst=60),
    Operation.ROTATE_KEY: Rate(per_hour=120, burst=60),
    # Some thousand deletes each, so a mesh that has played for long takes several calls.
    Operation.DELETE_MESH: Rate(per_hour=120, burst=60),
    # A token is signed by another service, and a whole table may sit down with one key.
    Operation.JOIN_MESH: Rate(per_hour=600, burst=60),
    # All guests of a site share one key, so these bound the site.
    Operation.OPEN_GAME: Rate(per_hour=120, burst=20),
    Operation.TAKE_SEAT: Rate(per_hour=3600, burst=120),
    Operation.WATCH_GAME: Rate(per_hour=3600, burst=120),
    Operation.WATCH_MESH: Rate(per_hour=600, burst=60),
}
"""Operations that write for good, or call another service. What is not listed is bounded by the instance alone."""


class Bucket(StoredModel):
    """What is stored of one key and operation: when the whole burst is free again."""

    full_ms: NonNegative


class Quotas:
    """Counts costly operations of each key."""

    def __init__(self, store: Store, rates: Mapping[Operation, Rate] = QUOTAS) -> None:
        self._store = store
        self._rates = rates
        self._takes = Together(self._take_all, at_once_max=TAKES_AT_ONCE_MAX)

    async def take(self, key_id: str, operation: Operation) -> None:
        """Count one call; an operation without a quota costs nothing.

        Raises:
            RateLimited: too often, with the time to wait; it was not counted.
            StoreUnavailable, OutcomeUnknown: it may have been counted.
        """
        rate = self._rates.get(operation)
        if rate is None:
            return
        refusal = await self._takes.do(paths.rate_limit(f"{key_id}_{operation}"), rate)
        if refusal is not None:
            raise refusal

    async def _take_all(self, path: str, rates: Sequence[Rate]) -> Sequence[RateLimited | None]:
        """Count calls of one key for one operation, whose rate stands there for each: those that pass, in one commit."""
        for _ in range(TAKES_MAX):
            result = await self._store.get_all([path])
            now_ms = result.read_time // 1_000_000
            stored = result.documents.get(path)
            full_ms = 0 if stored is None else Bucket.model_validate(without_end(stored.fields)).full_ms
            bucket, refusals = _counted(max(full_ms, now_ms), now_ms, rates)
            if all(refusals):
                return refusals
            fields = expiring(bucket.model_dump(), bucket.full_ms, days=BUCKET_KEPT_DAYS)
            write = Create(path, fields) if stored is None else Put(path, fields, if_update_time=stored.update_time)
            try:
                await self._store.commit([write])
            except (PreconditionFailed, CommitAborted):
                continue
            return refusals
        raise RateLimited("too many such calls with this key at once", 1.0)


def _counted(full_ms: int, now_ms: int, rates: Sequence[Rate]) -> tuple[Bucket, Sequence[RateLimited | None]]:
    """The bucket after these calls, and for each why it may not pass, if it may not."""
    refusals: list[RateLimited | None] = []
    for rate in rates:
        too_early_ms = full_ms - now_ms - (rate.burst - 1) * rate.interval_ms
        if too_early_ms > 0:
            refusals.append(RateLimited(f"{rate.burst} such calls at once and {rate.per_hour} an hour", too_early_ms / 1000))
        else:
            refusals.append(None)
            full_ms += rate.interval_ms
    return Bucket(full_ms=full_ms), refusals
