"""What an agent receives: all it may see and nothing else, each version at most once, and nothing lost between streams."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

import pytest

from firemesh.control_plane.access import AccessRole, Identity, Seat
from firemesh.control_plane.agent_desk import AgentDesk
from firemesh.control_plane.agent_events import EVENTS_MAX, KEEP_ALIVE_SECONDS, STREAM_SECONDS_MAX, AgentEvents, EventId
from firemesh.control_plane.guard import Guard
from firemesh.control_plane.key_ring import KeyRequest, KeyRing
from firemesh.errors import InvalidMessage
from firemesh.store.base import Put
from firemesh.store.memory import MemoryStore
from tests.support.api import ROW
from tests.support.meshes import in_virtual_time, store_now_ns

INC = "1" * 12


@dataclass
class Received:
    """One event: its name, its data, the id to come back with."""

    name: str
    data: Any
    id: str


class Scene:
    """A store, a key, and an agent a1 of mesh m1."""

    def __init__(self) -> None:
        self.memory = MemoryStore(store_now_ns)
        self.store = self.memory.client("events")
        self.ring = KeyRing(self.store, b"p" * 32, environment="test")
        self.identity = Identity(key_id="", role=AccessRole.WORKER, mesh="m1", agent="a1", inc=INC)

    async def prepare(self, *, seat: Seat = Seat.OWN) -> "Scene":
        key = await self.ring.create(KeyRequest(AccessRole.WORKER, mesh="m1"))
        self.identity = replace(self.identity, key_id=key.key_id, seat=seat)
        if seat is Seat.OWN:
            await self.row("alive")
        for audience in ("public", "agent_a1", "agent_a2", "topology", "health"):
            await self.view(audience, 1)
        return self

    async def row(self, status: str, inc: str = INC) -> None:
        await self.put("agents/a1", {**ROW, "agent": "a1", "inc": inc, "status": status})

    async def view(self, audience: str, index: int) -> None:
        await self.put(f"views/{audience}", {"applied_index": index, "at_ms": 1, "view": {"of": audience}})

    async def put(self, path: str, fields: Any) -> None:
        await self.store.commit([Put(f"meshes/m1/{path}", fields)])

    def stream(self, after: str = "") -> AsyncGenerator[str, None]:
        return AgentEvents(self.store, self.identity, EventId.parse(after)).frames()


def parsed(frame: str) -> Received | None:
    """The event in a piece of the stream; None for a comment or the retry time."""
    fields = dict(line.partition(": ")[::2] for line in frame.strip().splitlines() if not line.startswith(":"))
    assert frame.endswith("\n\n")
    if "event" not in fields:
        return None
    return Received(fields["event"], json.loads(fields["data"]), fields.get("id", ""))


async def take(frames: AsyncGenerator[str, None], count: int) -> list[Received]:
    found: list[Received] = []
    while len(found) < count:
        event = parsed(await anext(frames))
        if event is not None:
            found.append(event)
    return found


async def rest(frames: AsyncGenerator[str, None]) -> list[Received]:
    return [event async for frame in frames if (event := parsed(frame)) is not None]


@in_virtual_time
async def test_a_member_receives_its_row_and_its_views_whole_and_no_other() -> None:
    scene = await Scene().prepare()
    async with aclosing(scene.stream()) as frames:
        events = await take(frames, 4)
        assert {event.name: event.data["path"] for event in events} == {
            **{"agent": "agents/a1", "public": "views/public"},
            **{"topology": "views/topology", "own": "views/agent_a1"},
        }
        assert all(event.data["fields"]["view"]["of"] in event.data["path"] for event in events if event.name != "agent")
        await scene.view("agent_a2", 2)
        await scene.view("health", 2)
        await scene.view("public", 2)
        (news,) = await take(frames, 1)
        assert (news.name, news.data["fields"]["applied_index"]) == ("public", 2)


@in_virtual_time
async def test_who_is_not_taken_in_sees_only_what_becomes_of_its_join() -> None:
    scene = await Scene().prepare(seat=Seat.FREE)
    async with aclosing(scene.stream()) as frames:
        await scene.put(f"refused/a1_{INC}_00000001", {"reason": "MESH_FULL", "detail": "", "sent": ""})
        await scene.put("refused/a2_000000000000_00000001", {"reason": "MESH_FULL", "detail": "", "sent": ""})
        (refused,) = await take(frames, 1)
        assert (refused.name, refused.data["fields"]["reason"]) == ("refused", "MESH_FULL")
        await scene.row("alive", inc="2" * 12)
        (rival,) = await take(frames, 1)
        assert (rival.name, rival.data["fields"]["inc"]) == ("agent", "2" * 12)


@in_virtual_time
async def test_with_its_seat_an_agent_begins_to_see_in_the_same_stream() -> None:
    scene = await Scene().prepare(seat=Seat.FREE)
    async with aclosing(scene.stream()) as frames:
        await scene.row("alive")
        assert {event.name for event in await take(frames, 4)} == {"agent", "public", "topology", "own"}


@in_virtual_time
async def test_who_comes_back_misses_nothing_and_sees_nothing_twice() -> None:
    scene = await Scene().prepare()
    async with aclosing(scene.stream()) as frames:
        events = await take(frames, 4)
    await scene.view("public", 2)
    async with aclosing(scene.stream(events[-1].id)) as frames:
        (missed,) = await take(frames, 1)
        assert (missed.name, missed.data["fields"]["applied_index"]) == ("public", 2)
        await scene.view("agent_a1", 2)
        (news,) = await take(frames, 1)
        assert news.name == "own"
    async with aclosing(scene.stream(events[1].id)) as frames:
        again = {event.name for event in await take(frames, 3 + 1)}
    assert again >= {"public", "own"}


@in_virtual_time
async def test_a_slow_reader_gets_the_latest_version() -> None:
    scene = await Scene().prepare()
    async with aclosing(scene.stream()) as frames:
        await take(frames, 4)
        for index in range(2, 50):
            await scene.view("public", index)
            await asyncio.sleep(0)
        await asyncio.sleep(1)
        (news,) = await take(frames, 1)
        assert news.data["fields"]["applied_index"] == 49


@in_virtual_time
async def test_a_stream_speaks_when_there_is_nothing_to_say_and_ends_before_hosting_cuts_it_off() -> None:
    scene = await Scene().prepare()
    loop = asyncio.get_running_loop()
    begun, heard, pauses = loop.time(), loop.time(), []
    last = ""
    async for frame in scene.stream():
        pauses.append(loop.time() - heard)
        heard, last = loop.time(), frame
    assert max(pauses) <= KEEP_ALIVE_SECONDS + 0.1
    assert STREAM_SECONDS_MAX <= loop.time() - begun < 60
    ending = parsed(last)
    assert ending is not None
    assert (ending.name, ending.data) == ("end", {"reason": "time"})


@pytest.mark.parametrize("status", ["left", "dead"])
def test_the_end_of_the_run_is_told_and_ends_the_stream(status: str) -> None:
    @in_virtual_time
    async def play() -> None:
        scene = await Scene().prepare()
        async with aclosing(scene.stream()) as frames:
            await take(frames, 4)
            await scene.row(status)
            events = await rest(frames)
        assert [(event.name, event.data.get("reason")) for event in events] == [("agent", None), ("end", status)]

    play()


@in_virtual_time
async def test_a_reader_that_was_slow_still_hears_how_its_run_ended_and_no_more() -> None:
    scene = await Scene().prepare()
    async with aclosing(scene.stream()) as frames:
        await take(frames, 4)
        await scene.view("public", 2)
        await asyncio.sleep(1)
        assert (await take(frames, 1))[0].name == "public"
        await scene.row("dead")
        await asyncio.sleep(1)
        await scene.view("public", 3)
        await asyncio.sleep(1)
        events = await rest(frames)
    assert [event.name for event in events] == ["agent", "end"]


@in_virtual_time
async def test_a_revoked_key_ends_the_stream_at_once() -> None:
    scene = await Scene().prepare()
    async with aclosing(scene.stream()) as frames:
        await take(frames, 4)
        await scene.ring.revoke(scene.identity.key_id)
        (ending,) = await rest(frames)
    assert (ending.name, ending.data) == ("end", {"reason": "key"})


@in_virtual_time
async def test_the_next_stream_of_an_agent_ends_the_one_before() -> None:
    scene = await Scene().prepare()
    desk = AgentDesk(scene.store, Guard(scene.store))
    first = await desk.receive_events(scene.identity, "m1", "a1", after=EventId())
    second = await desk.receive_events(scene.identity, "m1", "a1", after=EventId())
    async with aclosing(first), aclosing(second):
        await take(first, 4)
        await take(second, 4)
        (ending,) = await rest(first)
        assert ending.data == {"reason": "replaced"}
        await scene.view("public", 2)
        assert (await take(second, 1))[0].name == "public"


@in_virtual_time
async def test_a_stream_has_a_bound_on_its_events() -> None:
    scene = await Scene().prepare()
    events = 0
    async with aclosing(scene.stream()) as frames:
        async for frame in frames:
            events += parsed(frame) is not None
            await scene.view("public", events + 1)
    assert EVENTS_MAX < events <= EVENTS_MAX + 5


@in_virtual_time
async def test_nothing_listens_any_more_when_a_stream_is_closed() -> None:
    scene = await Scene().prepare()
    frames = scene.stream()
    await take(frames, 4)
    assert len(asyncio.all_tasks()) > 1
    await frames.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@in_virtual_time
async def test_a_stream_of_a_member_costs_six_reads_and_one_per_change() -> None:
    scene = await Scene().prepare()
    scene.memory.counts.clear()
    async with aclosing(scene.stream()) as frames:
        await take(frames, 4)
        await asyncio.sleep(1)
        opened = sum(count for (_, _, what), count in scene.memory.counts.items() if what == "reads")
        await scene.view("public", 2)
        await take(frames, 1)
    assert opened == 6
    assert sum(count for (_, _, what), count in scene.memory.counts.items() if what == "reads") == 7


@pytest.mark.parametrize("text", ["x", "1", "1.2.3.4", "1.2.3.4.5.6", "1.2.3.4.-5", "1.2.3.4.٣", "1.2.3.4." + "9" * 40])
def test_an_id_that_is_none_of_ours_is_refused(text: str) -> None:
    with pytest.raises(InvalidMessage, match="Last-Event-ID"):
        EventId.parse(text)
