"""The REST interface over a store in memory: every use case, every denial, and what every answer carries."""

import io
import json
import logging
from dataclasses import asdict
from typing import Any

import pytest

from firemesh.control_plane.access import AccessRole
from firemesh.control_plane.api_key import ApiKey
from firemesh.control_plane.session_token import AgentClaims
from firemesh.core.health import Beat
from firemesh.core.params import DEFAULT
from firemesh.runtime.mesh import Mesh
from firemesh.store.mesh_store import Hosting, MeshStore
from firemesh.structured_log import JsonLines
from tests.support.api import LOOP, ROW, Api


def test_a_mesh_is_created_listed_and_seen(api: Api) -> None:
    api.create("m1")
    api.create("m2")
    assert api.call("GET", "/v1/meshes").json == {"meshes": ["m1", "m2"], "next_start": ""}
    status = api.call("GET", "/v1/meshes/m1").json
    assert status is not None
    assert (status["machine"], status["leader"], status["members"]) == ("counter", "", {})


def test_a_mesh_is_managed_by_processes_unless_functions_are_asked_for(api: Api) -> None:
    api.create("m1")
    api.call("POST", "/v1/meshes", body={"mesh_id": "m2", "machine": "counter", "hosting": "functions"})
    records = [LOOP.run(MeshStore(api.store, mesh_id).read_record()) for mesh_id in ("m1", "m2")]
    assert [record.hosting for record in records] == [Hosting.PROCESSES, Hosting.FUNCTIONS]


def test_a_list_goes_on_where_the_page_before_ended(api: Api) -> None:
    for name in ("m1", "m2", "m3"):
        api.create(name)
    assert api.call("GET", "/v1/meshes?limit=2").json == {"meshes": ["m1", "m2"], "next_start": "m3"}
    assert api.call("GET", "/v1/meshes?limit=2&start=m3").json == {"meshes": ["m3"], "next_start": ""}


def test_a_bound_key_lists_its_own_mesh_alone(api: Api) -> None:
    api.create("m1")
    api.create("m2")
    assert api.call("GET", "/v1/meshes", AccessRole.OBSERVER).json == {"meshes": ["m1"], "next_start": ""}


def test_the_prefix_of_hosting_leads_to_the_same_place(api: Api) -> None:
    assert api.call("GET", "/api/v1/meshes").status_code == 200


def test_who_joins_gets_a_token_for_this_agent_of_this_mesh(api: Api) -> None:
    api.create()
    answer = api.call("POST", "/v1/meshes/m1/agents", AccessRole.WORKER, {"agent_id": "a1"})
    admission = answer.json
    assert answer.status_code == 201
    assert admission is not None
    claims = json.loads(admission.pop("custom_token"))
    told = {name: admission[name] for name in ("mesh", "agent", "type", "access_role", "inc")}
    assert claims == {"uid": "m1:a1", "key": ApiKey.parse(api.keys[AccessRole.WORKER]).key_id, **told}
    assert (admission["type"], admission["access_role"], len(admission["inc"])) == ("worker", "worker", 12)
    assert (admission["process"], admission["machine"], admission["params"]) == ("client-a1", "counter", asdict(DEFAULT))


def test_an_id_is_not_joined_while_its_run_shows_signs_of_life(api: Api) -> None:
    api.create()
    api.put("meshes/m1/agents/w1", ROW)
    api.put("meshes/m1/liveness/p", Beat(process="p", inc="0" * 12, seq=1, interval_ms=60_000, agents={}).model_dump())
    taken = api.call("POST", "/v1/meshes/m1/agents", AccessRole.WORKER, {"agent_id": "w1"})
    assert taken.json is not None
    assert (taken.status_code, taken.json["error"]) == (409, "AgentIdInUse")


def test_an_id_whose_run_is_silent_may_be_joined(api: Api) -> None:
    api.create()
    api.put("meshes/m1/agents/w1", ROW)
    assert api.call("POST", "/v1/meshes/m1/agents", AccessRole.WORKER, {"agent_id": "w1"}).status_code == 201


def test_an_agent_is_seen_and_its_removal_lies_in_the_inbox(api: Api) -> None:
    api.create()
    api.put("meshes/m1/agents/w1", ROW)
    assert api.call("GET", "/v1/meshes/m1/agents/w1", AccessRole.OBSERVER).json == ROW
    assert api.call("DELETE", "/v1/meshes/m1/agents/w1", AccessRole.OPERATOR).status_code == 202
    (order,) = LOOP.run(api.store.list_documents("meshes/m1/inbox")).documents.values()
    assert (order.fields["kind"], json.loads(order.fields["payload"])) == (
        "mesh.remove_agent",
        {"agent": "w1", "inc": "0" * 12},
    )


def test_changes_and_denials_are_recorded_and_reads_are_not(api: Api) -> None:
    api.create()
    api.call("GET", "/v1/meshes/m1")
    api.call("DELETE", "/v1/meshes/m1/agents/w1", AccessRole.WORKER)
    api.call("GET", "/v1/meshes/m2", AccessRole.WORKER)
    assert api.trail("m1") == [("create_mesh", True), ("terminate_agent", False)]
    assert api.trail("m2") == []
    assert api.trail("") == [("get_mesh_status", False)]
    shown = api.call("GET", "/v1/meshes/m1/audit?start=2", AccessRole.OPERATOR).json
    assert shown is not None
    assert [(row["number"], row["reason"]) for row in shown["records"]] == [(2, "ROLE")]


def test_nothing_is_done_that_could_not_be_recorded(api: Api) -> None:
    api.put("meshes/m1/audit/head", {"number": 0, "hash": "0" * 64})
    api.put("meshes/m1/audit/000000000001", {"in": "the way"})
    answer = api.call("POST", "/v1/meshes", body={"mesh_id": "m1", "machine": "counter"})
    assert answer.status_code == 503
    assert api.call("GET", "/v1/meshes/m1").status_code == 404


@pytest.mark.parametrize("role", [AccessRole.OPERATOR, AccessRole.MANAGER, AccessRole.WORKER, AccessRole.OBSERVER])
def test_a_denied_creation_creates_nothing(api: Api, role: AccessRole) -> None:
    answer = api.call("POST", "/v1/meshes", role, {"mesh_id": "m1", "machine": "counter"})
    assert (answer.status_code, answer.json["code"] if answer.json else "") == (403, "permission-denied")
    assert api.call("GET", "/v1/meshes/m1").status_code == 404


IMPOSSIBLE = [{"machine": "mafia", "setup": {"seats": 99, "seed": 1}}, {"machine": "chess"}, {"profile": "slow"}]


@pytest.mark.parametrize("wrong", IMPOSSIBLE)
def test_of_a_mesh_that_cannot_be_nothing_is_left_below_it(api: Api, wrong: dict[str, Any]) -> None:
    answer = api.call("POST", "/v1/meshes", body={"mesh_id": "m1", "machine": "counter", **wrong})
    assert answer.status_code == 400
    assert [path for path in api.memory.documents() if path.startswith("meshes/")] == []


@pytest.mark.parametrize("wrong", IMPOSSIBLE)
def test_who_may_not_create_does_not_hear_what_is_wrong_with_the_mesh(api: Api, wrong: dict[str, Any]) -> None:
    right = {"mesh_id": "m1", "machine": "counter"}
    answers = [api.call("POST", "/v1/meshes", AccessRole.OPERATOR, body) for body in (right, {**right, **wrong})]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert len({(answer.json or {})["detail"] for answer in answers}) == 1
    assert api.trail("m1") == [("create_mesh", False)] * 2


def test_whether_a_foreign_mesh_exists_is_not_told(api: Api) -> None:
    api.create("m2")
    there, missing = (api.call("GET", f"/v1/meshes/{name}", AccessRole.OBSERVER).json for name in ("m2", "m3"))
    assert there is not None
    assert missing is not None
    assert there["detail"] == missing["detail"]
    assert there["status"] == missing["status"] == 403


@pytest.mark.parametrize(
    "key",
    ["", "nonsense", "mesh_test_000000000000_" + "A" * 43 + "_00000000", "\xff"],
    ids=["none", "word", "checksum", "byte"],
)
def test_who_presents_no_key_learns_nothing(api: Api, key: str) -> None:
    answer = api.call("GET", "/v1/meshes", key)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert key == "" or key not in answer.text


def test_a_key_may_come_in_its_own_header(api: Api) -> None:
    headers = {"X-API-Key": api.keys[AccessRole.ADMIN]}
    assert api.call("GET", "/v1/meshes", "", headers=headers).status_code == 200


def test_a_revoked_key_fails_its_next_call(api: Api) -> None:
    key = api.key(AccessRole.ADMIN)
    assert api.call("GET", "/v1/meshes", key).status_code == 200
    LOOP.run(api.ring.revoke(key.split("_")[2]))
    assert api.call("GET", "/v1/meshes", key).status_code == 401


def test_the_second_creation_of_a_mesh_is_a_conflict(api: Api) -> None:
    api.create()
    assert api.call("POST", "/v1/meshes", body={"mesh_id": "m1", "machine": "counter"}).status_code == 409


def test_who_asks_too_often_is_told_when_to_come_back() -> None:
    api = Api(per_second=0.1, burst=2)
    answers = [api.call("GET", "/v1/meshes") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 10
    assert api.call("GET", "/v1/meshes", AccessRole.OPERATOR).status_code == 200


def test_an_agent_with_many_tokens_may_ask_no_more_often_than_with_one() -> None:
    api = Api(per_second=0.1, burst=2)
    LOOP.run(Mesh.create(api.store, "m1", machine="counter", setup={}))
    key_id = ApiKey.parse(api.keys[AccessRole.WORKER]).key_id

    def ask(agent: str, issued_ms: int) -> int:
        claims = AgentClaims(mesh="m1", agent=agent, inc="0" * 12, access_role=AccessRole.WORKER, key=key_id)
        token = api.sessions.issue(claims, now_ms=api.now_ns // 1_000_000 + issued_ms)
        return api.call("GET", "/v1/meshes/m1", token).status_code

    assert [ask("w1", issued_ms) for issued_ms in range(4)] == [200, 200, 429, 429]
    assert ask("w2", 0) == 200


def test_a_store_that_does_not_answer_is_said_to_be_unavailable(api: Api) -> None:
    LOOP.run(api.store.close())
    answer = api.call("GET", "/v1/meshes")
    assert (answer.status_code, answer.json["retryable"] if answer.json else None) == (503, True)


def test_what_does_not_fit_in_the_store_is_our_mistake_and_its_content_is_not_logged(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    key_id = ApiKey.parse(api.keys[AccessRole.ADMIN]).key_id
    api.put(f"rateLimits/{key_id}_create_mesh", {"full_ms": "a secret"})
    answer = api.call("POST", "/v1/meshes", body={"mesh_id": "m1", "machine": "counter"})
    assert answer.status_code == 500
    assert "full_ms" in caplog.text
    assert "a secret" not in answer.text + caplog.text


def test_every_line_about_a_call_carries_its_id_and_its_trace(api: Api) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines("demo"))
    logging.getLogger("firemesh").addHandler(handler)
    try:
        traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        api.call("DELETE", "/v1/meshes/m1", AccessRole.WORKER, headers={"X-Request-Id": "mine", "traceparent": traceparent})
    finally:
        logging.getLogger("firemesh").removeHandler(handler)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [(line["severity"], line["request_id"]) for line in lines] == [("WARNING", "mine")]
    assert lines[0]["logging.googleapis.com/trace"] == "projects/demo/traces/0af7651916cd43dd8448eb211c80319c"


def test_our_own_mistake_is_told_without_its_details(api: Api) -> None:
    api.create()
    api.put("meshes/m1", {"secret": "broken"})
    answer = api.call("GET", "/v1/meshes/m1")
    assert answer.status_code == 500
    assert "broken" not in answer.text


@pytest.mark.parametrize("path", ["/v1/meshes", "/v1/nothing", "/__/health"])
def test_every_answer_has_a_request_id_and_is_not_cached(api: Api, path: str) -> None:
    answer = api.call("GET", path, headers={"X-Request-Id": "mine-1"})
    assert (answer.headers["X-Request-Id"], answer.headers["Cache-Control"]) == ("mine-1", "private, no-store")
    unfit = api.call("GET", path, headers={"X-Request-Id": "no good"})
    assert unfit.headers["X-Request-Id"] != "no good"


def test_the_health_probe_needs_no_key(api: Api) -> None:
    assert api.call("GET", "/__/health", "").status_code == 200
