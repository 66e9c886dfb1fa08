"""The callable: the same operations, the same answers, in the form that Firebase's client for browsers expects."""

import json
import logging
from typing import Any

import pytest
from flask import Request, Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from firemesh.control_plane import routes
from firemesh.control_plane.access import AccessRole
from firemesh.control_plane.callables import ControlCallable
from firemesh.control_plane.http_request import BODY_BYTES_MAX
from firemesh.control_plane.rate_limit import RateLimiter
from firemesh.errors import Code
from tests.support.api import LOOP, ROW, Api

CLAIMS = {"mesh": "m1", "agent": "w1", "type": "worker", "access_role": "worker"}


class Browser:
    """Calls as `httpsCallable` does."""

    def __init__(self, api: Api, burst: int = 1000) -> None:
        self.api = api
        limiter = RateLimiter(lambda: 0.0, burst=burst)
        self.callable = ControlCallable(
            routes.declared(), lambda: api.use_cases, LOOP.run, authenticate=routes.authenticate, take=limiter.take
        )

    def send(self, **options: Any) -> Response:
        return self.callable.answer(Request(EnvironBuilder("/control", **options).get_environ()))

    def call(self, operation: str, token: str = "", **data: Any) -> Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.send(method="POST", json={"data": {"operation": operation, **data}}, headers=headers)

    def result(self, operation: str, token: str = "", **data: Any) -> Any:
        answer = self.call(operation, token, **data)
        assert (answer.status_code, answer.json.keys() if answer.json else ()) == (200, {"result"}), answer.get_data(
            as_text=True
        )
        return answer.json["result"]  # type: ignore[index]

    def error(self, operation: str, token: str = "", **data: Any) -> Any:
        answer = self.call(operation, token, **data)
        assert answer.json is not None
        assert answer.json.keys() == {"error"}
        return answer.json["error"]


@pytest.fixture
def browser(api: Api) -> Browser:
    return Browser(api)


def test_a_key_in_the_data_may_do_what_it_may_over_rest(browser: Browser) -> None:
    admin = browser.api.keys[AccessRole.ADMIN]
    made = browser.result("create_mesh", arguments={"mesh_id": "m1", "machine": "counter"}, api_key=admin)
    assert made == {"mesh_id": "m1"}
    assert browser.result("list_meshes", arguments={"limit": 1}, api_key=admin) == {"meshes": ["m1"], "next_start": ""}
    assert browser.result("get_mesh_status", arguments={"mesh_id": "m1"}, api_key=admin)["machine"] == "counter"


def test_who_joined_and_signed_in_acts_by_its_token_as_long_as_it_lives(browser: Browser) -> None:
    browser.api.create()
    worker = browser.api.keys[AccessRole.WORKER]
    joined = browser.result("join_mesh", arguments={"mesh_id": "m1", "agent_id": "w1"}, api_key=worker)
    row = {**ROW, "inc": joined["inc"], "process": joined["process"]}
    browser.api.put("meshes/m1/agents/w1", row)
    sign_in = {"exp": 2**40, "firebase": {"sign_in_provider": "custom"}, "key": worker.split("_")[2]}
    token = json.dumps({**CLAIMS, "inc": joined["inc"], **sign_in})
    arguments = {"mesh_id": "m1", "agent_id": "w1"}
    assert browser.result("get_agent_status", token, arguments=arguments)["status"] == "alive"
    browser.api.put("meshes/m1/agents/w1", {**row, "status": "dead"})
    assert browser.error("get_agent_status", token, arguments=arguments)["status"] == "UNAUTHENTICATED"


def test_a_denial_is_the_same_as_over_rest(browser: Browser) -> None:
    observer = browser.api.keys[AccessRole.OBSERVER]
    error = browser.error("create_mesh", arguments={"mesh_id": "m1"}, api_key=observer)
    assert (error["status"], error["details"]["error"]) == ("PERMISSION_DENIED", "PermissionDenied")
    assert browser.api.trail("m1") == [("create_mesh", False)]


def test_the_headers_of_rest_have_a_place_in_the_data(browser: Browser) -> None:
    admin = browser.api.keys[AccessRole.ADMIN]
    asked = {"arguments": {"mesh_id": "m1", "machine": "counter"}, "api_key": admin}
    for _ in range(2):
        assert browser.result("create_mesh", **asked, headers={"idempotency-key": "k"}) == {"mesh_id": "m1"}
    assert browser.error("create_mesh", **asked)["status"] == "ALREADY_EXISTS"
    assert browser.error("create_mesh", **asked, headers={"If-Match": '"1"'})["status"] == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    "data",
    [
        {"operation": "nothing"},
        {"operation": "receive_events", "arguments": {"mesh_id": "m1", "agent_id": "a"}},
        {"operation": "get_mesh_status"},
        {"operation": "get_mesh_status", "arguments": {"mesh_id": 1}},
        {"operation": "get_mesh_status", "arguments": {"mesh_id": "../m2"}},
        {"operation": "get_mesh_status", "arguments": {"mesh_id": "m1", "more": 1}},
        {"operation": "list_meshes", "arguments": {"limit": 0}},
        {"operation": "create_mesh", "arguments": {"mesh_id": "m1", "setup": [1]}},
        {"operation": "list_meshes", "more": 1},
        {"arguments": {}},
    ],
)
def test_what_does_not_fit_is_an_invalid_argument(browser: Browser, data: Any) -> None:
    answer = browser.send(method="POST", json={"data": {"api_key": browser.api.keys[AccessRole.ADMIN], **data}})
    assert answer.json is not None
    assert (answer.status_code, answer.json["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"method": "GET"}, 405),
        ({"method": "POST"}, 400),
        ({"method": "POST", "data": "{", "content_type": "application/json"}, 400),
        ({"method": "POST", "data": "[" * 60_000, "content_type": "application/json"}, 400),
        ({"method": "POST", "json": {"data": None}}, 400),
        ({"method": "POST", "json": {"data": {"operation": "list_meshes"}, "api_key": "a secret"}}, 400),
        ({"method": "POST", "data": "{}", "content_type": "text/plain"}, 415),
        ({"method": "POST", "data": b"x" * (BODY_BYTES_MAX + 1), "content_type": "application/json"}, 413),
        ({"method": "POST", "json": {"data": {"operation": "list_meshes"}}}, 401),
        ({"method": "POST", "json": {"data": {"operation": "list_meshes"}}, "headers": {"Authorization": "Basic x"}}, 401),
    ],
)
def test_what_is_no_call_is_refused_in_the_protocol_and_not_repeated(
    browser: Browser, options: dict[str, Any], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = browser.send(**options)
    assert answer.status_code == status
    assert answer.json is not None
    assert answer.json["error"]["status"] in {code.value.upper().replace("-", "_") for code in Code}
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.json["error"]["details"]["request_id"] == answer.headers["X-Request-Id"]
    assert "a secret" not in answer.get_data(as_text=True) + caplog.text


def test_a_call_of_undeclared_length_is_not_cut_to_what_fits(browser: Browser) -> None:
    call = {"data": {"operation": "list_meshes", "api_key": browser.api.keys[AccessRole.ADMIN]}}
    options = {"method": "POST", "content_type": "application/json"}
    for size, status in ((BODY_BYTES_MAX, 200), (BODY_BYTES_MAX + 1, 413)):
        environ = EnvironBuilder("/control", data=json.dumps(call).ljust(size), **options).get_environ()
        del environ["CONTENT_LENGTH"]
        environ["wsgi.input_terminated"] = True
        assert browser.callable.answer(Request(environ)).status_code == status


def test_who_calls_too_often_is_told_when_to_come_back(api: Api) -> None:
    browser = Browser(api, burst=1)
    browser.result("list_meshes", api_key=api.keys[AccessRole.ADMIN])
    error = browser.error("list_meshes", api_key=api.keys[AccessRole.ADMIN])
    assert (error["status"], error["details"]["retry_after_seconds"]) == ("RESOURCE_EXHAUSTED", 1)


def test_who_signs_in_again_and_again_calls_no_more_often(api: Api) -> None:
    api.create()
    browser = Browser(api, burst=2)
    sign_in = {"inc": "0" * 12, "firebase": {"sign_in_provider": "custom"}, "key": api.keys[AccessRole.WORKER].split("_")[2]}
    tokens = [json.dumps({**CLAIMS, **sign_in, "exp": 2**40 + number}) for number in range(3)]
    answers = [browser.call("get_mesh_status", token, arguments={"mesh_id": "m1"}) for token in tokens]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_our_own_mistake_is_told_without_its_details(browser: Browser) -> None:
    browser.api.put("meshes/m1", {"secret": "broken"})
    error = browser.error("get_mesh_status", arguments={"mesh_id": "m1"}, api_key=browser.api.keys[AccessRole.ADMIN])
    assert error["status"] == "INTERNAL"
    assert "broken" not in json.dumps(error)


def test_every_operation_but_the_streams_can_be_called(browser: Browser) -> None:
    for route in routes.declared():
        error = browser.error(route.name, api_key="mesh_x")
        assert error["status"] == "UNAUTHENTICATED"


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), containers, max_leaves=8)
NAMES = sorted({name for route in routes.declared() for name in (*route.parameters, *route.query.model_fields)} | {"setup"})


def test_no_arguments_break_an_operation(browser: Browser) -> None:
    admin = browser.api.keys[AccessRole.ADMIN]
    operations = st.sampled_from([route.name for route in routes.declared()])
    named = st.dictionaries(st.sampled_from(NAMES), JSON | st.just("m1"), max_size=4)

    @settings(max_examples=150, derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(operation=operations, arguments=named)
    def call(operation: str, arguments: dict[str, Any]) -> None:
        data = {"operation": operation, "arguments": arguments, "api_key": admin}
        answer = browser.send(method="POST", data=json.dumps({"data": data}), content_type="application/json")
        assert answer.status_code < 500
        assert answer.json is not None
        assert answer.json.keys() in ({"result"}, {"error"})

    call()
