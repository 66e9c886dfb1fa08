"""firestore.rules against the real emulator: who may do what to which document, both sides of each."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from firemesh.store.base import Create, Delete, Put
from firemesh_cli.stack.supervisor import LocalStack
from tests.rules.actors import ACTORS, INC, MEMBER, Door, mesh_documents

OPERATORS = {"operator", "admin"}
MEMBERS = {"member", "other"}
JOIN = '{"process":"p9","replaces":[],"type":"worker"}'

MAY_GET: dict[str, set[str]] = {
    "agents/w1": MEMBERS | {"ended"},
    "agents/w2": MEMBERS,
    "agents/w3": MEMBERS | {"removed"},
    "agents/w9": MEMBERS | {"newcomer"},
    "views/public": MEMBERS,
    "views/topology": MEMBERS | OPERATORS,
    "views/health": OPERATORS,
    "views/agent_w1": {"member"},
    "views/agent_w2": {"other"},
    f"refused/w1_{INC['w1']}_00000003": {"member"},
    f"refused/w9_{INC['w9']}_00000001": {"newcomer"},
    "states/w1": {"member"},
    "audit/000000000001": OPERATORS,
    "audit/head": OPERATORS,
}
"""By document, who may get it; a document that is not here, nobody may."""

MAY_LIST: dict[str, set[str]] = {"agents": MEMBERS, "audit": OPERATORS}
COLLECTIONS = sorted({path.partition("/")[0] for path in mesh_documents() if path} | {"/meshes", "/apiKeys", "/audit"})
NOBODYS = ["/apiKeys/k", "/audit/000000000001", "/rateLimits/k", "/other/x"]

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
async def test_no_client_overwrites_or_deletes_a_document(local_stack: LocalStack, path: str) -> None:
    async with door(local_stack) as mesh:
        full = mesh.path(path)
        for actor in ACTORS.values():
            assert not await mesh.may_write(actor, Delete(full))
            assert not await mesh.may_write(actor, Put(full, {"version": 7, "agent": "w1"}))


def command(agent: str = "w1", seq: int = 4, **changes: Any) -> dict[str, Any]:
    fields = {"agent_id": agent, "inc": INC[agent], "seq": seq, "kind": "counter.add", "payload": "{}"}
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


@pytest.mark.parametrize("name", ACTORS)
async def test_only_a_living_member_puts_a_command_into_the_inbox(local_stack: LocalStack, name: str) -> None:
    async with door(local_stack) as mesh:
        actor = ACTORS[name] or MEMBER
        fields = {**command(), "agent_id": actor.agent, "inc": actor.inc}
        write = Create(mesh.path(f"inbox/{actor.agent or 'w1'}_{actor.inc or INC['w1']}_00000004"), fields)
        assert await mesh.may_write(ACTORS[name], write) is (name in MEMBERS)


@pytest.mark.parametrize("name", ACTORS)
async def test_only_a_worker_that_is_no_member_yet_puts_a_join_into_the_inbox(local_stack: LocalStack, name: str) -> None:
    async with door(local_stack) as mesh:
        actor = ACTORS[name] or MEMBER
        fields = {**command(seq=1, kind="mesh.join", payload=JOIN), "agent_id": actor.agent, "inc": actor.inc}
        write = Create(mesh.path(f"inbox/{actor.agent or 'w1'}_{actor.inc or INC['w1']}_00000001"), fields)
        assert await mesh.may_write(ACTORS[name], write) is (name in {"newcomer", "ended"})


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
        '{"process":"p9","replaces":[],"type":"manager"}',
        '{"process":"p9","replaces":["111111111111"],"type":"worker"}',
        '{"process":"p9","replaces":[],"type":"worker","type":"manager"}',
        '{"type":"manager","process":"p9","replaces":[],"type":"worker"}',
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


def state(agent: str = "w1", **changes: Any) -> dict[str, Any]:
    fields = {"version": 2, "inc": INC[agent], "values": {"a": 1}, **changes}
    return {name: value for name, value in fields.items() if value is not None}


@pytest.mark.parametrize("name", ACTORS)
async def test_only_the_owner_replaces_a_state(local_stack: LocalStack, name: str) -> None:
    async with door(local_stack) as mesh:
        assert await mesh.may_write(ACTORS[name], Put(mesh.path("states/w1"), state())) is (name == "member")


@pytest.mark.parametrize(
    "fields",
    [
        state(version=1),
        state(version=3),
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
        assert not await mesh.may_write(MEMBER, Put(mesh.path("states/w1"), fields))


@pytest.mark.parametrize(
    ("name", "agent", "fields", "allowed"),
    [
        ("other", "w2", state("w2", version=1), True),
        ("other", "w2", state("w2", version=2), False),
        ("other", "w2", state("w2", version=1, more=1), False),
        ("other", "w9", state("w2", version=1), False),
        ("newcomer", "w9", state("w9", version=1), False),
        ("removed", "w3", state("w3", version=1), False),
    ],
)
async def test_a_state_begins_with_version_one_by_its_living_owner(
    local_stack: LocalStack, name: str, agent: str, fields: dict[str, Any], allowed: bool
) -> None:
    async with door(local_stack) as mesh:
        assert await mesh.may_write(ACTORS[name], Create(mesh.path(f"states/{agent}"), fields)) is allowed


async def test_a_removed_member_is_out_with_its_next_request(local_stack: LocalStack) -> None:
    async with door(local_stack) as mesh:
        assert await mesh.may_get(MEMBER, "views/agent_w1")
        dead = {**mesh_documents()["agents/w1"], "status": "dead"}
        await mesh.replace("agents/w1", dead)
        assert not await mesh.may_get(MEMBER, "views/agent_w1")
