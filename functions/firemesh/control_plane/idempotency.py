"""Idempotency keys: a creating call that is sent again is answered again, and not done again.

What was answered is stored in the very commit that creates, create-only, so either both are there or neither. Nothing is
ever "in progress": no crash can leave such a mark, no time limit must be guessed for it, and of two copies of a call that
run at once the store lets one land; the other finds the answer. A copy that lands late, after its caller gave up, finds
its place taken.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from firemesh.core.messages import NonNegative, StoredModel
from firemesh.errors import AlreadyExists, IdempotencyKeyReused, InvalidMessage, OutcomeUnknown, PreconditionFailed
from firemesh.store import paths
from firemesh.store.base import Create, Document, Put, Store, Write
from firemesh.store.lifetimes import expiring, without_end

KEY_PATTERN = r'^("[A-Za-z0-9._~:+/=-]{1,128}"|[A-Za-z0-9._~:+/=-]{1,128})$'
"""As the draft of the IETF writes it, in quotes, or bare, as most callers do."""

REMEMBERED_DAYS = 1
ANSWER_BYTES_MAX = 4096
_DAY_MS = 86_400_000


class RememberedAnswer(StoredModel):
    """What a call was answered. Secrets are left out of it before it gets here; see `Call.remember`."""

    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    answer: str
    at_ms: NonNegative


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a call with an idempotency key: what an earlier one was answered, or how this one is to be remembered."""

    path: str
    fingerprint: str
    now_ms: int
    earlier: RememberedAnswer | None
    outlived: Document | None

    def remember(self, answer: str) -> Sequence[Write]:
        """The writes that must land together with what the call creates. Raises InvalidMessage for a huge answer."""
        if len(answer.encode()) > ANSWER_BYTES_MAX:
            raise InvalidMessage(f"an answer of more than {ANSWER_BYTES_MAX} bytes cannot be remembered")
        remembered = RememberedAnswer(fingerprint=self.fingerprint, answer=answer, at_ms=self.now_ms)
        fields = expiring(remembered.model_dump(mode="json"), self.now_ms, days=REMEMBERED_DAYS)
        if self.outlived is None:
            return [Create(self.path, fields)]
        return [Put(self.path, fields, if_update_time=self.outlived.update_time)]


class IdempotencyKeys:
    """What was answered to calls with an idempotency key, for a day. One read before a call, one write with it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def once(
        self, owner: str, key: str, asked: str, work: Callable[[Attempt], Awaitable[Any]]
    ) -> tuple[RememberedAnswer | None, Any]:
        """Do the work, unless it was done: the earlier answer, or what the work gave.

        `owner` is whose key it is (two callers may choose the same), `asked` is the whole request in one text. `work`
        must commit what `Attempt.remember` gives together with its change.

        Raises:
            InvalidMessage: the key has no possible form.
            IdempotencyKeyReused: the key belongs to another request.
            StoreUnavailable: the store did not answer; nothing was done.
            What `work` raises: it is not remembered, so the same call may be sent again.
        """
        attempt = await self._attempt(owner, key, asked)
        if attempt.earlier is not None:
            return attempt.earlier, None
        try:
            return None, await work(attempt)
        except (AlreadyExists, PreconditionFailed, OutcomeUnknown):
            # Perhaps a copy of this call was faster, or this one has landed without a word.
            attempt = await self._attempt(owner, key, asked)
            if attempt.earlier is None:
                raise
            return attempt.earlier, None

    async def _attempt(self, owner: str, key: str, asked: str) -> Attempt:
        if re.fullmatch(KEY_PATTERN, key, re.ASCII) is None:
            raise InvalidMessage("Idempotency-Key: 1 to 128 letters, digits or . _ ~ : + / = -")
        name = hashlib.sha256(f"{owner}\n{key.strip(chr(34))}".encode()).hexdigest()[:32]
        path = paths.remembered_answer(name)
        result = await self._store.get_all([path])
        now_ms = result.read_time // 1_000_000
        document = result.documents.get(path)
        earlier = None if document is None else RememberedAnswer.model_validate(without_end(document.fields))
        fingerprint = hashlib.sha256(asked.encode()).hexdigest()
        if earlier is not None and now_ms >= earlier.at_ms + REMEMBERED_DAYS * _DAY_MS:
            return Attempt(path, fingerprint, now_ms, earlier=None, outlived=document)
        if earlier is not None and earlier.fingerprint != fingerprint:
            raise IdempotencyKeyReused("this Idempotency-Key was sent with another request; take a new one")
        return Attempt(path, fingerprint, now_ms, earlier=earlier, outlived=None)
