"""An agent's sign of life and its own state, over REST."""

import time
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from firemesh.control_plane import routes
from firemesh.control_plane.gateway import ApiGateway
from firemesh.control_plane.rate_limit import RateLimiter
from firemesh.store.memory import ACK_LOST, LANDS
from firemesh.store.mesh_store import parse_beat
from tests.support.api import LOOP, Api
from tests.support.rest_agent import RestAgent


@pytest.fixture
def agent(api: Api) -> RestAgent:
    api.create()
    return RestAgent(api)


@pytest.fixture
def member(agent: RestAgent) -> RestAgent:
    agent.seat()
    return agent


def put(agent: RestAgent, values: Any, **conditions: str) -> TestResponse:
    headers = {name.replace("_", "-"): value for name, value in conditions.items()}
    return agent.call("PUT", "/state", {"values": values}, headers=headers)


def test_a_heartbeat_is_the_sign_of_life_of_the_agents_process(member: RestAgent) -> None:
    body = {"seq": 7, "interval_ms": 2000, "state": "late", "lateness": 1}
    assert member.call("PUT", "/heartbeat", body).json == {"seq": 7}
    beat = parse_beat(member.api.memory.documents()["meshes/m1/liveness/client-a1"])
    assert beat is not None
    assert (beat.process, beat.inc, beat.seq, beat.interval_ms) == ("client-a1", member.inc, 7, 2000)
    assert (beat.agents, beat.lateness) == ({"a1": "late"}, 1)
    shown = member.call("GET", "/heartbeat").json
    assert shown is not None
    assert (shown["inc"], shown["seq"], shown["interval_ms"], shown["lateness"]) == (member.inc, 7, 2000, 1)
    assert shown["read_ms"] >= shown["written_ms"] > 0


def test_a_heartbeat_costs_two_reads_and_one_write(member: RestAgent) -> None:
    member.api.memory.counts.clear()
    member.call("PUT", "/heartbeat", {"seq": 1, "interval_ms": 2000})
    billed = {(kind, what): count for (_, kind, what), count in member.api.memory.counts.items()}
    assert billed == {("apiKeys", "reads"): 1, ("agents", "reads"): 1, ("liveness", "writes"): 1}


@pytest.mark.parametrize(
    "change", [{"interval_ms": 249}, {"interval_ms": 300_001}, {"seq": -1}, {"state": "well"}, {"lateness": 9}, {"x": 1}]
)
def test_a_heartbeat_out_of_bounds_is_refused(member: RestAgent, change: Any) -> None:
    assert member.call("PUT", "/heartbeat", {"seq": 1, "interval_ms": 2000, **change}).status_code == 400
    assert "meshes/m1/liveness/client-a1" not in member.api.memory.documents()


def test_who_is_no_member_shows_no_life_and_keeps_no_state(agent: RestAgent) -> None:
    beat = {"seq": 1, "interval_ms": 2000}
    assert agent.call("PUT", "/heartbeat", beat).status_code == 404
    assert put(agent, {}, If_None_Match="*").status_code == 404
    agent.seat(inc="f" * 12)
    assert agent.call("PUT", "/heartbeat", beat).status_code == 409
    assert put(agent, {}, If_None_Match="*").status_code == 409
    assert agent.call("GET", "/state").status_code == 409
    assert agent.call("GET", "/heartbeat").status_code == 404


def test_a_state_goes_from_version_to_version(member: RestAgent) -> None:
    assert member.call("GET", "/state").status_code == 404
    first = put(member, {"mood": "calm"}, If_None_Match="*")
    assert (first.status_code, first.headers["ETag"]) == (200, '"1"')
    second = put(member, {"mood": "wary"}, If_Match=first.headers["ETag"])
    assert second.json == {"version": 2, "inc": member.inc, "values": {"mood": "wary"}}
    read = member.call("GET", "/state")
    assert (read.json, read.headers["ETag"]) == (second.json, '"2"')
    assert member.call("GET", "/state", headers={"If-None-Match": '"2"'}).status_code == 304


@pytest.mark.parametrize("conditions", [{"If_None_Match": "*"}, {"If_Match": '"1"'}, {"If_Match": '"3"'}])
def test_a_state_that_has_moved_is_not_written_over(member: RestAgent, conditions: dict[str, str]) -> None:
    put(member, {"n": 1}, If_None_Match="*")
    put(member, {"n": 2}, If_Match='"1"')
    refused = put(member, {"n": 3}, **conditions)
    assert refused.json is not None
    assert (refused.status_code, refused.json["error"]) == (412, "VersionMoved")
    kept = member.call("GET", "/state").json
    assert kept is not None
    assert kept["values"] == {"n": 2}


def test_a_state_that_is_not_there_has_no_version_to_match(member: RestAgent) -> None:
    assert put(member, {}, If_Match='"1"').status_code == 412


@pytest.mark.parametrize("conditions", [{}, {"If_Match": "1"}, {"If_Match": "*"}, {"If_Match": '"1"', "If_None_Match": "*"}])
def test_what_is_replaced_must_be_said(member: RestAgent, conditions: dict[str, str]) -> None:
    assert put(member, {}, **conditions).status_code == 400
    assert "meshes/m1/states/a1" not in member.api.memory.documents()


def test_after_a_lost_answer_the_state_shows_whether_it_was_written(member: RestAgent) -> None:
    member.api.faults.commit_fate = lambda writes: ACK_LOST if "/states/" in writes[0].path else LANDS
    assert put(member, {"n": 1}, If_None_Match="*").status_code == 504
    member.api.faults.commit_fate = lambda _: LANDS
    assert put(member, {"n": 1}, If_None_Match="*").status_code == 412
    found = member.call("GET", "/state").json
    assert found == {"version": 1, "inc": member.inc, "values": {"n": 1}}


def test_events_are_streamed_by_the_function_that_is_made_for_them_alone(member: RestAgent) -> None:
    gateway = ApiGateway(lambda: member.api.use_cases, LOOP.run, streams=True)
    routes.bind(gateway, RateLimiter(time.monotonic))
    answering, streaming = member.api.client, Client(gateway)
    headers = {"Authorization": f"Bearer {member.session}"}
    path = "/api/v1/meshes/m1/agents/a1"
    assert answering.get(path + "/events", headers=headers).status_code == 404
    assert streaming.get(path + "/state", headers=headers).status_code == 404
    answer = streaming.get(path + "/events", headers=headers)
    pieces = answer.iter_encoded()
    try:
        assert (answer.mimetype, answer.headers["Cache-Control"]) == ("text/event-stream", "private, no-store")
        assert next(pieces) == b"retry: 500\n\n"
        assert b"event: agent" in next(pieces)
    finally:
        answer.close()


def test_a_last_event_id_of_another_form_is_refused(member: RestAgent) -> None:
    gateway = ApiGateway(lambda: member.api.use_cases, LOOP.run, streams=True)
    routes.bind(gateway, RateLimiter(time.monotonic))
    headers = {"Authorization": f"Bearer {member.session}", "Last-Event-ID": "7"}
    assert Client(gateway).get("/v1/meshes/m1/agents/a1/events", headers=headers).status_code == 400
