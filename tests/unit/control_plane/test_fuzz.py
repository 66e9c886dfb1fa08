"""Every operation of the REST interface, called with what its OpenAPI document allows and forbids, by everybody.

Whatever comes in: the answer is one that the document names, it is no failure of ours, it and the log tell no secret,
and a refused call leaves the store as it was.
"""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from firemesh.control_plane import agent_events, routes
from firemesh.control_plane.access import PERMISSIONS, TAKING_PART, AccessRole
from firemesh.control_plane.api_key import ApiKey
from firemesh.control_plane.openapi import describe
from firemesh.control_plane.route import Route
from tests.support.api import LOOP, PEPPER, ROW, Api

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
BOOKKEEPING = ("apiKeys/", "audit/", "rateLimits/")
"""What a refused call may write: that it was denied, that it was counted, that a key was used."""

FITTING: Mapping[str, Mapping[str, Any]] = {
    "create_mesh": {"machine": "counter", "setup": {}, "profile": "test"},
    "submit_command": {"seq": 3, "kind": "counter.add"},
}
"""Of bodies that the document allows, what chance would never find."""

FITTING_HEADERS: Mapping[str, Mapping[str, str]] = {"write_own_state": {"If-Match": '"1"'}, "terminate_agent": {}}

CARRIERS = ("authorization", "x-api-key")
FORGED = "mesh_test_000000000000_" + "A" * 43 + "_00000000"
SCHEMA = schemathesis.openapi.from_dict(describe(routes.declared()))
OPERATIONS = {each.ok().definition.raw["operationId"]: each.ok() for each in SCHEMA.get_all_operations()}
ROUTES = {route.name: route for route in routes.declared()}

fuzzed = settings(max_examples=24, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))


class Lines(logging.Handler):
    """All that is logged, as it would be read."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record) + "\n"


class Surroundings:
    """A mesh with one agent that has a session, and who may come to the door.

    `known` is what is there, so that not every call ends at a mesh that is not.
    """

    def __init__(self) -> None:
        self.api = Api()
        self.api.create()
        admission = self.api.call("POST", "/v1/meshes/m1/agents", AccessRole.WORKER, {"agent_id": "w1"}).json
        assert admission is not None
        self.api.put("meshes/m1/agents/w1", {**ROW, "inc": admission["inc"], "process": admission["process"]})
        foreign = self.api.key(AccessRole.WORKER, "m2")
        self.known = {
            "mesh_id": "m1",
            "agent_id": "w1",
            "seq": 2,
            "key_id": ApiKey.parse(foreign).key_id,
            "audience": "topology",
        }
        self.credentials = {**self.api.keys, "session": admission["session"], "foreign": foreign, "forged": FORGED, "none": ""}
        whole = (admission["session"], admission["custom_token"], PEPPER.decode())
        self.secrets = (*whole, *(key.split("_", 3)[3] for key in (*self.api.keys.values(), foreign)))
        self._act("PUT", "heartbeat", {"seq": 1, "interval_ms": 60_000})
        self._act("POST", "commands", {"seq": 2, "kind": "counter.add"})
        self._act("PUT", "state", {"values": {}}, {"If-None-Match": "*"})

    def _act(self, method: str, what: str, body: Any, headers: Mapping[str, str] | None = None) -> None:
        path = f"/v1/meshes/m1/agents/w1/{what}"
        answer = self.api.call(method, path, self.credentials["session"], body, headers=headers or {})
        assert answer.status_code < 300, answer.text

    def caller_who_may(self, route: Route) -> str:
        if route.operation in TAKING_PART:
            return "session"
        return next(role for role in AccessRole if route.operation in PERMISSIONS[role])

    def kept(self) -> Mapping[str, Any]:
        documents = self.api.memory.documents().items()
        return {
            path: document.fields for path, document in documents if not path.startswith(BOOKKEEPING) and "/audit/" not in path
        }


@pytest.fixture
def surroundings() -> Iterator[Surroundings]:
    surroundings = Surroundings()
    yield surroundings
    LOOP.run(surroundings.api.store.close())


@pytest.fixture(autouse=True)
def short_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream begins and ends at once: what it shows in between has tests of its own."""
    monkeypatch.setattr(agent_events, "STREAM_SECONDS_MAX", 0.0)


@pytest.fixture
def lines() -> Iterator[Lines]:
    lines = Lines()
    logger = logging.getLogger("firemesh")
    logger.addHandler(lines)
    yield lines
    logger.removeHandler(lines)


@pytest.mark.parametrize("name", ROUTES)
def test_no_call_breaks_tells_or_half_does_anything(name: str, surroundings: Surroundings, lines: Lines) -> None:
    operation = OPERATIONS[name]
    modes = {mode: operation.as_strategy(generation_mode=mode) for mode in GenerationMode}
    application = surroundings.api.of_streams() if ROUTES[name].is_stream else surroundings.api.gateway
    # OpenAPI 3.1 knows an event stream as a text alone; schemathesis would hold each event against that.
    checks = [check for check in CHECKS if not ROUTES[name].is_stream or check is not response_schema_conformance]
    rightful = surroundings.caller_who_may(ROUTES[name])
    known = surroundings.known
    everybody = sorted(surroundings.credentials)
    callers = st.sampled_from([*everybody, *[rightful] * len(everybody)])

    @fuzzed
    @given(data=st.data(), mode=st.sampled_from(list(modes)), caller=callers, fitting=st.sampled_from([True, True, False]))
    def call(data: st.DataObject, mode: GenerationMode, caller: str, fitting: bool) -> None:
        case = data.draw(modes[mode])
        if fitting:
            case.path_parameters = {key: known.get(key, text) for key, text in (case.path_parameters or {}).items()}
        if fitting and mode is GenerationMode.POSITIVE and name in FITTING:
            case.body = {**case.body, **FITTING[name]}
        if fitting and mode is GenerationMode.POSITIVE:
            case.headers = FITTING_HEADERS.get(name, case.headers)
        case.headers = {key: text for key, text in (case.headers or {}).items() if key.lower() not in CARRIERS}
        credential = surroundings.credentials[caller]
        before = surroundings.kept()
        surroundings.api.now_ns += 30 * 10**9  # so that no quota runs out
        headers = {"Authorization": f"Bearer {credential}"} if credential else {}
        response = case.call(app=application, headers=headers)
        case.validate_response(response, checks=checks)
        if response.status_code >= 400:
            assert surroundings.kept() == before
        else:
            assert caller not in ("foreign", "forged", "none")
        assert [secret for secret in surroundings.secrets if secret in response.text] == []

    call()
    assert [secret for secret in surroundings.secrets if secret in lines.text] == []
