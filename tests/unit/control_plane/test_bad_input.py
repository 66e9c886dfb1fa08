"""What does not fit is refused precisely, and leaves nothing behind."""

from typing import Any

import pytest

from firemesh.control_plane.http_request import BODY_BYTES_MAX
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
