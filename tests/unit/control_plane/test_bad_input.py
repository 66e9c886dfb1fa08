"""What does not fit is refused precisely, and leaves nothing behind."""

import io
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import pytest
from flask import Request
from werkzeug.test import Client

from firemesh.control_plane import routes
from firemesh.control_plane.access import AccessRole
from firemesh.control_plane.api_key import ApiKey
from firemesh.control_plane.http_request import BODY_BYTES_MAX, buffered
from firemesh.control_plane.route import Route
from tests.support.api import Api

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
        (*CREATE, {"data": "x=1", "content_type": "text/plain"}, 415),
        (*CREATE, {"data": b"x" * (BODY_BYTES_MAX + 1), "content_type": "application/json"}, 413),
        (*CREATE, {"body": {"mesh_id": "M1"}}, 400),
        (*CREATE, {"body": {"mesh_id": 1}}, 400),
        (*CREATE, {"body": {"mesh_id": "m1", "more": 1}}, 400),
        (*CREATE, {"body": {"mesh_id": "m1", "machine": "nothing"}}, 400),
        (*CREATE, {"body": {"mesh_id": "m1", "machine": "counter", "profile": "slow"}}, 400),
        (*CREATE, {"body": {"mesh_id": "m1", "machine": "counter", "hosting": "nobody"}}, 400),
        (*CREATE, {"body": {"mesh_id": "m1", "setup": {"seats": 99, "seed": 1}}}, 400),
        (*CREATE, {"data": '{"mesh_id": "m1", "machine": "\\ud800"}', "content_type": "application/json"}, 400),
        (*CREATE, {"data": '{"mesh_id": "m1"}'.encode("utf-16"), "content_type": "application/json"}, 400),
        (*CREATE, {"body": {"mesh_id": "m1\n"}}, 400),
        (*CREATE, {"body": {"mesh_id": "ｍ1"}}, 400),
        ("DELETE", "/v1/meshes/m1/agents/a1", {"body": {"more": 1}}, 400),
        ("GET", "/v1/meshes?limit=0", {}, 400),
        ("GET", "/v1/meshes?limit=1&limit=2", {}, 400),
        ("GET", "/v1/meshes?limit=x", {}, 400),
        ("GET", "/v1/meshes?start=../x", {}, 400),
        ("GET", "/v1/meshes?unknown=1", {}, 400),
        ("GET", "/v1/meshes/M1", {}, 400),
        ("GET", "/v1/meshes/" + "m" * 300, {}, 400),
        ("GET", "/v1/meshes/m9", {}, 404),
        ("GET", "/v1/meshes/m1%2Fx", {}, 404),
        ("GET", "/v1/meshes/%2e%2e", {}, 400),
        ("GET", "/v1/meshes/..%2Fm1", {}, 404),
        ("GET", "/v1/meshes/m1%00", {}, 400),
        ("GET", "/v1/meshes/m1%0A", {}, 400),
        ("GET", "/v1/meshes/%EF%BD%8D1", {}, 400),
        ("GET", "/v1/meshes/%FF%FE", {}, 400),
        ("GET", "//v1//meshes", {}, 404),
        ("GET", "/v1/meshes/__x__", {}, 400),
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
    assert (problem["type"], problem["title"]) == ("about:blank", HTTPStatus(status).phrase)


def test_a_parameter_of_the_path_that_does_not_fit_is_named(api: Api) -> None:
    assert (api.call("GET", "/v1/keys/nonsense").json or {})["detail"].startswith("key_id: ")
    assert (api.call("GET", "/v1/meshes/m1/agents/A1").json or {})["detail"].startswith("agent_id: ")


def test_a_method_that_is_not_there_is_answered_with_those_that_are(api: Api) -> None:
    assert api.call("PUT", "/v1/meshes").headers["Allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize("excess", [0, 1, 100_000])
def test_a_body_of_undeclared_length_is_taken_whole_or_refused(api: Api, excess: int) -> None:
    function = Client(lambda environ, start: api.gateway(buffered(Request(environ)), start))
    body = b'{"mesh_id": "m1", "machine": "counter"}'.ljust(BODY_BYTES_MAX + excess)
    answer = function.post(
        "/v1/meshes",
        input_stream=io.BytesIO(body),
        content_type="application/json",
        headers={"X-API-Key": api.keys[AccessRole.ADMIN]},
        environ_overrides={"CONTENT_LENGTH": "", "wsgi.input_terminated": True},
    )
    assert answer.status_code == (413 if excess else 201)
    assert ("meshes/m1" in api.memory.documents()) is (excess == 0)


def refused_key(api: Api, key: str) -> str:
    """Why a key is refused; nothing must come of it."""
    before = api.memory.documents()
    answer = api.call(*CREATE, key, {"mesh_id": "m1", "machine": "counter"})
    assert answer.status_code == 401
    assert api.memory.documents() == before
    assert answer.json is not None
    assert key.split("_", 3)[3] not in answer.text
    return str(answer.json["detail"])


def test_a_forged_key_opens_nothing_and_tells_no_more_than_an_unknown_one(api: Api) -> None:
    real = ApiKey.parse(api.keys[AccessRole.ADMIN])
    forged = replace(real, secret="A" * 43)
    elsewhere = replace(real, environment="prod")
    unknown = ApiKey.new("test")
    assert {refused_key(api, key.text) for key in (forged, elsewhere, unknown)} == {"no such API key"}


def test_an_expired_key_opens_nothing(api: Api) -> None:
    api.now_ns += 91 * 24 * 3600 * 10**9
    assert "expired" in refused_key(api, api.keys[AccessRole.ADMIN])


LOOKED_AT = [route for route in routes.declared() if "mesh_id" in route.parameters and route.method in ("GET", "DELETE")]


@pytest.mark.parametrize("route", [route for route in LOOKED_AT if not route.is_stream], ids=lambda route: route.name)
@pytest.mark.parametrize("role", AccessRole)
def test_a_key_of_another_mesh_opens_nothing_and_does_not_learn_what_is_there(api: Api, role: AccessRole, route: Route) -> None:
    api.create()
    key = api.key(role, "m2")
    names = {"mesh_id": "m1", "agent_id": "a1", "seq": 1, "audience": "topology"}
    there = api.call(route.method, "/v1" + route.template.format(**names), key)
    missing = api.call(route.method, "/v1" + route.template.format(**{**names, "mesh_id": "m9"}), key)
    assert (there.status_code, missing.status_code) == (403, 403)
    assert there.json is not None
    assert missing.json is not None
    assert there.json["detail"] == missing.json["detail"]
