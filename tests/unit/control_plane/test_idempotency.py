"""Idempotency keys: a creating call sent again is answered again, whatever happened to the first one."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from werkzeug.test import TestResponse

from firemesh.control_plane import routes
from firemesh.control_plane.access import AccessRole
from firemesh.control_plane.idempotency import ANSWER_BYTES_MAX, IdempotencyKeys
from firemesh.errors import InvalidMessage
from firemesh.store.base import Write
from firemesh.store.memory import ACK_LOST, LANDS, LOST, CommitFate, MemoryStore
from tests.support.api import LOOP, Api

MESH = {"mesh_id": "m1", "machine": "counter"}


def create(api: Api, key: str = "k-1", body: Any = None, who: AccessRole | str = AccessRole.ADMIN) -> TestResponse:
    return api.call("POST", "/v1/meshes", who, body or MESH, headers={"Idempotency-Key": key})


def fate_of_creations(fate: CommitFate) -> Any:
    def decide(writes: Sequence[Write]) -> CommitFate:
        return fate if any(write.path == "meshes/m1" for write in writes) else LANDS

    return decide


def test_a_call_sent_again_is_answered_as_before_and_done_once(api: Api) -> None:
    first, again = create(api), create(api)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert api.trail("m1") == [("create_mesh", True)]


CREATIONS: Mapping[str, tuple[str, Any]] = {
    "create_mesh": ("/v1/meshes", {**MESH, "mesh_id": "m2"}),
    "create_key": ("/v1/keys", {"role": "observer"}),
    "rotate_key": ("/v1/keys/{key_id}/rotation", {}),
    "provision_agent": ("/v1/meshes/m1/agents/a1/key", {}),
    "open_game": ("/v1/games", {"seats": 5}),
}


def test_every_call_that_takes_a_key_is_tested() -> None:
    assert {route.name for route in routes.declared() if route.idempotent} == CREATIONS.keys()


@pytest.mark.parametrize("name", CREATIONS)
def test_a_creation_is_done_once_and_its_secret_is_neither_stored_nor_told_twice(api: Api, name: str) -> None:
    api.create()
    path, body = CREATIONS[name]
    path = path.format(key_id=api.key(AccessRole.OBSERVER).split("_")[2])
    who = AccessRole.GUEST if name == "open_game" else AccessRole.ADMIN
    first = api.call("POST", path, who, body, headers={"Idempotency-Key": "k"})
    kept = {path for path in api.memory.documents() if not path.startswith("rateLimits/")}
    again = api.call("POST", path, who, body, headers={"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert {path for path in api.memory.documents() if not path.startswith("rateLimits/")} == kept
    assert first.json is not None
    assert again.json is not None
    secret = first.json.get("key")
    assert again.json == {**first.json, **({"key": again.json["key"]} if secret else {})}
    assert secret is None or secret not in again.text + str(api.memory.documents())


def test_quotes_around_a_key_belong_to_the_header_and_not_to_the_key(api: Api) -> None:
    create(api, '"k-1"')
    assert create(api, "k-1").headers["Idempotency-Replayed"] == "true"


def test_a_key_with_another_request_is_refused(api: Api) -> None:
    create(api)
    other = create(api, body={**MESH, "mesh_id": "m2"})
    assert (other.status_code, other.json["error"] if other.json else "") == (422, "IdempotencyKeyReused")
    assert api.call("GET", "/v1/meshes/m2").status_code == 404


def test_two_callers_may_choose_the_same_key(api: Api) -> None:
    create(api)
    assert create(api, body={**MESH, "mesh_id": "m2"}, who=api.key(AccessRole.ADMIN)).status_code == 201


def test_what_was_refused_is_not_remembered(api: Api) -> None:
    assert create(api, body={**MESH, "machine": "nothing"}).status_code == 400
    assert create(api).status_code == 201


def test_a_mesh_that_somebody_else_created_is_no_replay(api: Api) -> None:
    api.create()
    assert create(api).status_code == 409


@pytest.mark.parametrize("fate", [ACK_LOST, LOST], ids=["landed", "lost"])
def test_after_a_silent_store_the_same_call_creates_once_and_is_told_so(api: Api, fate: CommitFate) -> None:
    api.faults.commit_fate = fate_of_creations(fate)
    first = create(api)
    assert first.status_code == (201 if fate is ACK_LOST else 504)
    api.faults.commit_fate = fate_of_creations(LANDS)
    assert create(api).status_code == 201
    assert api.call("GET", "/v1/meshes/m1").status_code == 200


def test_of_many_copies_at_once_one_creates_and_all_hear_the_same(api: Api) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: create(api), range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1


def test_a_key_is_free_again_after_a_day(api: Api) -> None:
    create(api)
    api.now_ns += 24 * 3600 * 10**9
    assert create(api, body={**MESH, "mesh_id": "m2"}).status_code == 201
    assert create(api, body={**MESH, "mesh_id": "m2"}).headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "k" * 129, '"', "a\x00b"])
def test_an_impossible_key_is_refused_before_anything_is_done(key: str) -> None:
    async def never(_: Any) -> None:
        raise AssertionError("nothing may be done")

    with pytest.raises(InvalidMessage):
        LOOP.run(IdempotencyKeys(MemoryStore().client("test")).once("caller", key, "asked", never))


def test_where_a_key_would_do_nothing_it_is_refused(api: Api) -> None:
    api.create()
    answer = api.call("POST", "/v1/meshes/m1/agents", AccessRole.WORKER, {"agent_id": "a"}, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 400


def test_what_is_remembered_is_bounded_and_ends() -> None:
    async def work(attempt: Any) -> Any:
        with pytest.raises(InvalidMessage):
            attempt.remember("x" * (ANSWER_BYTES_MAX + 1))
        (write,) = attempt.remember(json.dumps("x"))
        return write

    _, write = LOOP.run(IdempotencyKeys(MemoryStore().client("test")).once("caller", "k", "asked", work))
    assert write.fields.keys() == {"fingerprint", "answer", "at_ms", "expires"}
