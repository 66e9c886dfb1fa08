"""firestore.rules against the real emulator: who may do what to which document, both sides of each."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from firemesh.client.ruled_mesh import COMMANDS_PER_BEAT, REST_MS
from firemesh.store.base import Create, Delete, Put
from firemesh_cli.stack.supervisor import LocalStack
from tests.rules.actors import ACTORS, INC, LONG_AGO, MEMBER, Door, beat, mesh_documents

OPERATORS = {"operator", "admin"}
MEMBERS = {"member", "other"}


def join(agent: str) -> str:
    return f'{{"process":"client-{agent}","replaces":[],"type":"worker"}}'


JOIN = join("w9")

MAY_GET: dict[str, set[str]] = {
    "agents/w1": MEMBERS | {"ended"},
    "agents/w2": MEMBERS,
    "agents/w3": MEMBERS | {"removed"},
    "agents/w9": MEMBERS | {"newcomer"},
    "views/public": MEMBERS | OPERATORS | {"observer"},
    "views/topology": MEMBERS | OPERATORS | {"observer"},
    "views/health": OPERATORS,
    "views/agent_w1": {"member"},
    "views/agent_w2": {"other"},
    "liveness/p1": OPERATORS,
    "liveness/client-w1": OPERATORS | {"member", "ended"},
    "liveness/client-w2": OPERATORS | {"other"},
    f"inbox/w1_{INC['w1']}_00000002": {"member"},
    f"refused/w1_{INC['w1']}_00000003": {"member"},
    f"refused/w9_{INC['w9']}_00000001": {"newcomer"},
    "states/w1": {"member"},
    "audit/000000000001": OPERATORS,
    "audit/head": OPERATORS,
}
"""By document, who may get it; a document that is not here, nobody may."""

MAY_DELETE = {"liveness/client-w1": {"member"}, f"refused/w9_{INC['w9']}_00000001": {"newcomer"}}
MAY_LIST: dict[str, set[str]] = {"agents": MEMBERS, "audit": OPERATORS, "liveness": OPERATORS}
COLLECTIONS = sorted({path.partition("/")[0] for path in mesh_documents() if path} | {"/meshes", "/apiKeys", "/audit"})
NOBODYS = ["/apiKeys/k", "/audit/000000000001", "/rateLimits/k", "/idempotency/k", "/other/x"]

_numbers = itertools.count(1)


@asynccontextmanager
async def door(stack: LocalStack) -> AsyncIterator[Door]:
    opened = Door(stack.firestore_host, stack.project, f"rules-{next(_numbers)}")
    try:
        yield await opened.seed()
    finally:
        await opened.close()


@pytest.mark.parametrize("path", [*mesh_documents(), "agents/w9", *NOBODYS])
async def test_a_document_is_shown_to_its_readers_alone(local_stack: LocalStack, path: str) -> None:
    async with door(local_stack) as mesh:
        allowed = {name for name, actor in ACTORS.items() if await mesh.may_get(actor, path)}
    assert allowed == MAY_GET.get(path, set())


@pytest.mark.parametrize("collection", COLLECTIONS)
async def test_a_collection_is_listed_by_its_readers_alone(local_stack: LocalStack, collection: str) -> None:
    async with door(local_stack) as mesh:
        allowed = {name for name, actor in ACTORS.items() if await mesh.may_list(actor, collection)}
    assert allowed == MAY_LIST.get(collection, set())


@pytest.mark.parametrize("collection", [name.removeprefix("/") for name in COLLECTIONS])
async def test_nobody_queries_one_kind_of_document_across_all_meshes(local_stack: LocalStack, collection: str) -> None:
    async with door(local_stack) as mesh:
        assert [name for name, actor in ACTORS.items() if mesh.may_query_everywhere(actor, collection)] == []


@pytest.mark.parametrize("path", [*mesh_documents(), *NOBODYS])
async def test_a_document_is_deleted_by_whom_it_concerns_and_replaced_by_nobody(local_stack: LocalStack, path: str) -> None:
    async with door(local_stack) as mesh:
        full = mesh.path(path)
        for actor in ACTORS.values():
            assert not await mesh.may_write(actor, Put(full, {"version": 7, "agent": "w1"}))
        allowed = {name for name, actor in ACTORS.items() if await mesh.may_write(actor, Delete(full))}
    assert allowed == MAY_DELETE.get(path, set())


def command(agent: str = "w1", seq: int = 4, **changes: Any) -> dict[str, Any]:
    fields = {"agent_id": agent, "inc": INC[agent], "seq": seq, "kind": "counter.add", "payload": "{}"}
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


@pytest.mark.parametrize("name", ACTORS)
async def test_only_a_living_member_puts_a_command_into_the_inbox(local_stack: LocalStack, name: str) -> None:
    async with door(local_stack) as mesh:
        actor = ACTORS[name] or MEMBER
        fields = {**command(), "agent_id": actor.agent, "inc": actor.inc}
        await mesh.replace("liveness/client-w2", beat("w2", seq=1))
        write = Create(mesh.path(f"inbox/{actor.agent or 'w1'}_{actor.inc or INC['w1']}_00000004"), fields)
        assert await mesh.may_write(ACTORS[name], write) is (name in MEMBERS)


@pytest.mark.parametrize("name", ACTORS)
async def test_only_a_worker_that_is_no_member_yet_puts_a_join_into_the_inbox(local_stack: LocalStack, name: str) -> None:
    async with door(local_stack) as mesh:
        actor = ACTORS[name] or MEMBER
        payload = join(actor.agent)
        fields = {**command(seq=1, kind="mesh.join", payload=payload), "agent_id": actor.agent, "inc": actor.inc}
        request = f"{actor.agent or 'w1'}_{actor.inc or INC['w1']}_00000001"
        writes = (Create(mesh.path(f"inbox/{request}"), fields), Delete(mesh.path(f"refused/{request}")))
        assert await mesh.may_write(ACTORS[name], *writes) is (name in {"newcomer", "ended"})


@pytest.mark.parametrize(
    "fields",
    [
        command(),
        command(kind="mesh.leave"),
        command(payload="x" * 4096),
        command(kind="a." + "b" * 38),
    ],
    ids=["usual", "leave", "largest payload", "longest kind"],
)
async def test_a_member_sends_any_command_that_fits(local_stack: LocalStack, fields: dict[str, Any]) -> None:
    async with door(local_stack) as mesh:
        assert await mesh.may_write(MEMBER, Create(mesh.path(f"inbox/w1_{INC['w1']}_00000004"), fields))


@pytest.mark.parametrize(
    ("fields", "id_"),
    [
        (command(agent_id="w2"), ""),
        (command(agent_id=""), ""),
        (command(inc="0" * 12), ""),
        (command(seq=5), ""),
        (command(seq=0), "w1_" + INC["w1"] + "_00000000"),
        (command(seq=4.5), ""),
        (command(kind=None), ""),
        (command(kind=7), ""),
        (command(kind="Counter.Add"), ""),
        (command(kind="counter"), ""),
        (command(kind="a." + "b" * 39), ""),
        (command(kind="mesh.remove_agent"), ""),
        (command(kind="mesh.member_dead"), ""),
        (command(kind="mesh.join", payload=JOIN), ""),
        (command(payload={"a": 1}), ""),
        (command(payload="x" * 4097), ""),
        (command(payload="ü" * 2049), ""),
        (command(trace="x"), ""),
        (command("w2"), "w2_" + INC["w2"] + "_00000004"),
        (command(), "operator_000000000000_00000000"),
        (command(), "w1_" + INC["w1"] + "_4"),
    ],
)
async def test_a_command_that_does_not_fit_is_denied(local_stack: LocalStack, fields: dict[str, Any], id_: str) -> None:
    async with door(local_stack) as mesh:
        write = Create(mesh.path(f"inbox/{id_ or 'w1_' + INC['w1'] + '_00000004'}"), fields)
        assert not await mesh.may_write(MEMBER, write)


@pytest.mark.parametrize(
    "payload",
    [
        '{"process":"client-w9","replaces":[],"type":"manager"}',
        '{"process":"client-w9","replaces":["111111111111"],"type":"worker"}',
        '{"process":"client-w9","replaces":[],"type":"worker","type":"manager"}',
        '{"type":"manager","process":"client-w9","replaces":[],"type":"worker"}',
        join("w1"),
        join("p9").replace("client-", ""),
        "{}",
    ],
)
async def test_a_join_that_wants_more_is_denied(local_stack: LocalStack, payload: str) -> None:
    async with door(local_stack) as mesh:
        fields = command("w9", 1, kind="mesh.join", payload=payload)
        assert not await mesh.may_write(ACTORS["newcomer"], Create(mesh.path(f"inbox/w9_{INC['w9']}_00000001"), fields))


async def test_the_first_command_of_an_incarnation_is_its_join(local_stack: LocalStack) -> None:
    async with door(local_stack) as mesh:
        fields = command("w9", 1)
        assert not await mesh.may_write(ACTORS["newcomer"], Create(mesh.path(f"inbox/w9_{INC['w9']}_00000001"), fields))


async def test_a_refused_request_is_not_sent_again(local_stack: LocalStack) -> None:
    async with door(local_stack) as mesh:
        again = Create(mesh.path(f"inbox/w1_{INC['w1']}_00000003"), command(seq=3))
        assert not await mesh.may_write(MEMBER, again)
        assert not await mesh.may_write(MEMBER, again, Delete(mesh.path(f"refused/w1_{INC['w1']}_00000003")))


async def test_a_join_is_sent_again_with_its_refusal_cleared_away(local_stack: LocalStack) -> None:
    async with door(local_stack) as mesh:
        request = f"w9_{INC['w9']}_00000001"
        again = Create(mesh.path(f"inbox/{request}"), command("w9", 1, kind="mesh.join", payload=JOIN))
        clear = Delete(mesh.path(f"refused/{request}"))
        assert not await mesh.may_write(ACTORS["newcomer"], again)
        assert not await mesh.may_write(ACTORS["other"], clear)
        assert await mesh.may_write(ACTORS["newcomer"], again, clear)


async def test_a_member_sends_so_many_commands_for_each_sign_of_life_of_its_incarnation(local_stack: LocalStack) -> None:
    async with door(local_stack) as mesh:

        async def may_send(actor: str, agent: str, seq: int) -> bool:
            path = mesh.path(f"inbox/{agent}_{INC[agent]}_{seq:08d}")
            return await mesh.may_write(ACTORS[actor], Create(path, command(agent, seq)))

        assert await may_send("member", "w1", 3 * COMMANDS_PER_BEAT)
        assert not await may_send("member", "w1", 3 * COMMANDS_PER_BEAT + 1)
        assert not await may_send("other", "w2", 2)  # its process shows another incarnation
        await mesh.replace("liveness/client-w2", beat("w2"))
        assert await may_send("other", "w2", 2)


async def test_a_member_looks_whether_its_command_still_waits(local_stack: LocalStack) -> None:
    async with door(local_stack) as mesh:
        assert await mesh.may_get(MEMBER, f"inbox/w1_{INC['w1']}_00000099")
        assert not await mesh.may_get(MEMBER, f"inbox/w2_{INC['w2']}_00000099")


@pytest.mark.parametrize("name", ACTORS)
async def test_only_the_own_process_of_a_living_member_shows_signs_of_life(local_stack: LocalStack, name: str) -> None:
    async with door(local_stack) as mesh:
        actor = ACTORS[name] or MEMBER
        for agent in ("w1", "w2", "w3", "w9"):
            seq = 4 if agent == actor.agent == "w1" else 1
            write = Put(mesh.path(f"liveness/client-{agent}"), beat(agent, seq=seq, inc=actor.inc), stamp="at")
            assert await mesh.may_write(ACTORS[name], write) is (name in MEMBERS and agent == actor.agent)


@pytest.mark.parametrize(
    "fields",
    [
        beat("w1", seq=4),
        beat("w1", seq=4, agents={}),
        beat("w1", seq=4, agents={"w1": "failed"}, lateness=8, interval_ms=300_000),
        beat("w1", seq=4, expires=datetime.now(UTC) + timedelta(days=7)),
    ],
)
async def test_a_sign_of_life_that_fits_is_taken(local_stack: LocalStack, fields: dict[str, Any]) -> None:
    async with door(local_stack) as mesh:
        assert await mesh.may_write(MEMBER, Put(mesh.path("liveness/client-w1"), fields, stamp="at"))


@pytest.mark.parametrize(
    "fields",
    [
        beat("w1", seq=3),
        beat("w1", seq=5),
        beat("w1", seq=4.0),
        beat("w1", seq=4, process="client-w2"),
        beat("w1", seq=4, inc="f" * 12),
        beat("w1", seq=4, interval_ms=249),
        beat("w1", seq=4, interval_ms=300_001),
        beat("w1", seq=4, interval_ms=2000.5),
        beat("w1", seq=4, agents={"w2": "running"}),
        beat("w1", seq=4, agents={"w1": "well"}),
        beat("w1", seq=4, agents=[]),
        beat("w1", seq=4, applied={"w1": 7}),
        beat("w1", seq=4, lateness=9),
        beat("w1", seq=4, lateness=-1),
        beat("w1", seq=4, lateness=0.5),
        beat("w1", seq=4, lateness=None),
        beat("w1", seq=4, more=1),
        beat("w1", seq=4, expires=datetime.now(UTC) + timedelta(days=9)),
    ],
)
async def test_a_sign_of_life_that_does_not_fit_is_denied(local_stack: LocalStack, fields: dict[str, Any]) -> None:
    async with door(local_stack) as mesh:
        assert not await mesh.may_write(MEMBER, Put(mesh.path("liveness/client-w1"), fields, stamp="at"))


async def test_a_sign_of_life_bears_the_time_of_the_store_and_no_other(local_stack: LocalStack) -> None:
    async with door(local_stack) as mesh:
        for at in (datetime.now(UTC), LONG_AGO, None):
            assert not await mesh.may_write(MEMBER, Put(mesh.path("liveness/client-w1"), beat("w1", seq=4, at=at)))


async def test_signs_of_life_are_counted_from_one_for_each_incarnation(local_stack: LocalStack) -> None:
    async with door(local_stack) as mesh:
        path = mesh.path("liveness/client-w2")
        assert not await mesh.may_write(ACTORS["other"], Put(path, beat("w2", seq=4), stamp="at"))
        assert await mesh.may_write(ACTORS["other"], Put(path, beat("w2", seq=1), stamp="at"))
        path = mesh.path("liveness/client-w1")
        await mesh.remove("liveness/client-w1")
        assert not await mesh.may_write(MEMBER, Put(path, beat("w1", seq=2), stamp="at"))
        assert await mesh.may_write(MEMBER, Put(path, beat("w1", seq=1), stamp="at"))


async def test_between_two_writes_of_one_document_lie_200_ms_deleted_or_not(local_stack: LocalStack) -> None:
    async with door(local_stack) as mesh:
        path, far = mesh.path("liveness/client-w1"), datetime.now(UTC) + timedelta(days=1)
        await mesh.replace("liveness/client-w1", beat("w1", seq=3, at=far))
        await mesh.replace("states/w1", {**mesh_documents()["states/w1"], "at": far})
        assert not await mesh.may_write(MEMBER, Put(path, beat("w1", seq=4), stamp="at"))
        assert not await mesh.may_write(MEMBER, Delete(path))
        assert not await mesh.may_write(MEMBER, Put(mesh.path("states/w1"), state(), stamp="at"))
        just = datetime.now(UTC) - timedelta(milliseconds=REST_MS)
        await mesh.replace("liveness/client-w1", beat("w1", seq=3, at=just))
        assert await mesh.may_write(MEMBER, Put(path, beat("w1", seq=4), stamp="at"))


@pytest.mark.parametrize(("name", "allowed"), [("member", True), ("ended", False), ("other", False), ("revoked", False)])
async def test_a_process_removes_the_sign_of_life_of_its_own_run(local_stack: LocalStack, name: str, allowed: bool) -> None:
    async with door(local_stack) as mesh:
        await mesh.replace("agents/w1", {**mesh_documents()["agents/w1"], "status": "left"})
        assert await mesh.may_write(ACTORS[name], Delete(mesh.path("liveness/client-w1"))) is allowed


async def test_a_revoked_key_ends_its_clients_with_their_next_request_and_an_overlap_lets_them_finish(
    local_stack: LocalStack,
) -> None:
    async with door(local_stack) as mesh:
        member = replace(MEMBER, key="overlapping")
        assert await mesh.may_get(member, "views/agent_w1")
        assert await mesh.may_write(member, Put(mesh.path("states/w1"), state(), stamp="at"))
        assert not await mesh.may_get(ACTORS["revoked"], "views/agent_w1")
        assert not await mesh.may_write(ACTORS["revoked"], Put(mesh.path("states/w1"), state(version=3), stamp="at"))


def state(agent: str = "w1", **changes: Any) -> dict[str, Any]:
    fields = {"version": 2, "inc": INC[agent], "values": {"a": 1}, **changes}
    return {name: value for name, value in fields.items() if value is not None}


@pytest.mark.parametrize("name", ACTORS)
async def test_only_the_owner_replaces_a_state(local_stack: LocalStack, name: str) -> None:
    async with door(local_stack) as mesh:
        assert await mesh.may_write(ACTORS[name], Put(mesh.path("states/w1"), state(), stamp="at")) is (name == "member")


@pytest.mark.parametrize(
    "fields",
    [
        state(version=1),
        state(version=0),
        state(version="2"),
        state(version=2.5),
        state(inc="f" * 12),
        state(values=[1]),
        state(values={str(number): 0 for number in range(101)}),
        state(values=None),
        state(more=1),
    ],
)
async def test_a_state_that_does_not_fit_is_denied(local_stack: LocalStack, fields: dict[str, Any]) -> None:
    async with door(local_stack) as mesh:
        assert not await mesh.may_write(MEMBER, Put(mesh.path("states/w1"), fields, stamp="at"))


async def test_a_state_bears_the_time_of_the_store_and_no_other(local_stack: LocalStack) -> None:
    async with door(local_stack) as mesh:
        for at in (datetime.now(UTC), LONG_AGO, None):
            assert not await mesh.may_write(MEMBER, Put(mesh.path("states/w1"), state(at=at)))


async def test_a_state_is_replaced_by_any_later_version_or_by_another_incarnation(local_stack: LocalStack) -> None:
    async with door(local_stack) as mesh:
        assert await mesh.may_write(MEMBER, Put(mesh.path("states/w1"), state(version=7), stamp="at"))
        await mesh.replace("states/w1", {"version": 9, "inc": "f" * 12, "values": {}, "at": LONG_AGO})
        assert await mesh.may_write(MEMBER, Put(mesh.path("states/w1"), state(version=1), stamp="at"))


@pytest.mark.parametrize(
    ("name", "agent", "fields", "allowed"),
    [
        ("other", "w2", state("w2", version=1), True),
        ("other", "w2", state("w2", version=8), True),
        ("other", "w2", state("w2", version=0), False),
        ("other", "w2", state("w2", version=1, more=1), False),
        ("other", "w9", state("w2", version=1), False),
        ("newcomer", "w9", state("w9", version=1), False),
        ("removed", "w3", state("w3", version=1), False),
    ],
)
async def test_a_state_is_begun_by_its_living_owner(
    local_stack: LocalStack, name: str, agent: str, fields: dict[str, Any], allowed: bool
) -> None:
    async with door(local_stack) as mesh:
        assert await mesh.may_write(ACTORS[name], Create(mesh.path(f"states/{agent}"), fields, stamp="at")) is allowed


async def test_a_removed_member_is_out_with_its_next_request(local_stack: LocalStack) -> None:
    async with door(local_stack) as mesh:
        assert await mesh.may_get(MEMBER, "views/agent_w1")
        dead = {**mesh_documents()["agents/w1"], "status": "dead"}
        await mesh.replace("agents/w1", dead)
        assert not await mesh.may_get(MEMBER, "views/agent_w1")
