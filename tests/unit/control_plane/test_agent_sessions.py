"""Who shows a session: let in while run, key and token last, and not a call longer."""

import json
from typing import Any

import pytest

from firemesh.control_plane import session_token
from firemesh.control_plane.access import AccessRole
from firemesh.control_plane.session_token import AgentClaims
from tests.support.api import LOOP, PEPPER, Api
from tests.support.rest_agent import RestAgent

BEAT = {"seq": 1, "interval_ms": 2000}


@pytest.fixture
def agent(api: Api) -> RestAgent:
    api.create()
    return RestAgent(api)


def key_of(agent: RestAgent) -> str:
    return agent.api.keys[AccessRole.WORKER]


def claims_of(agent: RestAgent) -> AgentClaims:
    given = session_token.parse(agent.session, PEPPER)
    return AgentClaims(**given.model_dump(include=set(AgentClaims.model_fields)))


def test_an_admission_brings_a_session_for_its_incarnation(agent: RestAgent) -> None:
    claims = claims_of(agent)
    assert (claims.mesh, claims.agent, claims.inc, claims.type) == ("m1", "a1", agent.inc, "worker")
    assert key_of(agent).split("_")[2] == claims.key


@pytest.mark.parametrize("status", ["left", "dead"])
def test_a_run_that_has_ended_is_out_with_its_next_call(agent: RestAgent, status: str) -> None:
    agent.seat()
    assert agent.call("PUT", "/heartbeat", BEAT).status_code == 200
    agent.seat(status)
    refused = agent.call("PUT", "/heartbeat", BEAT)
    assert refused.json is not None
    assert (refused.status_code, refused.json["error"]) == (401, "IncarnationEnded")
    assert refused.json["detail"].endswith("it needs a new admission")


def test_a_revoked_key_ends_the_sessions_of_its_agents_with_their_next_call(agent: RestAgent) -> None:
    agent.seat()
    LOOP.run(agent.api.ring.revoke(key_of(agent).split("_")[2]))
    refused = agent.call("PUT", "/heartbeat", BEAT)
    assert refused.json is not None
    assert (refused.status_code, refused.json["error"]) == (401, "Unauthenticated")
    assert "revoked" in refused.json["detail"]


def test_a_token_lasts_an_hour_and_is_refreshed_with_the_key(agent: RestAgent) -> None:
    agent.seat()
    agent.session = session_token.issue(claims_of(agent), PEPPER, now_ms=1)
    assert agent.call("PUT", "/heartbeat", BEAT).status_code == 401
    path = "/v1/meshes/m1/agents/a1/session"
    renewed = agent.api.call("POST", path, AccessRole.WORKER, {"session": agent.session}).json
    assert renewed is not None
    agent.session = renewed["session"]
    assert agent.call("PUT", "/heartbeat", BEAT).status_code == 200


def test_neither_token_nor_key_alone_refreshes_a_session(agent: RestAgent) -> None:
    path = "/v1/meshes/m1/agents/a1/session"
    assert agent.call("POST", "/session", {"session": agent.session}).status_code == 403
    forged = agent.session[:-1] + ("0" if agent.session[-1] != "0" else "1")
    assert agent.api.call("POST", path, AccessRole.WORKER, {"session": forged}).status_code == 401
    other_key = agent.api.key(AccessRole.WORKER)
    assert agent.api.call("POST", path, other_key, {"session": agent.session}).status_code == 403


def test_a_session_of_one_agent_refreshes_no_other(agent: RestAgent) -> None:
    other = RestAgent(agent.api, "a2")
    path = "/v1/meshes/m1/agents/a1/session"
    assert agent.api.call("POST", path, AccessRole.WORKER, {"session": other.session}).status_code == 403


def test_an_ended_run_is_not_refreshed(agent: RestAgent) -> None:
    agent.seat("dead")
    path = "/v1/meshes/m1/agents/a1/session"
    refused = agent.api.call("POST", path, AccessRole.WORKER, {"session": agent.session})
    assert refused.json is not None
    assert refused.json["error"] == "IncarnationEnded"


def test_a_session_speaks_for_its_own_agent_in_its_own_mesh_alone(agent: RestAgent) -> None:
    agent.seat()
    agent.api.create("m2")
    assert agent.call("PUT", "/heartbeat", BEAT, agent="a2").status_code == 403
    assert agent.call("PUT", "/heartbeat", BEAT, mesh="m2").status_code == 403
    assert ("write_heartbeat", False) in agent.api.trail("m1")


def test_a_key_alone_is_no_agent_and_a_session_is_no_key(agent: RestAgent) -> None:
    agent.seat()
    assert agent.api.call("PUT", "/v1/meshes/m1/agents/a1/heartbeat", AccessRole.WORKER, BEAT).status_code == 403
    joins = agent.api.call("POST", "/v1/meshes/m1/agents", agent.session, {"agent_id": "a3"})
    assert joins.status_code == 403


def test_what_an_agent_does_is_not_written_to_the_trail(agent: RestAgent) -> None:
    agent.seat()
    before = agent.api.trail("m1")
    agent.call("PUT", "/heartbeat", BEAT)
    agent.join()
    assert agent.api.trail("m1") == before


def id_token(of: RestAgent, /, **changes: Any) -> str:
    signed_in = {"firebase": {"sign_in_provider": "custom"}, "exp": 10**10}
    return json.dumps({**claims_of(of).model_dump(mode="json"), **signed_in, **changes})


def test_an_id_token_is_as_good_as_a_session(agent: RestAgent) -> None:
    agent.seat()
    agent.session = id_token(agent)
    assert agent.call("PUT", "/heartbeat", BEAT).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"firebase": {"sign_in_provider": "anonymous"}},
        {"firebase": None},
        {"agent": 1},
        {"key": "0" * 12},
        {"inc": ""},
    ],
)
def test_an_id_token_that_is_too_old_or_not_ours_is_refused(agent: RestAgent, changes: Any) -> None:
    agent.seat()
    agent.session = id_token(agent, **changes)
    assert agent.call("PUT", "/heartbeat", BEAT).status_code == 401


def test_no_token_appears_in_the_log(agent: RestAgent, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "firemesh"):
        agent.seat()
        agent.call("PUT", "/heartbeat", BEAT)
        agent.call("PUT", "/heartbeat", BEAT, agent="a2")
        agent.session = agent.session[:-1]
        agent.call("PUT", "/heartbeat", BEAT)
    assert caplog.text.count("access decision") == 3
    assert agent.session not in caplog.text
