"""Keys over REST: made, seen, replaced and ended by whom it may be; and the key that is one agent's alone."""

from collections.abc import Iterator
from typing import Any

import pytest

from firemesh.control_plane.access import AccessRole
from tests.support.api import LOOP, Api


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    api.create("m1")
    yield api
    LOOP.run(api.store.close())


def make(api: Api, by: str | AccessRole, **body: Any) -> dict[str, Any]:
    answer = api.call("POST", "/v1/keys", by, body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json or {}
    return made


def test_a_key_is_shown_once_and_works_until_it_is_revoked(api: Api) -> None:
    made = make(api, AccessRole.ADMIN, role="observer", mesh="m1", days=7, label="board")
    assert api.call("GET", "/v1/meshes/m1", made["key"]).status_code == 200
    shown = api.call("GET", f"/v1/keys/{made['key_id']}")
    assert shown.json is not None
    assert made["key"] not in shown.text + api.call("GET", "/v1/keys").text
    assert "digest" not in shown.text
    assert (shown.json["made_by"], shown.json["label"]) == (api.keys[AccessRole.ADMIN].split("_")[2], "board")
    assert api.call("DELETE", f"/v1/keys/{made['key_id']}").status_code == 200
    assert api.call("GET", "/v1/meshes/m1", made["key"]).status_code == 401


def test_a_rotated_key_is_good_beside_its_successor_until_the_overlap_ends(api: Api) -> None:
    old = make(api, AccessRole.ADMIN, role="observer")
    path = f"/v1/keys/{old['key_id']}/rotation"
    new = api.call("POST", path, body={"overlap_seconds": 60}).json or {}
    assert [api.call("GET", "/v1/meshes", key["key"]).status_code for key in (old, new)] == [200, 200]
    api.now_ns += 60_001_000_000
    assert [api.call("GET", "/v1/meshes", key["key"]).status_code for key in (old, new)] == [401, 200]
    assert api.call("POST", path, body={"overlap_seconds": 60}).status_code == 409


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/keys", {"role": "observer"}), ("/v1/meshes/m1/agents/a1/key", {})], ids=["create", "provision"]
)
def test_a_repeated_call_makes_no_second_key_and_keeps_no_secret(api: Api, path: str, body: Any) -> None:
    before = len(LOOP.run(api.ring.list()))
    first, again = (api.call("POST", path, body=body, headers={"Idempotency-Key": "k1"}).json or {} for _ in range(2))
    assert (first["key_id"], again["key"]) == (again["key_id"], "")
    assert len(LOOP.run(api.ring.list())) == before + 1
    assert first["key"] not in str([document.fields for document in api.memory.documents().values()])


def test_a_repeated_rotation_finds_the_successor_it_has_made(api: Api) -> None:
    path = f"/v1/keys/{make(api, AccessRole.ADMIN, role='observer')['key_id']}/rotation"
    first, again = (api.call("POST", path, body={}, headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert (first.json or {})["key_id"] == (again.json or {})["key_id"]


ESCALATIONS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"role": "operator", "mesh": "m1"}, {"role": "operator", "mesh": "m1"}),
    ({"role": "operator", "mesh": "m1"}, {"role": "admin", "mesh": "m1"}),
    ({"role": "operator", "mesh": "m1"}, {"role": "manager", "mesh": "m1"}),
    ({"role": "operator", "mesh": "m1"}, {"role": "observer", "mesh": "m2"}),
    ({"role": "operator", "mesh": "m1"}, {"role": "observer", "mesh": "*"}),
    ({"role": "admin", "mesh": "m1"}, {"role": "admin", "mesh": "*"}),
    ({"role": "admin", "mesh": "m1"}, {"role": "worker", "mesh": "m2"}),
    ({"role": "admin", "operations": ["create_key"]}, {"role": "admin"}),
    ({"role": "admin", "operations": ["create_key"]}, {"role": "observer"}),
]


@pytest.mark.parametrize(("own", "asked"), ESCALATIONS, ids=str)
def test_no_key_makes_a_mightier_one(api: Api, own: dict[str, Any], asked: dict[str, Any]) -> None:
    key = make(api, AccessRole.ADMIN, **own)["key"]
    before = LOOP.run(api.ring.list()).keys()
    answer = api.call("POST", "/v1/keys", key, asked)
    assert (answer.status_code, (answer.json or {})["error"]) == (403, "PermissionDenied")
    assert LOOP.run(api.ring.list()).keys() == before


@pytest.mark.parametrize("asked", [{"role": "worker", "mesh": "m1"}, {"role": "observer", "mesh": "m1"}], ids=str)
def test_the_operator_of_a_mesh_makes_keys_for_its_players_and_observers(api: Api, asked: dict[str, Any]) -> None:
    key = api.key(AccessRole.OPERATOR, "m1")
    assert make(api, key, **asked)["mesh"] == "m1"


def test_a_mightier_key_is_neither_seen_nor_replaced_nor_ended(api: Api) -> None:
    operator = api.key(AccessRole.OPERATOR, "m1")
    for mightier in (api.key(AccessRole.OPERATOR, "m1"), api.key(AccessRole.OBSERVER, "m2"), api.keys[AccessRole.ADMIN]):
        path = f"/v1/keys/{mightier.split('_')[2]}"
        assert api.call("GET", path, operator).status_code == 403
        assert api.call("POST", f"{path}/rotation", operator, {}).status_code == 403
        assert api.call("DELETE", path, operator).status_code == 403
        assert api.call("GET", "/v1/meshes", mightier).status_code == 200


def test_a_list_shows_the_keys_in_the_callers_charge_and_its_own(api: Api) -> None:
    operator = api.key(AccessRole.OPERATOR, "m1")
    shown = api.call("GET", "/v1/keys", operator).json or {}
    expected = {api.keys[role].split("_")[2] for role in (AccessRole.WORKER, AccessRole.OBSERVER)} | {operator.split("_")[2]}
    assert {row["key_id"] for row in shown["keys"]} == expected
    everything = api.call("GET", "/v1/keys").json or {}
    assert len(everything["keys"]) == len(AccessRole) + 1


def test_a_list_of_keys_goes_on_where_the_page_before_ended(api: Api) -> None:
    found: list[str] = []
    start = ""
    while True:
        page = api.call("GET", f"/v1/keys?limit=2&start={start}").json or {}
        found += [row["key_id"] for row in page["keys"]]
        if not (start := page["next_start"]):
            break
    assert found == sorted(LOOP.run(api.ring.list()))


def test_an_operator_may_replace_and_end_its_own_key(api: Api) -> None:
    own = api.key(AccessRole.OPERATOR, "m1")
    path = f"/v1/keys/{own.split('_')[2]}"
    new = api.call("POST", f"{path}/rotation", own, {"overlap_seconds": 60}).json or {}
    assert (new["role"], new["mesh"]) == ("operator", "m1")
    assert api.call("DELETE", path, own).status_code == 200
    assert api.call("GET", "/v1/meshes", own).status_code == 401


def test_a_decision_about_a_key_stands_in_the_trail_of_its_mesh_or_of_the_project(api: Api) -> None:
    make(api, AccessRole.ADMIN, role="observer", mesh="m1")
    make(api, AccessRole.ADMIN, role="observer")
    api.call("POST", "/v1/keys", AccessRole.OPERATOR, {"role": "admin"})
    assert api.trail("m1")[1:] == [("create_key", True)]
    assert api.trail("") == [("create_key", True), ("create_key", False)]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"role": "king"},
        {"role": "worker"},
        {"role": "worker", "mesh": "M1"},
        {"role": "observer", "agent": "a1"},
        {"role": "observer", "days": 0},
        {"role": "observer", "days": 366},
        {"role": "observer", "operations": ["nothing"]},
        {"role": "observer", "operations": ["get_mesh_status", "create_mesh"]},
        {"role": "observer", "label": "x" * 81},
        {"role": "observer", "key": "mine"},
    ],
    ids=str,
)
def test_a_key_that_makes_no_sense_is_not_made(api: Api, body: dict[str, Any]) -> None:
    before = len(LOOP.run(api.ring.list()))
    assert api.call("POST", "/v1/keys", body=body).status_code == 400
    assert len(LOOP.run(api.ring.list())) == before


def test_a_key_that_does_not_exist_is_not_found(api: Api) -> None:
    assert api.call("GET", "/v1/keys/000000000000").status_code == 404
    assert api.call("DELETE", "/v1/keys/000000000000").status_code == 404
    assert api.call("POST", "/v1/keys/000000000000/rotation", body={}).status_code == 404
    assert api.call("GET", "/v1/keys/nonsense").status_code == 400


@pytest.mark.parametrize("role", [AccessRole.MANAGER, AccessRole.WORKER, AccessRole.OBSERVER, AccessRole.GUEST])
@pytest.mark.parametrize(("method", "more"), [("GET", ""), ("DELETE", ""), ("POST", "/rotation")])
def test_who_has_no_business_with_keys_does_not_learn_which_there_are(
    api: Api, role: AccessRole, method: str, more: str
) -> None:
    there = api.keys[AccessRole.ADMIN].split("_")[2]
    answers = [api.call(method, f"/v1/keys/{key_id}{more}", role).json or {} for key_id in (there, "0" * 12)]
    assert [answer["status"] for answer in answers] == [403, 403]
    assert answers[0]["detail"] == answers[1]["detail"]
    assert [allowed for _, allowed in api.trail("")] == [False, False]


# --- the key of one agent -------------------------------------------------------------------------------------------


def test_a_provisioned_key_joins_as_its_agent_and_as_no_other(api: Api) -> None:
    operator = api.key(AccessRole.OPERATOR, "m1")
    made = api.call("POST", "/v1/meshes/m1/agents/a1/key", operator, {"label": "ann"}).json or {}
    assert (made["role"], made["mesh"], made["agent"], made["label"]) == ("worker", "m1", "a1", "ann")
    joined = api.call("POST", "/v1/meshes/m1/agents", made["key"], {"agent_id": "a1"})
    assert (joined.status_code, (joined.json or {})["agent"]) == (201, "a1")
    other = api.call("POST", "/v1/meshes/m1/agents", made["key"], {"agent_id": "a2"})
    assert other.status_code == 403
    assert ("join_mesh", False) in api.trail("m1")


def test_an_agent_is_provisioned_for_a_mesh_that_exists_and_within_the_keys_scope(api: Api) -> None:
    assert api.call("POST", "/v1/meshes/m9/agents/a1/key", body={}).status_code == 404
    operator = api.key(AccessRole.OPERATOR, "m2")
    assert api.call("POST", "/v1/meshes/m1/agents/a1/key", operator, {}).status_code == 403
    assert api.call("POST", "/v1/meshes/m1/agents/A1/key", body={}).status_code == 400
