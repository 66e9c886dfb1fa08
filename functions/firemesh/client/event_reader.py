"""Reading an agent's events: one stream after the other, so that it looks like one that never ends."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from typing import Any

from firemesh.errors import MeshError, RateLimited, StoreUnavailable

log = logging.getLogger(__name__)

BACKOFF_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)
RUN_ENDED = frozenset({"left", "dead"})
"""Reasons after which no stream of this run will be opened any more."""
TIME_UP = "time"
"""The reason that comes by itself; after any other than these a pause does good."""

Lines = AsyncGenerator[str, None]


@dataclass(frozen=True, slots=True)
class Event:
    """One event: `id` is what to come back with."""

    name: str
    data: Any
    id: str


class EventReader:
    """Opens a stream whenever none is open. `open_lines` opens one after an event id; `show` takes each document's event."""

    def __init__(
        self,
        open_lines: Callable[[str], AbstractAsyncContextManager[Lines]],
        show: Callable[[Event], None],
    ) -> None:
        self._open_lines = open_lines
        self._show = show
        self._last_id = ""
        self.heard_at = asyncio.get_running_loop().time()
        """The loop time at which a stream last said something."""

    async def run(self) -> None:
        """Read until the run of the agent has ended; across breaks, without end.

        Raises:
            MeshError: trying again will not help: this agent may not read (any more), or there is nothing to read here.
        """
        failures = 0
        while True:
            try:
                reason = await self._read_one()
                if reason in RUN_ENDED:
                    return
                pause, failures = 0.0 if reason == TIME_UP else BACKOFF_SECONDS[0], 0
            except MeshError as error:
                if not error.retryable:
                    raise
                log.info("event stream: %s", error)
                pause = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
                failures += 1
                if isinstance(error, RateLimited):
                    pause = max(pause, error.retry_after_seconds)
            await asyncio.sleep(pause)

    async def _read_one(self) -> str:
        """Read one stream to its end; the reason it gives. Raises StoreUnavailable when it breaks off without one."""
        async with self._open_lines(self._last_id) as lines, aclosing(events(self._heard(lines))) as found:
            async for event in found:
                if event.name == "end":
                    return str(event.data["reason"])
                self._show(event)
                self._last_id = event.id
        raise StoreUnavailable("it ended without a reason")

    async def _heard(self, lines: Lines) -> AsyncGenerator[str, None]:
        async for line in lines:
            self.heard_at = asyncio.get_running_loop().time()
            yield line


async def events(lines: AsyncIterator[str]) -> AsyncGenerator[Event, None]:
    """The events in the lines of a stream; comments and what is incomplete at its end are left out.

    Raises:
        StoreUnavailable: this is no stream of the control plane.
    """
    fields: dict[str, str] = {}
    async for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
            continue
        if "event" in fields:
            try:
                yield Event(fields["event"], json.loads(fields["data"]), fields.get("id", ""))
            except (KeyError, ValueError) as error:
                raise StoreUnavailable("the stream speaks in another way than the control plane does") from error
        fields = {}
