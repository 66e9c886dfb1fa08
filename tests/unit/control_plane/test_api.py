"""The REST interface over a store in memory: every use case, every refusal, and what every answer carries."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from firemesh.background_loop import BackgroundLoop
from firemesh.control_plane import routes
from firemesh.control_plane.access import ANY_MESH, AccessRole
from firemesh.control_plane.api_key import ApiKey
from firemesh.control_plane.audit import AuditTrail, verify
from firemesh.control_plane.control_panel import ControlPanel
from firemesh.control_plane.gateway import BODY_BYTES_MAX, ApiGateway
from firemesh.control_plane.key_ring import KeyRequest, KeyRing
from firemesh.control_plane.rate_limit import RateLimiter
from firemesh.control_plane.use_cases import UseCases
from firemesh.core.health import Beat
from firemesh.core.params import DEFAULT
from firemesh.store.base import Put
from firemesh.store.memory import Faults, MemoryStore

LOOP = BackgroundLoop()
ROW = {
    **{"applied_index": 1, "agent": "w1", "inc": "0" * 12, "type": "worker", "process": "p", "environment": "cli"},
    **{"capabilities": [], "status": "alive", "since": 1},
}


async def mint(uid: str, claims: Mapping[str, str]) -> str:
    return json.dumps({"uid": uid, **claims})


class Api:
    """The gateway with one key per role: admin and operator for all meshes, the others for m1."""

    def __init__(self, per_second: float = 1000.0, burst: int = 1000) -> None:
        self.memory = MemoryStore()
        self.store = LOOP.run(self._client())
        self.ring = KeyRing(self.store, b"p" * 32, environment="test")
        self.panel = ControlPanel(self.store, self.ring, mint_token=mint)
        gateway = ApiGateway(lambda: UseCases(panel=self.panel), LOOP.run)
        routes.bind(gateway, RateLimiter(time.monotonic, per_second=per_second, burst=burst))
        self.client = Client(gateway)
        self.keys = {role: self.key(role) for role in AccessRole}

    async def _client(self) -> Any:
        return self.memory.client("api", Faults())

    def key(self, role: AccessRole, mesh: str = "") -> str:
        scope = mesh or (ANY_MESH if role in (AccessRole.ADMIN, AccessRole.OPERATOR) else "m1")
        return LOOP.run(self.ring.create(KeyRequest(role, mesh=scope))).text

    def call(
        self, method: str, path: str, key: str | AccessRole = AccessRole.ADMIN, body: Any = None, **options: Any
    ) -> TestResponse:
        presented = self.keys[key] if isinstance(key, AccessRole) else key
        headers = {"Authorization": f"Bearer {presented}"} if presented else {}
        if body is not None:
            options |= {"data": json.dumps(body), "content_type": "application/json"}
        return self.client.open(path, method=method, headers={**headers, **options.pop("headers", {})}, **options)

    def create(self, mesh_id: str = "m1") -> None:
        assert self.call("POST", "/v1/meshes", body={"mesh_id": mesh_id, "machine": "counter"}).status_code == 201

    def put(self, path: str, fields: Mapping[str, Any]) -> None:
        LOOP.run(self.store.commit([Put(path, fields)]))

    def trail(self, mesh_id: str) -> list[tuple[str, bool]]:
        records = LOOP.run(AuditTrail(self.store).read(mesh_id=mesh_id))
        assert verify(records) == 0
        return [(record.operation, record.allowed) for record in records]


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    yield api
    LOOP.run(api.store.close())


def test_a_mesh_is_created_listed_and_seen(api: Api) -> None:
    api.create("m1")
    api.create("m2")
    assert api.call("GET", "/v1/meshes").json == {"meshes": ["m1", "m2"], "next_start": ""}
    status = api.call("GET", "/v1/meshes/m1").json
    assert status is not None
    assert (status["machine"], status["leader"], status["members"]) == ("counter", "", {})


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


CREATE = ("POST", "/v1/meshes")


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        (*CREATE, {"data": "{", "content_type": "application/json"}, 400),
        (*CREATE, {"data": "[]", "content_type": "application/json"}, 400),
        (*CREATE, {"data": "{}", "content_type": "application/json"}, 400),
        (*CREATE, {"data": '{"mesh_id": "m1", "setup": {"x": NaN}}', "content_type": "application/json"}, 400),
        (*CREATE, {"data": b"\xff\xfe{", "content_type": "application/json"}, 400),
        (*CREATE, {"data": "[" * 60_000, "content_type": "application/json"}, 400),
        (*CREATE, {"data": "x=1", "content_type": "text/plain"}, 400),
        (*CREATE, {"data": b"x" * (BODY_BYTES_MAX + 1), "content_type": "application/json"}, 413),
        (*CREATE, {"body": {"mesh_id": "M1"}}, 400),
        (*CREATE, {"body": {"mesh_id": 1}}, 400),
        (*CREATE, {"body": {"mesh_id": "m1", "more": 1}}, 400),
        (*CREATE, {"body": {"mesh_id": "m1", "machine": "nothing"}}, 400),
        (*CREATE, {"body": {"mesh_id": "m1", "machine": "counter", "profile": "slow"}}, 400),
        (*CREATE, {"body": {"mesh_id": "m1", "setup": {"seats": 99, "seed": 1}}}, 400),
        ("GET", "/v1/meshes?limit=0", {}, 400),
        ("GET", "/v1/meshes?limit=x", {}, 400),
        ("GET", "/v1/meshes?start=../x", {}, 400),
        ("GET", "/v1/meshes?unknown=1", {}, 400),
        ("GET", "/v1/meshes/M1", {}, 400),
        ("GET", "/v1/meshes/" + "m" * 300, {}, 400),
        ("GET", "/v1/meshes/m9", {}, 404),
        ("GET", "/v1/meshes/m1%2Fx", {}, 404),
        ("GET", "/v1/nothing", {}, 404),
        ("PUT", "/v1/meshes", {}, 405),
    ],
)
def test_bad_input_gets_a_problem_document(api: Api, method: str, path: str, options: dict[str, Any], status: int) -> None:
    answer = api.call(method, path, **options)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    problem = answer.json
    assert problem is not None
    assert problem["status"] == status
    assert {"type", "title", "detail", "code", "request_id"} <= problem.keys()


def test_the_second_creation_of_a_mesh_is_a_conflict(api: Api) -> None:
    api.create()
    assert api.call(*CREATE, body={"mesh_id": "m1", "machine": "counter"}).status_code == 409


def test_who_asks_too_often_is_told_when_to_come_back() -> None:
    api = Api(per_second=0.1, burst=2)
    answers = [api.call("GET", "/v1/meshes") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 10
    assert api.call("GET", "/v1/meshes", AccessRole.OPERATOR).status_code == 200


def test_a_store_that_does_not_answer_is_said_to_be_unavailable(api: Api) -> None:
    LOOP.run(api.store.close())
    answer = api.call("GET", "/v1/meshes")
    assert (answer.status_code, answer.json["retryable"] if answer.json else None) == (503, True)


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
