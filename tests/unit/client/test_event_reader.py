"""Event streams as a client reads them: any text, any break, nothing lost and nothing shown by halves."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from firemesh.client.event_reader import BACKOFF_SECONDS, Event, EventReader, events
from firemesh.errors import IncarnationEnded, MeshError, RateLimited, StoreUnavailable
from tests.support.meshes import in_virtual_time

END = ["event: end", 'data: {"reason":"left"}', ""]
TIME = ["event: end", 'data: {"reason":"time"}', ""]


async def lines(text: list[str]) -> AsyncGenerator[str, None]:
    for line in text:
        yield line


def shown(number: int) -> list[str]:
    return [f"id: {number}", "event: public", f'data: {{"n":{number}}}', ""]


def test_events_are_read_whatever_stands_between_them() -> None:
    async def read() -> list[Event]:
        text = ["retry: 500", "", ": nothing new", "", *shown(1), "", "data:{}", "", "event:x", "data:[1]", "", *shown(2)[:-1]]
        return [event async for event in events(lines(text))]

    assert asyncio.run(read()) == [Event("public", {"n": 1}, "1"), Event("x", [1], "")]


@pytest.mark.parametrize("text", [["event: public", ""], ["event: public", "data: {", ""]])
def test_what_no_control_plane_says_is_an_outage(text: list[str]) -> None:
    async def read() -> list[Event]:
        return [event async for event in events(lines(text))]

    with pytest.raises(StoreUnavailable):
        asyncio.run(read())


class Streams:
    """Streams to be opened one after the other; an error is raised in the place of one."""

    def __init__(self, *streams: list[str] | MeshError) -> None:
        self.left = list(streams)
        self.opened: list[tuple[float, str]] = []
        self.events: list[Event] = []

    @asynccontextmanager
    async def open(self, after: str) -> AsyncIterator[AsyncGenerator[str, None]]:
        self.opened.append((asyncio.get_running_loop().time(), after))
        stream = self.left.pop(0)
        if isinstance(stream, MeshError):
            raise stream
        yield lines(stream)

    async def read(self) -> None:
        await EventReader(self.open, self.events.append).run()


@in_virtual_time
async def test_a_stream_that_ends_or_breaks_off_is_taken_up_where_it_was() -> None:
    streams = Streams([*shown(1), *TIME], [*shown(2), *shown(3)[:2]], [*shown(3), *END])
    await streams.read()
    assert [event.id for event in streams.events] == ["1", "2", "3"]
    assert [after for _, after in streams.opened] == ["", "1", "2"]


@in_virtual_time
async def test_an_outage_is_waited_for_longer_and_longer_and_an_order_to_wait_is_obeyed() -> None:
    outage = StoreUnavailable("away")
    streams = Streams(outage, outage, RateLimited("too often", 40.0), [*shown(1), *TIME], outage, END)
    await streams.read()
    times = [at for at, _ in streams.opened]
    pauses = [round(later - earlier, 3) for earlier, later in pairwise(times)]
    assert pauses == [BACKOFF_SECONDS[0], BACKOFF_SECONDS[1], 40.0, 0.0, BACKOFF_SECONDS[0]]


@pytest.mark.parametrize("reason", ["left", "dead"])
def test_after_the_end_of_the_run_no_stream_is_opened(reason: str) -> None:
    @in_virtual_time
    async def play() -> None:
        streams = Streams(["event: end", f'data: {{"reason":"{reason}"}}', ""])
        await streams.read()
        assert len(streams.opened) == 1

    play()


@in_virtual_time
async def test_what_trying_again_will_not_mend_is_raised() -> None:
    streams = Streams(IncarnationEnded("over"))
    with pytest.raises(IncarnationEnded):
        await streams.read()
