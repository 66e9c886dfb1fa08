"""An agent over HTTP, with real requests to a real server, the store in memory behind it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from pydantic import TypeAdapter

from firemesh.client.rest_calls import RestCalls
from firemesh.client.rest_mesh import RestMesh
from firemesh.control_plane import session_token
from firemesh.control_plane.access import AccessRole
from firemesh.control_plane.session_token import AgentClaims
from firemesh.core.health import Beat
from firemesh.errors import AgentIdInUse, PermissionDenied, StoreUnavailable, Unauthenticated, VersionMoved
from firemesh.runtime.admission import Admission
from firemesh.runtime.process import AgentProcess
from firemesh.store.base import DocumentTarget
from tests.support.api import LOOP, PEPPER, ROW, Api
from tests.support.rest_server import Road, serving

SECONDS_MAX = 120.0


class Visitor:
    """Agent a1 of mesh m1, which has nothing but a key and an address; the test plays the leader."""

    def __init__(self, api: Api, url: str) -> None:
        self.api = api
        self.key = api.keys[AccessRole.WORKER]
        self.url = url
        self.admissions: list[Admission] = []
        self.admitted = asyncio.Semaphore(0)

    async def source(self) -> Admission:
        async with RestCalls(self.url, self.key) as calls:
            given = await calls.ask("POST", "/meshes/m1/agents", {"agent_id": "a1"})
        self.admissions.append(TypeAdapter(Admission).validate_python(given))
        self.admitted.release()
        return self.admissions[-1]

    @asynccontextmanager
    async def mesh(self, change: Callable[[Admission], Admission] = lambda each: each) -> AsyncIterator[RestMesh]:
        async def source() -> Admission:
            return change(await self.source())

        mesh = await RestMesh.enter(RestCalls(self.url, self.key), source)
        try:
            async with asyncio.timeout(SECONDS_MAX):
                yield mesh
        finally:
            await mesh.close()

    async def seat(self, status: str = "alive", inc: str = "") -> None:
        row = {**ROW, "agent": "a1", "inc": inc or self.admissions[-1].inc, "process": "client-a1", "status": status}
        await self.put("agents/a1", row)

    async def put(self, path: str, fields: Any) -> None:
        await asyncio.to_thread(self.api.put, f"meshes/m1/{path}", fields)

    async def stored(self, path: str, holds: Callable[[Any], bool] = bool) -> Any:
        """The content of a document once it is there and so."""

        async def wait() -> Any:
            async for snapshot in self.api.store.watch(DocumentTarget(f"meshes/m1/{path}")):
                for document in snapshot.documents.values():
                    if holds(document.fields):
                        return document.fields

        return await asyncio.to_thread(LOOP.run, wait())


async def content_of(mesh: RestMesh, path: str, holds: Callable[[Any], bool] = bool) -> Any:
    """The content of a document once a listener shows that it is so."""
    async for snapshot in mesh.watch_document(path):
        for document in snapshot.documents.values():
            if holds(document.fields):
                return document.fields
    raise AssertionError("the listener ended")


def view(index: int) -> dict[str, Any]:
    return {"applied_index": index, "at_ms": 1, "view": {"total": index}}


@pytest.fixture
def road() -> Road:
    return Road()


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    api.create()
    yield api
    LOOP.run(api.store.close())


@pytest.fixture
def visitor(api: Api, road: Road) -> Iterator[Visitor]:
    with serving(api, road) as url:
        yield Visitor(api, url)


async def test_an_agent_joins_sees_and_sends_as_if_it_were_there(visitor: Visitor) -> None:
    client = LOOP.run(_client(visitor.api))
    managers: AgentProcess = await asyncio.to_thread(LOOP.run, AgentProcess.open(client, "m1", "pm1"))
    passing = asyncio.create_task(_time_passes(visitor.api))
    try:
        await asyncio.to_thread(LOOP.run, managers.add_manager("g1"))
        async with visitor.mesh() as mesh:
            process = AgentProcess.admitted(mesh, mesh.admission)
            worker = await process.add_worker("a1")
            assert await worker.send_to_manager("counter.add", {"n": 3}) == 2
            await content_of(mesh, "views/public", lambda fields: fields["view"]["total"] == 3)
            await worker.update_state({"mood": "calm"})
            await visitor.stored("states/a1", lambda fields: fields["values"] == {"mood": "calm"})
            await visitor.stored("liveness/client-a1", lambda fields: fields["agents"] == {"a1": "running"})
            await process.stop()
            await visitor.stored("agents/a1", lambda fields: fields["status"] == "left")
    finally:
        passing.cancel()
        await asyncio.to_thread(LOOP.run, managers.abandon())


async def _time_passes(api: Api) -> None:
    """Were it always the same moment, a leader that has slept through its lease could not be followed by anybody."""
    while True:
        await asyncio.sleep(0.1)
        api.now_ns += 100_000_000


async def _client(api: Api) -> Any:
    return api.memory.client("pm1")


async def test_one_declared_dead_comes_back_with_another_admission(visitor: Visitor) -> None:
    async with visitor.mesh() as mesh:
        process = AgentProcess.admitted(mesh, mesh.admission)
        starting = asyncio.create_task(process.add_worker("a1"))
        await visitor.stored(f"inbox/a1_{mesh.admission.inc}_00000001")
        await visitor.seat()
        await starting
        await visitor.seat("dead")
        for _ in range(2):
            await visitor.admitted.acquire()
        join = await visitor.stored(f"inbox/a1_{visitor.admissions[1].inc}_00000001")
        assert join["kind"] == "mesh.join"
        await visitor.seat()
        row = await content_of(mesh, "agents/a1", lambda fields: fields["status"] == "alive")
        assert row["inc"] == visitor.admissions[1].inc
        await process.abandon()


async def test_one_that_was_removed_ends(visitor: Visitor) -> None:
    async with visitor.mesh() as mesh:
        process = AgentProcess.admitted(mesh, mesh.admission)
        starting = asyncio.create_task(process.add_worker("a1"))
        await visitor.stored(f"inbox/a1_{mesh.admission.inc}_00000001")
        await visitor.seat()
        await starting
        await visitor.seat("left")
        await process.run_until_ended()
        await process.abandon()


async def test_the_end_is_seen_even_when_no_stream_told_it(visitor: Visitor, road: Road) -> None:
    async with visitor.mesh() as mesh:
        road.fate = lambda _, path: "lost" if path.endswith("/events") else "pass"
        seen = asyncio.create_task(content_of(mesh, "agents/a1"))
        await visitor.seat()
        await visitor.seat("dead")
        road.fate = lambda *_: "pass"
        assert (await seen)["status"] == "dead"


async def test_what_changed_while_streams_broke_off_is_seen_after_it(visitor: Visitor, road: Road) -> None:
    fates = iter(["cut", "lost"])
    road.fate = lambda _, path: next(fates, "pass") if path.endswith("/events") else "pass"
    async with visitor.mesh() as mesh:
        await visitor.seat()
        for index in (1, 2, 3):
            await visitor.put("views/public", view(index))
        await content_of(mesh, "views/public", lambda fields: fields["applied_index"] == 3)
        await visitor.put("views/public", view(4))
        await content_of(mesh, "views/public", lambda fields: fields["applied_index"] == 4)
        assert list(fates) == [], "too calm to prove anything"


async def test_a_command_whose_answer_got_lost_is_in_the_inbox_once(visitor: Visitor, road: Road) -> None:
    async with visitor.mesh() as mesh:
        fates = iter(["unanswered", "lost", "unanswered"])
        road.fate = lambda method, path: next(fates, "pass") if path.endswith("/commands") else "pass"
        process = AgentProcess.admitted(mesh, mesh.admission)
        starting = asyncio.create_task(process.add_worker("a1"))
        await visitor.stored(f"inbox/a1_{mesh.admission.inc}_00000001")
        await visitor.seat()
        worker = await starting
        assert await worker.send_to_manager("counter.add", {"n": 1}) == 2
        waiting = [path for path in visitor.api.memory.documents() if path.startswith("meshes/m1/inbox/")]
        assert len(waiting) == 2
        assert await mesh.is_waiting(f"a1_{mesh.admission.inc}_00000002")
        assert not await mesh.is_waiting(f"a1_{mesh.admission.inc}_00000003")
        await process.abandon()


async def test_a_session_that_has_aged_is_refreshed_once_for_all_who_notice(visitor: Visitor, road: Road) -> None:
    def aged(admission: Admission) -> Admission:
        claims = session_token.parse(admission.session, PEPPER).model_dump(include=set(AgentClaims.model_fields))
        return replace(admission, session=session_token.issue(AgentClaims(**claims), PEPPER, now_ms=1))

    async with visitor.mesh(aged) as mesh:
        await visitor.seat()
        beat = Beat(process="client-a1", inc=mesh.admission.inc, seq=1, interval_ms=2000, agents={}, applied={})
        await asyncio.gather(*(mesh.write_beat(beat) for _ in range(3)))
        await content_of(mesh, "agents/a1")
        assert road.seen.count(("POST", "session")) == 1


async def test_who_asks_too_often_waits_as_told(api: Api) -> None:
    with serving(api, per_second=4, burst=1) as url:
        visitor = Visitor(api, url)
        async with visitor.mesh() as mesh:
            await visitor.seat()
            for seq in (1, 2):
                await mesh.write_beat(
                    Beat(process="client-a1", inc=mesh.admission.inc, seq=seq, interval_ms=2000, agents={}, applied={})
                )
            assert (await visitor.stored("liveness/client-a1"))["seq"] == 2


async def test_a_revoked_key_ends_what_is_listened_to(visitor: Visitor) -> None:
    async with visitor.mesh() as mesh:
        await visitor.seat()
        await content_of(mesh, "agents/a1")
        await asyncio.to_thread(LOOP.run, visitor.api.ring.revoke(visitor.key.split("_")[2]))
        with pytest.raises(Unauthenticated):
            await content_of(mesh, "views/public")


async def test_a_sign_of_life_is_shown_to_its_own_agent_alone(visitor: Visitor) -> None:
    async with visitor.mesh() as mesh:
        assert await mesh.read_beat("client-a1") == (None, 0, 0)
        await visitor.seat()
        beat = Beat(process="client-a1", inc=mesh.admission.inc, seq=5, interval_ms=2000, agents={}, applied={}, lateness=1)
        await mesh.write_beat(beat)
        shown, written, read = await mesh.read_beat("client-a1")
        assert shown == beat
        assert 0 < written <= read
        with pytest.raises(PermissionDenied):
            await mesh.read_beat("p1")


async def test_a_state_is_written_version_by_version_and_once_when_an_answer_is_lost(visitor: Visitor, road: Road) -> None:
    async with visitor.mesh() as mesh:
        await visitor.seat()
        inc = mesh.admission.inc
        await mesh.write_state("a1", 1, inc, {"n": 1})
        await mesh.write_state("a1", 2, inc, {"n": 2})
        await mesh.write_state("a1", 2, inc, {"n": 2})
        with pytest.raises(VersionMoved):
            await mesh.write_state("a1", 2, inc, {"n": 3})
        assert (await visitor.stored("states/a1"))["values"] == {"n": 2}


async def test_an_id_that_another_run_holds_is_not_joined(visitor: Visitor) -> None:
    async with visitor.mesh() as mesh:
        await visitor.seat(inc="f" * 12)
        await visitor.put("liveness/client-a1", _fresh_beat("f" * 12))
        process = AgentProcess.admitted(mesh, mesh.admission)
        with pytest.raises(AgentIdInUse):
            await process.add_worker("a1")
        await process.abandon()


async def test_one_whose_earlier_run_is_silent_joins_when_that_run_has_been_judged(visitor: Visitor, road: Road) -> None:
    await visitor.put("agents/a1", {**ROW, "agent": "a1", "inc": "f" * 12, "process": "client-a1"})
    await visitor.put("liveness/client-a1", {**_fresh_beat("f" * 12), "interval_ms": 1000})
    visitor.api.now_ns += 60_000_000_000
    async with visitor.mesh() as mesh:
        process = AgentProcess.admitted(mesh, mesh.admission)
        starting = asyncio.create_task(process.add_worker("a1"))
        await road.until_seen("GET", "heartbeat")
        await visitor.seat("dead", inc="f" * 12)
        await visitor.stored(f"inbox/a1_{mesh.admission.inc}_00000001")
        await visitor.seat()
        assert (await starting).inc == mesh.admission.inc
        await process.abandon()


def _fresh_beat(inc: str) -> dict[str, Any]:
    return Beat(process="client-a1", inc=inc, seq=1, interval_ms=60_000, agents={}, applied={}).model_dump(mode="json")


async def test_an_address_where_nobody_is_is_an_outage() -> None:
    async with RestCalls("http://127.0.0.1:9", "key") as calls:
        with pytest.raises(StoreUnavailable, match="no connection"):
            await calls.ask("POST", "/meshes/m1/agents", {"agent_id": "a1"})
