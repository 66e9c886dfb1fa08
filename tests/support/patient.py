"""What tests ask of a store whose emulator may be slow, or leave open what became of a commit."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from firemesh.errors import CommitAborted, OutcomeUnknown
from firemesh.store.base import (
    CommitResult,
    Create,
    ReadResult,
    Store,
    Watch,
    WatchSnapshot,
    Write,
)

PATIENCE_SECONDS = 120.0


async def commit(store: Store, *writes: Write) -> CommitResult:
    """Commit; what has not landed, or may land twice, is repeated until it is known to have landed.

    The emulator answers CANCELLED, and may have committed, when a listener it notifies has just gone. Listeners on the
    emulator go and come by themselves, so that can meet any commit to a document that is watched. It aborts one that has
    waited too long for another to the same document.
    """
    repeatable = not any(isinstance(write, Create) or write.if_update_time is not None for write in writes)
    for _ in range(10):
        with contextlib.suppress(CommitAborted, *((OutcomeUnknown,) if repeatable else ())):
            return await store.commit(writes, timeout_seconds=PATIENCE_SECONDS)
    return await store.commit(writes, timeout_seconds=PATIENCE_SECONDS)


async def get(store: Store, *paths: str) -> ReadResult:
    return await store.get_all(paths, timeout_seconds=PATIENCE_SECONDS)


async def fields(store: Store, path: str) -> Any:
    document = (await get(store, path)).documents.get(path)
    return None if document is None else document.fields


async def until(watch: Watch, wanted: Callable[[WatchSnapshot], bool]) -> WatchSnapshot:
    """The first snapshot that is as wanted."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for snapshot in watch:
            if wanted(snapshot):
                return snapshot
    raise AssertionError("the watch ended first")


def anything(snapshot: WatchSnapshot) -> bool:
    return True


def shown(snapshot: WatchSnapshot, path: str) -> Any:
    document = snapshot.documents.get(path)
    return None if document is None else document.fields
