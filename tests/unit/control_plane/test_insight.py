"""What an operator may see of a running mesh: a token to listen with, the log without contents, secrets by name alone."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from firemesh.control_plane.access import AccessRole, Operation
from firemesh.control_plane.insight_desk import LOG_LINES_MAX
from firemesh.core.messages import Command, Entry, Head
from firemesh.store import paths
from tests.support.api import LOOP, ROW, Api
from tests.support.secrecy import StoredGame

ACT = Command(agent_id="w1", inc="0" * 12, seq=2, kind="mafia.act", payload='{"target":"victim"}')
JOIN = Command(agent_id="w1", inc="0" * 12, seq=1, kind="mesh.join", payload='{"process":"p","type":"worker"}')


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    api.create()
    yield api
    LOOP.run(api.store.close())


def keep_log(api: Api, count: int, first: int = 1) -> None:
    for index in range(first, count + 1):
        batch = () if index == 1 else (JOIN, ACT)
        entry = Entry(
            **{"index": index, "term": 3, "prev_term": 3, "at_ms": 2000 + index, "batch": batch},
            nonce=f"m{index}/{'0' * 12}/7",
            state_hash="0" * 32,
            asked_ms=0 if index == 1 else 1000 + index,
        )
        api.put(paths.entry("m1", index), entry.model_dump(mode="json"))
    head = Head(term=3, leader="m1", leader_inc="0" * 12, first_index=first, last_index=count)
    api.put(paths.head("m1"), head.model_dump(mode="json"))


def lines(api: Api, query: str = "") -> list[dict[str, Any]]:
    answer = api.call("GET", f"/v1/meshes/m1/log{query}", AccessRole.OPERATOR)
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    shown: list[dict[str, Any]] = answer.json["lines"]
    return shown


@pytest.mark.parametrize("role", [AccessRole.ADMIN, AccessRole.OPERATOR])
def test_an_operators_token_names_the_mesh_its_role_and_its_key_and_no_agent(api: Api, role: AccessRole) -> None:
    answer = api.call("POST", "/v1/meshes/m1/watchers", role)
    assert answer.status_code == 201
    assert answer.json is not None
    claims = json.loads(answer.json["custom_token"])
    assert {name: claims[name] for name in ("mesh", "access_role")} == {"mesh": "m1", "access_role": role.value}
    assert claims["key"] in api.keys[role]
    assert claims.keys() == {"uid", "mesh", "access_role", "key"}
    assert ("watch_mesh", True) in api.trail("m1")


def test_nobody_listens_to_a_mesh_that_is_not_there(api: Api) -> None:
    assert api.call("POST", "/v1/meshes/m9/watchers").status_code == 404
    assert api.call("GET", "/v1/meshes/m9/log").status_code == 404
    assert api.call("GET", "/v1/meshes/m9/secrets", moderator(api)).status_code == 404


def test_an_operators_token_is_no_agents(api: Api) -> None:
    answer = api.call("POST", "/v1/meshes/m1/watchers", AccessRole.ADMIN)
    claims = {**json.loads((answer.json or {})["custom_token"]), "firebase": {"sign_in_provider": "custom"}, "exp": 4e9}
    assert api.call("GET", "/v1/meshes/m1", json.dumps(claims)).status_code == 401


def test_the_log_is_shown_without_what_players_do(api: Api) -> None:
    keep_log(api, 2)
    answer = api.call("GET", "/v1/meshes/m1/log", AccessRole.OPERATOR)
    assert not any(word in answer.text for word in ("victim", "mafia", "payload", "p1"))
    first, second = lines(api)
    assert (first["index"], first["commands"], first["asked_ms"], first["events"]) == (1, 0, 0, [])
    assert (second["term"], second["leader"], second["commands"]) == (3, "m2", 2)
    assert (second["asked_ms"], second["at_ms"]) == (1002, 2002)
    assert second["stored_ms"] > 0
    assert second["events"] == [{"kind": "mesh.join", "agent": "w1"}]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", range(3, 9)),
        ("?limit=2", range(7, 9)),
        ("?start=5&limit=2", range(5, 7)),
        ("?start=1", range(3, 9)),
        ("?start=9", range(0)),
    ],
)
def test_a_page_of_the_log_is_the_newest_or_begins_where_one_says_and_never_before_the_oldest(
    api: Api, query: str, shown: range
) -> None:
    keep_log(api, 8, first=3)
    assert [line["index"] for line in lines(api, query)] == list(shown)


def test_an_empty_log_has_no_lines(api: Api) -> None:
    assert lines(api) == []


@pytest.mark.parametrize("query", [f"?limit={LOG_LINES_MAX + 1}", "?limit=0", "?start=-1", "?since=3"])
def test_a_page_has_its_limits(api: Api, query: str) -> None:
    assert api.call("GET", f"/v1/meshes/m1/log{query}", AccessRole.OPERATOR).status_code == 400


# --- what players know ----------------------------------------------------------------------------------------------


def moderator(api: Api) -> str:
    body = {"role": "operator", "mesh": "*", "operations": [Operation.READ_SECRETS.value]}
    made = api.call("POST", "/v1/keys", AccessRole.ADMIN, body).json
    assert made is not None
    return str(made["key"])


@pytest.mark.parametrize("role", list(AccessRole))
def test_no_role_by_itself_sees_what_players_know_and_each_attempt_is_recorded(api: Api, role: AccessRole) -> None:
    api.put("meshes/m1/agents/w1", ROW)
    api.put("meshes/m1/views/agent_w1", {"view": {"you": {"role": "doctor"}}})
    answer = api.call("GET", "/v1/meshes/m1/secrets", role)
    assert answer.status_code == 403
    assert "doctor" not in answer.text
    assert ("read_secrets", False) in api.trail("m1")


def test_a_key_that_names_it_sees_what_every_player_knows_and_that_is_recorded() -> None:
    game = LOOP.run(played())
    api = Api()
    for path, fields in game.documents().items():
        api.put(f"meshes/m1/{path}".rstrip("/"), fields)
    answer = api.call("GET", "/v1/meshes/m1/secrets", moderator(api))
    assert answer.json is not None
    shown = answer.json["views"]
    assert shown == {agent: game.documents()[f"views/agent_{agent}"]["view"] for agent in game.members if agent in shown}
    assert [shown[agent]["you"]["role"] for agent in game.agents] == [
        seat.role_name for seat in sorted(game.game.state.seats, key=lambda seat: seat.agent_id)
    ]
    assert ("read_secrets", True) in api.trail("m1")


def test_what_programs_know_is_shown_as_well(api: Api) -> None:
    setup = {"seats": 5, "seed": 1, "programs": 4}
    assert api.call("POST", "/v1/meshes", body={"mesh_id": "m2", "machine": "mafia", "setup": setup}).status_code == 201
    answer = api.call("GET", "/v1/meshes/m2/secrets", moderator(api))
    assert answer.json is not None
    assert {program: view["you"]["id"] for program, view in answer.json["views"].items()} == {
        f"@{n}": f"@{n}" for n in range(1, 5)
    }


async def played() -> StoredGame:
    """A game in its first night or later, everybody dealt a role."""
    game = await StoredGame(1, 6).begin()
    while not all(seat.role_name for seat in game.game.state.seats) or len(game.game.state.seats) < 6:
        await game.step()
    return game


def test_an_operator_makes_nobody_a_moderator(api: Api) -> None:
    body = {"role": "operator", "mesh": "m1", "operations": [Operation.READ_SECRETS.value]}
    assert api.call("POST", "/v1/keys", AccessRole.OPERATOR, body).status_code == 403


def test_a_key_that_names_only_this_may_nothing_else(api: Api) -> None:
    assert api.call("GET", "/v1/meshes/m1", moderator(api)).status_code == 403
