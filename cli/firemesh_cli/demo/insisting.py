"""Asking the store again: on a machine that is busy starting a whole stack, a first answer may come late."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from firemesh.errors import MeshError

T = TypeVar("T")

TRIES_MAX = 20
PAUSE_SECONDS = 0.5


async def insist(call: Callable[[], Awaitable[T]]) -> T:
    """The answer to a call that may be repeated. Raises what it raises that is not retryable, or still does at the last try."""
    for _ in range(TRIES_MAX - 1):
        try:
            return await call()
        except MeshError as error:
            if not error.retryable:
                raise
        await asyncio.sleep(PAUSE_SECONDS)
    return await call()
