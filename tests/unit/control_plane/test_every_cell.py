"""The permission table as the interfaces keep it: every route asked by every role, over REST and as a callable."""

import json
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import pytest
from flask import Request
from werkzeug.test import Client, EnvironBuilder

from firemesh.control_plane import agent_events, routes
from firemesh.control_plane.access import ANY_MESH, BY_NAME_ALONE, PERMISSIONS, PROJECT_WIDE, TAKING_PART, AccessRole
from firemesh.control_plane.callables import ControlCallable
from firemesh.control_plane.route import Route
from firemesh.control_plane.session_token import AgentClaims
from firemesh.errors import PermissionDenied
from tests.support.api import LOOP, ROW, Api

ROUTES = [route for route in routes.declared() if not route.is_stream]
INC = "0" * 12
KEY_ID = "0123456789ab"
PATH: Mapping[str, Any] = {"mesh_id": "m1", "agent_id": "w1", "audience": "topology", "key_id": KEY_ID, "seq": 1}
BODIES: Mapping[str, Mapping[str, Any]] = {
    "create_mesh": {"mesh_id": "m1", "machine": "counter"},
    "transfer_leadership": {"to": "w1"},
    "send_command": {"kind": "mesh.drain"},
    "join_mesh": {"agent_id": "w1"},
    "refresh_session": {"session": "none"},
    "write_heartbeat": {"seq": 1, "interval_ms": 1000},
    "submit_command": {"seq": 1, "kind": "counter.add"},
    "write_own_state": {"values": {}},
    "create_key": {"role": "observer", "mesh": "m1"},
    "open_game": {"seats": 5},
}
HEADERS: Mapping[str, Mapping[str, str]] = {"write_own_state": {"If-None-Match": "*"}}
"""What a call must bring to get as far as the guard; all others bring nothing."""


class House:
    """A mesh with a member, and who asks: with a key, or, where it takes one, with the session of the member."""

    def __init__(self) -> None:
        self.api = Api()
        self.api.create()
        self.api.put("meshes/m1/agents/w1", {**ROW, "inc": INC})
        self._callable = ControlCallable(
            ROUTES, lambda: self.api.use_cases, LOOP.run, authenticate=routes.authenticate, take=lambda _: None
        )

    def credential(self, role: AccessRole, route: Route) -> str:
        """Of this role, and narrowed by nothing but the role."""
        if route.operation in TAKING_PART:
            key_id = self.api.key(role, "m1").split("_")[2]
            claims = AgentClaims(mesh="m1", agent="w1", inc=INC, access_role=role, key=key_id)
            return self.api.sessions.issue(claims, now_ms=self.api.now_ns // 1_000_000)
        if route.operation in BY_NAME_ALONE & PERMISSIONS[role]:
            wanted = {"role": role, "mesh": "m1", "operations": [route.operation]}
            return str((self.api.call("POST", "/v1/keys", AccessRole.ADMIN, wanted).json or {})["key"])
        return self.api.key(role, ANY_MESH if route.operation in PROJECT_WIDE and role is AccessRole.ADMIN else "m1")

    def kept(self) -> Mapping[str, Any]:
        """All that is stored, but for what was decided and when a key was used."""
        documents = self.api.memory.documents().items()
        return {path: each.fields for path, each in documents if "audit/" not in path and not path.startswith("apiKeys/")}

    def over_rest(self, route: Route, credential: str) -> Mapping[str, Any]:
        """The problem document; empty when there is none."""
        body = BODIES.get(route.name, {}) if route.method in ("POST", "PUT") else None
        path = "/v1" + route.template.format(**PATH)
        answer = self.api.call(route.method, path, credential, body, headers=HEADERS.get(route.name, {}))
        return {} if answer.status_code < 400 else answer.json or {}

    def called(self, route: Route, credential: str) -> Mapping[str, Any]:
        """The same as a callable."""
        arguments = {**BODIES.get(route.name, {}), **{name: PATH[name] for name in route.parameters}}
        data = {"operation": route.name, "arguments": arguments, "headers": HEADERS.get(route.name, {})}
        headers = {"Authorization": f"Bearer {credential}"}
        environ = EnvironBuilder("/control", method="POST", json={"data": data}, headers=headers).get_environ()
        answer = json.loads(self._callable.answer(Request(environ)).get_data())
        details: Mapping[str, Any] = answer.get("error", {}).get("details", {})
        return details


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    LOOP.run(house.api.store.close())


def is_denial(problem: Mapping[str, Any]) -> bool:
    return problem.get("error") == PermissionDenied.__name__


def cell_ids(each: Any) -> str:
    return each.name if isinstance(each, Route) else str(each)


@pytest.mark.parametrize("route", ROUTES, ids=cell_ids)
def test_whom_the_table_denies_an_operation_both_interfaces_deny_it_and_nothing_is_changed(house: House, route: Route) -> None:
    for role in (role for role in AccessRole if route.operation not in PERMISSIONS[role]):
        credential = house.credential(role, route)
        before = house.kept()
        for ask in (house.over_rest, house.called):
            problem = ask(route, credential)
            assert is_denial(problem), (role, problem)
            assert problem["detail"].endswith(f"may not {route.operation}: ROLE")
        assert house.kept() == before


ALLOWED = [(route, role) for route, role in product(ROUTES, AccessRole) if route.operation in PERMISSIONS[role]]


@pytest.mark.parametrize(("route", "role"), ALLOWED, ids=cell_ids)
def test_whom_the_table_allows_an_operation_neither_interface_denies_it(house: House, route: Route, role: AccessRole) -> None:
    credential = house.credential(role, route)
    for ask in (house.over_rest, house.called):
        problem = ask(route, credential)
        assert not is_denial(problem), problem


@pytest.mark.parametrize("role", AccessRole)
def test_a_stream_opens_for_whom_the_table_allows_it_and_for_nobody_else(
    house: House, role: AccessRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_events, "STREAM_SECONDS_MAX", 0.0)
    (stream,) = (route for route in routes.declared() if route.is_stream)
    headers = {"Authorization": f"Bearer {house.credential(role, stream)}"}
    answer = Client(house.api.of_streams()).get("/v1" + stream.template.format(**PATH), headers=headers)
    assert answer.status_code == (200 if stream.operation in PERMISSIONS[role] else 403)
    assert ("event: end" in answer.text) is (answer.status_code == 200)


def test_every_operation_of_the_table_has_a_route() -> None:
    assert {route.operation for route in routes.declared()} == {each for row in PERMISSIONS.values() for each in row}
