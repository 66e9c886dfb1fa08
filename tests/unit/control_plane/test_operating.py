"""Operating a mesh over REST: orders, the end of a mesh, what operators may see. Each done and refused."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from firemesh.control_plane.access import AccessRole
from firemesh.control_plane.control_panel import ORDERS
from firemesh.core.messages import Head, MeshStatus
from firemesh.core.sessions import OPERATOR_KINDS
from firemesh.runtime.mesh import Mesh
from firemesh.store import paths
from tests.support.api import LOOP, ROW, Api

LED = Head(term=1, leader="m0", leader_inc="0" * 12, seq=3)
MANAGER = {**ROW, "agent": "m1", "type": "manager"}


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    api.create()
    yield api
    LOOP.run(api.store.close())


def put_head(api: Api, head: Head) -> None:
    api.put(paths.head("m1"), head.model_dump(mode="json"))


def orders(api: Api) -> list[tuple[str, Mapping[str, Any]]]:
    """What lies in the inbox: kind and body."""
    found = LOOP.run(api.store.list_documents("meshes/m1/inbox")).documents.values()
    return [(document.fields["kind"], json.loads(document.fields["payload"])) for document in found]


@pytest.mark.parametrize(
    ("path", "body", "order"),
    [
        ("drain", None, ("mesh.drain", {})),
        ("close", None, ("mesh.close", {})),
        ("transfer", {"to": "m1"}, ("mesh.transfer", {"to": "m1"})),
        ("commands", {"kind": "mesh.drain", "body": {}}, ("mesh.drain", {})),
    ],
)
def test_an_order_lies_in_the_inbox_under_the_id_that_is_answered(api: Api, path: str, body: Any, order: Any) -> None:
    api.put("meshes/m1/agents/m1", MANAGER)
    answer = api.call("POST", f"/v1/meshes/m1/{path}", AccessRole.OPERATOR, body)
    assert answer.status_code == 202
    assert orders(api) == [order]
    assert answer.json is not None
    assert api.memory.documents().keys() >= {paths.request("m1", answer.json["order"])}


def test_a_command_takes_the_permission_for_what_it_orders_too(api: Api) -> None:
    body = {"role": "operator", "mesh": "m1", "operations": ["send_command", "drain_mesh"]}
    made = api.call("POST", "/v1/keys", AccessRole.ADMIN, body).json
    assert made is not None
    for kind, status in (("mesh.drain", 202), ("mesh.close", 403)):
        assert api.call("POST", "/v1/meshes/m1/commands", made["key"], {"kind": kind}).status_code == status
    assert orders(api) == [("mesh.drain", {})]


def test_every_order_of_an_operator_has_its_permission() -> None:
    assert ORDERS.keys() == OPERATOR_KINDS


@pytest.mark.parametrize(
    "body", [{"kind": "counter.add"}, {"kind": "mesh.member_dead"}, {"kind": "x"}, {"kind": "mesh.drain", "n": 1}]
)
def test_what_is_no_order_of_an_operator_is_not_sent(api: Api, body: Any) -> None:
    assert api.call("POST", "/v1/meshes/m1/commands", AccessRole.OPERATOR, body).status_code == 400
    assert orders(api) == []


@pytest.mark.parametrize(
    ("row", "status"), [(None, 404), ({**MANAGER, "status": "dead"}, 404), ({**MANAGER, "type": "worker"}, 400)]
)
def test_leadership_goes_to_a_living_manager_alone(api: Api, row: Any, status: int) -> None:
    if row is not None:
        api.put("meshes/m1/agents/m1", row)
    assert api.call("POST", "/v1/meshes/m1/transfer", AccessRole.OPERATOR, {"to": "m1"}).status_code == status
    assert orders(api) == []


@pytest.mark.parametrize("path", ["drain", "close"])
def test_a_closed_mesh_takes_no_more_orders(api: Api, path: str) -> None:
    put_head(api, LED.model_copy(update={"leader": "", "status": MeshStatus.CLOSED}))
    answer = api.call("POST", f"/v1/meshes/m1/{path}", AccessRole.OPERATOR)
    assert (answer.status_code, (answer.json or {})["error"]) == (409, "MeshClosed")
    assert api.call("POST", "/v1/meshes/m9/close").status_code == 404


@pytest.mark.parametrize(("status", "error"), [(MeshStatus.DRAINING, "MeshDraining"), (MeshStatus.CLOSED, "MeshClosed")])
def test_nobody_new_is_admitted_to_a_mesh_that_ends(api: Api, status: MeshStatus, error: str) -> None:
    put_head(api, LED.model_copy(update={"status": status}))
    refused = api.call("POST", "/v1/meshes/m1/agents", AccessRole.WORKER, {"agent_id": "new"})
    assert (refused.status_code, (refused.json or {})["error"]) == (409, error)
    assert (api.call("GET", "/v1/meshes/m1").json or {})["status"] == status


def test_a_lost_member_is_admitted_to_a_draining_mesh_again(api: Api) -> None:
    put_head(api, LED.model_copy(update={"status": MeshStatus.DRAINING}))
    api.put("meshes/m1/agents/w1", {**ROW, "status": "dead"})
    assert api.call("POST", "/v1/meshes/m1/agents", AccessRole.WORKER, {"agent_id": "w1"}).status_code == 201


# --- the end --------------------------------------------------------------------------------------------------------


def test_a_mesh_in_use_is_deleted_by_force_alone(api: Api) -> None:
    put_head(api, LED)
    refused = api.call("DELETE", "/v1/meshes/m1")
    assert (refused.status_code, (refused.json or {})["error"]) == (409, "MeshNotClosed")
    answer = api.call("DELETE", "/v1/meshes/m1?force=true")
    assert answer.json is not None
    assert answer.json["done"] is True
    assert api.call("GET", "/v1/meshes/m1").status_code == 404
    assert api.call("DELETE", "/v1/meshes/m1").status_code == 404


def test_a_deletion_stands_in_the_trail_of_the_project_because_the_meshs_own_goes_with_it(api: Api) -> None:
    api.call("DELETE", "/v1/meshes/m1")
    assert api.trail("m1") == []
    assert api.trail("") == [("delete_mesh", True)]


def test_the_keys_for_a_deleted_mesh_open_no_later_one_of_its_name(api: Api) -> None:
    key = api.key(AccessRole.WORKER, "m1")
    assert api.call("GET", "/v1/meshes/m1", key).status_code == 200
    api.call("DELETE", "/v1/meshes/m1")
    api.create()
    assert api.call("GET", "/v1/meshes/m1", key).status_code == 401
    assert api.call("GET", "/v1/meshes/m1", AccessRole.OPERATOR).status_code == 200


def test_keys_that_a_deletion_has_left_end_when_it_is_called_again(api: Api) -> None:
    key = api.key(AccessRole.WORKER, "m1")
    LOOP.run(Mesh(api.store, "m1").delete())  # as far as one came that broke off before the keys
    assert api.call("DELETE", "/v1/meshes/m1").status_code == 404
    api.create()
    assert api.call("GET", "/v1/meshes/m1", key).status_code == 401


# --- what operators see ---------------------------------------------------------------------------------------------


def test_the_roster_shows_who_is_in_it_and_who_was(api: Api) -> None:
    gone = {**ROW, "agent": "a9", "status": "dead"}
    for row in (ROW, gone):
        api.put(f"meshes/m1/agents/{row['agent']}", row)
    shown = api.call("GET", "/v1/meshes/m1/agents", AccessRole.OBSERVER).json
    assert shown == {"agents": [gone, ROW]}


def test_an_operator_sees_the_views_for_operators_and_no_single_players(api: Api) -> None:
    api.put("meshes/m1/views/health", {"applied_index": 3, "processes": {"p1": "healthy"}})
    api.put("meshes/m1/views/spectator", {"applied_index": 3, "view": {"secret": 1}})
    seen = api.call("GET", "/v1/meshes/m1/views/health", AccessRole.OPERATOR).json
    assert seen == {"audience": "health", "view": {"applied_index": 3, "processes": {"p1": "healthy"}}}
    assert api.call("GET", "/v1/meshes/m1/views/topology", AccessRole.OPERATOR).json == {"audience": "topology", "view": {}}
    refused = api.call("GET", "/v1/meshes/m1/views/spectator", AccessRole.OPERATOR)
    assert refused.status_code == 400
    assert "secret" not in refused.text


@pytest.mark.parametrize("role", list(AccessRole))
def test_no_role_by_itself_sees_what_an_agent_keeps(api: Api, role: AccessRole) -> None:
    api.put("meshes/m1/states/w1", {"version": 2, "inc": "0" * 12, "values": {"mood": "fine"}})
    assert api.call("GET", "/v1/meshes/m1/states/w1", role).status_code == 403
    assert ("read_state", False) in api.trail("m1")


def test_a_key_that_names_it_sees_what_an_agent_keeps_and_that_is_recorded(api: Api) -> None:
    api.put("meshes/m1/states/w1", {"version": 2, "inc": "0" * 12, "values": {"mood": "fine"}})
    wanted = {"role": "operator", "mesh": "m1", "operations": ["read_state"]}
    made = api.call("POST", "/v1/keys", AccessRole.ADMIN, wanted).json
    assert made is not None
    seen = api.call("GET", "/v1/meshes/m1/states/w1", made["key"]).json
    assert seen == {"version": 2, "inc": "0" * 12, "values": {"mood": "fine"}}
    assert api.call("GET", "/v1/meshes/m1/states/w2", made["key"]).status_code == 404
    assert ("read_state", True) in api.trail("m1")
