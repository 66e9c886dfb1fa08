"""What lies in the inbox and is no proper command is refused with its reason and kept; nobody else is disturbed."""

import asyncio
import json
from typing import Any

import pytest

from firemesh.core.messages import Command
from firemesh.core.sessions import GAP_PATIENCE_MS
from firemesh.store.base import Put
from tests.support.meshes import LocalMesh, in_virtual_time, until

INC = "00000000aaaa"


async def led() -> LocalMesh:
    local = await LocalMesh().create()
    await local.managers(1)
    await (await local.process("p1")).add_worker("w1")
    return local


async def put(local: LocalMesh, request_id: str, fields: dict[str, Any]) -> None:
    await local.operator.commit([Put(f"meshes/m1/inbox/{request_id}", fields)])


async def add(local: LocalMesh) -> None:
    before = len(local.ordered("counter.add"))
    await local.processes["p1"].agents["w1"].send_to_manager("counter.add", {"n": 1})  # type: ignore[attr-defined]
    await until(lambda: len(local.ordered("counter.add")) == before + 1)


def command(agent: str = "w1", inc: str = INC, seq: int = 1, kind: str = "counter.add", payload: str = "{}") -> dict[str, Any]:
    return {"agent_id": agent, "inc": inc, "seq": seq, "kind": kind, "payload": payload}


MALFORMED: dict[str, tuple[dict[str, Any], str]] = {
    "empty": ({}, "agent_id: Field required"),
    "foreign": ({"hello": [1, {"two": None}]}, "Field required"),
    "one field more": ({**command(), "admin": True}, "admin: Extra inputs"),
    "number as text": ({**command(), "seq": "1"}, "seq: Input should be a valid integer"),
    "negative": (command(seq=-1), "seq: Input should be greater"),
    "kind": (command(kind="DROP TABLE"), "kind: String should match"),
    "payload": (command(payload="not json"), "payload is not JSON"),
    "list": (command(payload="[]"), "payload is not a JSON object"),
    "deep": (command(payload='{"a":' * 600 + "1" + "}" * 600), "payload is nested deeper"),
    "infinite": (command(payload='{"n":1e999}'), "payload is not JSON with finite numbers"),
    "large": (command(payload=json.dumps({"x": "y" * 5000})), "payload exceeds"),
    "other id": (command(seq=7), "document id is 'd1'"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_document_is_refused_with_its_problem_and_kept(case: str) -> None:
    @in_virtual_time
    async def check() -> None:
        fields, problem = MALFORMED[case]
        local = await led()
        await put(local, "d1", fields)
        await until(lambda: local.fields("refused/d1"))
        refusal = local.fields("refused/d1")
        assert refusal["reason"] == "MALFORMED"
        assert problem in refusal["detail"]
        assert refusal["sent"].startswith(json.dumps(fields, ensure_ascii=False, sort_keys=True)[:1000])
        assert local.all_of("inbox") == {}
        await add(local)
        await local.end()

    check()


WELL_FORMED: dict[str, tuple[Command, str]] = {
    "stranger": (Command(**command("w9")), "UNKNOWN_SESSION"),
    "late join": (Command(**command("w9", seq=2, kind="mesh.join")), "UNKNOWN_SESSION"),
    "join without a type": (Command(**command("w9", kind="mesh.join")), "MALFORMED"),
    "forged death": (Command(**command(kind="mesh.member_dead", payload='{"agent":"m1"}')), "NOT_A_MEMBER_COMMAND"),
    "forged deadline": (Command(**command(kind="mesh.deadline", payload='{"deadline_ms":1}')), "NOT_A_MEMBER_COMMAND"),
}


@pytest.mark.parametrize("case", WELL_FORMED)
def test_a_command_the_mesh_cannot_order_is_refused_with_its_reason_and_kept(case: str) -> None:
    @in_virtual_time
    async def check() -> None:
        sent, reason = WELL_FORMED[case]
        local = await led()
        request_id = f"{sent.agent_id}_{sent.inc}_{sent.seq:08d}"
        await put(local, request_id, sent.model_dump(mode="json"))
        await until(lambda: local.fields(f"refused/{request_id}"))
        refusal = local.fields(f"refused/{request_id}")
        assert refusal["reason"] == reason
        assert Command.model_validate_json(refusal["sent"]) == sent
        assert local.status_of("m1") == "alive"
        await add(local)
        await local.end()

    check()


@in_virtual_time
async def test_an_operators_order_that_no_operator_may_give_is_refused() -> None:
    local = await led()
    await put(local, f"operator_{INC}_00000000", command("", "", 0, "mesh.member_dead", '{"agent":"m1"}'))
    await until(lambda: local.all_of("refused"))
    assert local.fields(f"refused/operator_{INC}_00000000")["reason"] == "NOT_AN_OPERATOR_COMMAND"
    assert local.status_of("m1") == "alive"
    await local.end()


@in_virtual_time
async def test_an_old_number_is_refused_as_ordered_already_and_not_applied_again() -> None:
    local = await led()
    await add(local)
    await add(local)
    inc = local.processes["p1"].inc
    await put(local, f"w1_{inc}_00000002", command("w1", inc, 2, payload='{"n":1}'))
    await until(lambda: local.all_of("inbox") == {})
    await add(local)
    assert local.fields("views/public")["view"] == {"total": 3}
    assert [refusal["reason"] for refusal in local.all_of("refused").values()] == ["ALREADY_ORDERED"]
    await local.end()


@in_virtual_time
async def test_an_agent_that_joins_is_not_put_off_by_the_refusal_of_a_second_copy_of_its_join() -> None:
    local = await LocalMesh().create()
    process = await local.process("p1")
    joining = asyncio.create_task(process.add_worker("w1"))
    await until(lambda: local.all_of("inbox"))
    request_id = f"w1_{process.inc}_00000001"
    refusal = {"reason": "ALREADY_ORDERED", "detail": "", "sent": ""}
    await local.operator.commit([Put(f"meshes/m1/refused/{request_id}", refusal)])
    await asyncio.sleep(1)
    await local.managers(1)
    assert (await joining).agent_id == "w1"
    await local.end()


@in_virtual_time
async def test_a_number_that_comes_before_the_one_it_follows_waits_for_it() -> None:
    local = await led()
    inc = local.processes["p1"].inc
    for seq in (4, 3, 2):
        await put(local, f"w1_{inc}_{seq:08d}", command("w1", inc, seq, payload='{"n":1}'))
        await asyncio.sleep(3)
    assert [each.seq for each in local.ordered("counter.add")] == [2, 3, 4]
    assert local.all_of("refused") == local.all_of("inbox") == {}
    await local.end()


@in_virtual_time
async def test_a_gap_that_stays_open_is_refused_in_time_naming_the_number_that_was_expected() -> None:
    local = await led()
    await add(local)
    inc = local.processes["p1"].inc
    await put(local, f"w1_{inc}_00000005", command("w1", inc, 5, payload='{"n":1}'))
    await asyncio.sleep(GAP_PATIENCE_MS / 1000 - 1)
    assert local.all_of("refused") == {}
    await until(lambda: local.all_of("refused"), seconds=2)
    refusal = local.fields(f"refused/w1_{inc}_00000005")
    assert (refusal["reason"], "send 3 first" in refusal["detail"]) == ("SEQUENCE_GAP", True)
    await add(local)
    await local.end()


@in_virtual_time
async def test_a_flood_of_nonsense_is_refused_whole_and_holds_up_nobody() -> None:
    local = await led()
    for start in range(0, 1000, 250):
        await local.operator.commit([Put(f"meshes/m1/inbox/x{start + n:05d}", {"n": n}) for n in range(250)])
    await add(local)
    await until(lambda: len(local.all_of("refused")) == 1000)
    assert local.stored()[0].term == 1
    assert local.all_of("inbox") == {}
    await local.end()


@in_virtual_time
async def test_a_machines_refusal_is_shown_to_its_sender() -> None:
    local = await led()
    await local.processes["p1"].agents["w1"].send_to_manager("counter.add", {"n": -1})  # type: ignore[attr-defined]
    await until(lambda: local.fields("views/agent_w1"))
    assert local.fields("views/agent_w1")["view"]["refused"] == [{"seq": 2, "kind": "counter.add", "reason": "NEGATIVE"}]
    await asyncio.sleep(1)
    assert local.all_of("refused") == {}
    await local.end()
