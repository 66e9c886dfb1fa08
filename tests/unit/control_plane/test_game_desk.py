"""Guests open games, take seats and watch: with the public key, within its bounds, and not a step further."""

import json
from typing import Any

import pytest

from firemesh.control_plane.access import AccessRole
from firemesh.control_plane.game_desk import SEAT_KEY_DAYS, seat_key_id
from firemesh.control_plane.key_ring import LAST_USE_MS
from tests.support.api import LOOP, Api

GUEST = AccessRole.GUEST


@pytest.fixture
def api() -> Api:
    return Api()


def open_game(api: Api, **body: Any) -> str:
    answer = api.call("POST", "/v1/games", GUEST, {"seats": 5, **body})
    assert answer.status_code == 201, answer.json
    return str(answer.json["mesh_id"])


def take_seat(api: Api, game: str, **body: Any) -> Any:
    return api.call("POST", f"/v1/games/{game}/seats", GUEST, body)


def test_guest_opens_a_game_that_functions_host(api: Api) -> None:
    game = open_game(api, pace="quick")
    record = api.memory.documents()[f"meshes/{game}"].fields
    assert (record["machine"], record["hosting"], record["setup"]["seats"]) == ("mafia", "functions", 5)
    assert record["setup"]["durations_ms"]["night"] == 12_000


def test_guest_chooses_how_the_town_decides_and_whether_the_cards_of_the_dead_are_turned(api: Api) -> None:
    ballot = {"rule": "majority", "ties": "revote", "secret": True, "abstain": False}
    game = open_game(api, ballot=ballot, reveal_role_on_death=False)
    setup = api.memory.documents()[f"meshes/{game}"].fields["setup"]
    assert (setup["ballot"], setup["reveal_role_on_death"]) == (ballot, False)


def test_guest_says_how_many_seats_are_for_programs(api: Api) -> None:
    game = open_game(api, seats=7, programs=6, fill_with_programs=True)
    setup = api.memory.documents()[f"meshes/{game}"].fields["setup"]
    assert (setup["programs"], setup["fill_with_programs"]) == (6, True)


@pytest.mark.parametrize("programs", [-1, 7, 30, "6", 2.5])
def test_a_game_that_leaves_no_seat_to_a_person_is_not_opened(api: Api, programs: Any) -> None:
    before = api.memory.documents().keys()
    answer = api.call("POST", "/v1/games", GUEST, {"seats": 7, "programs": programs})
    assert (answer.status_code, answer.json["code"]) == (400, "invalid-argument")
    assert "programs" in answer.text
    assert [path for path in api.memory.documents().keys() - before if path.startswith("meshes/")] == []


def test_a_game_is_kept_as_long_as_its_seat_key_lives(api: Api) -> None:
    game = open_game(api)
    assert api.memory.documents()[f"meshes/{game}"].fields["keep_days"] == SEAT_KEY_DAYS


def test_rules_that_contradict_each_other_open_no_game(api: Api) -> None:
    ballot = {"rule": "majority", "ties": "random"}
    before = api.memory.documents().keys()
    answer = api.call("POST", "/v1/games", GUEST, {"seats": 5, "ballot": ballot})
    assert (answer.status_code, answer.json["code"]) == (400, "invalid-argument")
    assert [path for path in api.memory.documents().keys() - before if path.startswith("meshes/")] == []


def test_no_answer_tells_the_seed(api: Api) -> None:
    answer = api.call("POST", "/v1/games", GUEST, {"seats": 5})
    seed = str(api.memory.documents()[f"meshes/{answer.json['mesh_id']}"].fields["setup"]["seed"])
    assert seed not in answer.text
    assert seed not in take_seat(api, answer.json["mesh_id"]).text


def test_each_guest_becomes_an_agent_of_its_own_under_the_games_seat_key(api: Api) -> None:
    game = open_game(api)
    first, second = take_seat(api, game).json, take_seat(api, game).json
    assert first["agent"] != second["agent"]
    claims = json.loads(first["custom_token"])
    assert (claims["key"], claims["access_role"], claims["mesh"]) == (seat_key_id(game), "worker", game)


def test_a_seat_asked_for_again_after_a_lost_answer_takes_no_second_place(api: Api) -> None:
    game = open_game(api)
    before = api.memory.documents().keys()
    take_seat(api, game)
    take_seat(api, game)
    new = {path for path in api.memory.documents().keys() - before if path.startswith(f"meshes/{game}/")}
    assert {path.split("/")[2] for path in new} <= {"audit"}


def test_guest_with_its_session_is_the_same_agent_again_as_a_new_incarnation(api: Api) -> None:
    game = open_game(api)
    first = take_seat(api, game).json
    api.now_ns += 2 * 3_600_000_000_000  # the session has expired meanwhile
    again = take_seat(api, game, session=first["session"]).json
    assert again["agent"] == first["agent"]
    assert again["inc"] != first["inc"]


def test_session_of_another_game_or_a_forged_one_gives_no_seat(api: Api) -> None:
    game, other = open_game(api), open_game(api)
    session = take_seat(api, other).json["session"]
    assert take_seat(api, game, session=session).status_code == 403
    assert take_seat(api, game, session=session[:-1] + "x").status_code == 401


def test_spectators_token_is_an_observers(api: Api) -> None:
    game = open_game(api)
    claims = json.loads(api.call("POST", f"/v1/games/{game}/watchers", GUEST, {}).json["custom_token"])
    assert (claims["access_role"], claims["type"], claims["key"]) == ("observer", "observer", seat_key_id(game))


@pytest.mark.parametrize("what", ["seats", "watchers"])
def test_mesh_that_is_no_open_game_lets_no_guest_in(api: Api, what: str) -> None:
    api.create("m1")
    for mesh in ("m1", "nobody"):
        answer = api.call("POST", f"/v1/games/{mesh}/{what}", GUEST, {})
        assert (answer.status_code, answer.json["code"]) == (404, "not-found")


@pytest.mark.parametrize("what", ["seats", "watchers"])
def test_revoking_the_seat_key_closes_the_door(api: Api, what: str) -> None:
    game = open_game(api)
    LOOP.run(api.ring.revoke(seat_key_id(game)))
    assert api.call("POST", f"/v1/games/{game}/{what}", GUEST, {}).status_code == 401


def test_games_door_closes_after_a_day(api: Api) -> None:
    game = open_game(api)
    api.now_ns += 24 * 3_600_000_000_000 + LAST_USE_MS
    assert take_seat(api, game).status_code == 401


def test_nobody_holds_the_seat_key(api: Api) -> None:
    game = open_game(api)
    guess = f"mesh_test_{seat_key_id(game)}_{'A' * 43}_00000000"
    assert api.call("GET", f"/v1/meshes/{game}", guess).status_code == 401


def test_guests_open_no_more_games_than_the_site_allows(api: Api) -> None:
    answers = [api.call("POST", "/v1/games", GUEST, {"seats": 5}) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [201] * 20 + [429]
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_opening_again_with_the_same_idempotency_key_gives_the_same_game(api: Api) -> None:
    twice = [
        api.call("POST", "/v1/games", GUEST, {"seats": 5}, headers={"Idempotency-Key": "one-click"}).json for _ in range(2)
    ]
    assert twice[0] == twice[1]


@pytest.mark.parametrize("seats", [4, 31, "5", None, 5.5])
def test_impossible_game_is_refused(api: Api, seats: Any) -> None:
    assert api.call("POST", "/v1/games", GUEST, {"seats": seats}).status_code == 400
