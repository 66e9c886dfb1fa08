"""An operator gets the same answers with this machine's credentials and through the control plane."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from firemesh.control_plane.audit import AuditTrail, Decision
from firemesh.errors import MeshError
from firemesh.store.memory import MemoryStore
from firemesh_cli.operator import Operator
from firemesh_cli.operator.local import LocalOperator
from firemesh_cli.operator.remote import RemoteOperator
from tests.support.api import LOOP, PEPPER, ROW, Api

COUNTER = {"machine": "counter", "setup": {}, "profile": "test", "hosting": "processes"}
KEY = {"role": "worker", "mesh": "m1", "agent": "", "operations": (), "days": 7, "label": "ours"}


class InProcess:
    """`ApiClient` without a network between: the gateway answers at once."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._api.call(method, f"/v1{path}", body=body)
        if answer.status_code >= 400:
            raise MeshError((answer.json or {})["error"])
        return answer.json


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    yield api
    LOOP.run(api.store.close())


@pytest.fixture(params=["local", "remote"])
def way(request: pytest.FixtureRequest, api: Api, monkeypatch: pytest.MonkeyPatch) -> Operator:
    monkeypatch.setenv("API_KEY_PEPPER", PEPPER.decode())
    if request.param == "local":
        return LocalOperator(api.store, environment="test")
    return RemoteOperator(InProcess(api))  # type: ignore[arg-type]


async def test_a_mesh_is_created_listed_seen_ordered_about_and_deleted(way: Operator, api: Api) -> None:
    await way.create_mesh("m1", COUNTER)
    assert await way.list_meshes("") == (("m1",), "")
    status = await way.status("m1")
    assert json.loads(json.dumps(status))["status"] == "open"
    assert set(status) == {
        *("mesh_id", "machine", "term", "leader", "last_index", "managers", "members", "warnings", "status", "hosting"),
    }
    api.put("meshes/m1/agents/m1", {**ROW, "agent": "m1", "type": "manager"})
    for verb, body in (("drain", {}), ("close", {}), ("transfer", {"to": "m1"})):
        await way.order("m1", verb, body)
    stored = api.memory.documents().values()
    orders = {document.fields["kind"] for document in stored if document.path.startswith("meshes/m1/inbox/")}
    assert orders == {"mesh.drain", "mesh.close", "mesh.transfer"}
    removal = await way.delete("m1", force=False)
    assert removal["done"] is True
    assert removal["deleted"] >= len(orders) + 3
    with pytest.raises(MeshError):
        await way.status("m1")


async def test_agents_are_listed_provisioned_and_terminated(way: Operator, api: Api) -> None:
    await way.create_mesh("m1", COUNTER)
    api.put("meshes/m1/agents/w1", ROW)
    assert [dict(row) for row in await way.agents("m1")] == [ROW]
    made = await way.provision("m1", "a1", {"days": 7, "label": ""})
    assert (made["role"], made["mesh"], made["agent"]) == ("worker", "m1", "a1")
    assert api.call("POST", "/v1/meshes/m1/agents", made["key"], {"agent_id": "a1"}).status_code == 201
    await way.terminate("m1", "w1")
    with pytest.raises(MeshError):
        await way.terminate("m1", "w9")


async def test_keys_are_made_listed_replaced_and_ended(way: Operator, api: Api) -> None:
    made = await way.create_key(KEY)
    assert api.call("GET", "/v1/meshes/m1/agents", made["key"]).status_code == 404
    new = await way.rotate_key(made["key_id"], 60)
    await way.revoke_key(new["key_id"], 0)
    rows, start = await way.list_keys("")
    listed = {row["key_id"]: row for row in rows}
    assert start == ""
    assert listed.keys() >= {made["key_id"], new["key_id"]}
    assert all(listed[each]["revoked_ms"] for each in (made["key_id"], new["key_id"]))
    assert {name for row in rows for name in row} == set(made) - {"key"}


async def test_a_trail_is_read_checked_and_followed(way: Operator, api: Api) -> None:
    api.create()
    page = await way.read_audit("m1", start=1, limit=10)
    assert [record["operation"] for record in page["records"]] == ["create_mesh"]
    assert (page["next_start"], page["last"]) == (0, 1)
    assert dict(await way.check_audit("m1", start=1)) == {"checked": 1, "broken_at": 0, "next_start": 0}
    assert (await way.read_audit("", start=1, limit=10))["last"] == 0


async def test_who_follows_a_trail_is_told_when_it_has_grown() -> None:
    """By listening; through the control plane one asks again instead."""
    memory = MemoryStore()
    trail = AuditTrail(memory.client("panel"))
    decision = Decision(who="k1", role="admin", operation="drain_mesh", mesh="m1", allowed=True)
    await trail.append(decision, mesh_id="m1")
    local = LocalOperator(memory.client("operator"), environment="test")
    following = asyncio.create_task(local.audit_has_grown("m1", 1))
    await asyncio.sleep(0)
    await trail.append(decision, mesh_id="")
    assert not following.done()
    await trail.append(decision, mesh_id="m1")
    await asyncio.wait_for(following, 60)


async def test_two_ways_say_the_same_words(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY_PEPPER", PEPPER.decode())
    api.create()
    ways: tuple[Operator, ...] = (
        LocalOperator(api.store, environment="test"),
        RemoteOperator(InProcess(api)),  # type: ignore[arg-type]
    )
    asked: tuple[Callable[[Operator], Any], ...] = (
        lambda way: way.status("m1"),
        lambda way: way.read_audit("m1", start=1, limit=5),
        lambda way: way.create_key(KEY),
    )
    for ask in asked:
        local, remote = [json.loads(json.dumps(await ask(way))) for way in ways]
        assert local.keys() == remote.keys()
