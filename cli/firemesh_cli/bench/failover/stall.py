"""A wire on which the commits of one client arrive late: each lands, or fails to, long after its sender has given it up."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from firemesh_cli.stack.meter import Metadata, Meter

STALL_SECONDS = 2.0

Pause = Callable[[], Awaitable[object]]


async def _two_seconds() -> None:
    await asyncio.sleep(STALL_SECONDS)


class Stall(Meter):
    """Passes everything on at once, but for the commits of whom it holds back. Reads and listeners of that client go on."""

    def __init__(self, upstream_host: str, pause: Pause = _two_seconds) -> None:
        """`pause` is awaited before each commit that is held back is passed on."""
        super().__init__(upstream_host)
        self._pause = pause
        self._client = ""
        self._late: set[asyncio.Task[None]] = set()

    def hold_back(self, client: str) -> None:
        """From now on each commit of this client takes as much longer as the pause."""
        self._client = client

    async def let_go(self) -> None:
        """Hold nobody back any more, and return when all that is late has arrived."""
        self._client = ""
        await asyncio.gather(*self._late, return_exceptions=True)

    async def relay(self, method: str, client: str, metadata: Metadata, requests: AsyncIterator[bytes], context: Any) -> None:
        """See `Meter`."""
        if client != self._client or not method.endswith("/Commit"):
            await super().relay(method, client, metadata, requests, context)
            return
        caller = _Caller(context)
        late = asyncio.create_task(self._relay_late(method, client, metadata, [each async for each in requests], caller))
        self._late.add(late)
        late.add_done_callback(self._late.discard)
        try:
            await asyncio.shield(late)  # that the caller gives up does not stop it
        finally:
            caller.waits = False

    async def _relay_late(self, method: str, client: str, metadata: Metadata, requests: list[bytes], caller: "_Caller") -> None:
        await self._pause()
        await super().relay(method, client, metadata, _each(requests), caller)


class _Caller:
    """Who made a call, and may wait for its answer no more; the call goes on all the same, as if it had no deadline."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self.waits = True

    def time_remaining(self) -> None:
        return None

    async def write(self, response: bytes) -> None:
        if self.waits:
            await self._context.write(response)

    async def abort(self, *what: Any) -> None:
        if self.waits:
            await self._context.abort(*what)


async def _each(requests: list[bytes]) -> AsyncIterator[bytes]:
    for request in requests:
        yield request
