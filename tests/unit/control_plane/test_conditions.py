"""Versions: a GET that shows nothing new says so, and a change may be bound to what its caller has seen."""

import pytest

from tests.support.api import LOOP, ROW, Api

AGENT = "/v1/meshes/m1/agents/w1"


def orders(api: Api) -> int:
    return len(LOOP.run(api.store.list_documents("meshes/m1/inbox")).documents)


@pytest.fixture
def seated(api: Api) -> Api:
    api.create()
    api.put("meshes/m1/agents/w1", ROW)
    return api


@pytest.mark.parametrize("path", ["/v1/meshes", "/v1/meshes/m1", AGENT, "/v1/meshes/m1/audit"])
def test_what_has_not_changed_is_not_sent_again(seated: Api, path: str) -> None:
    seen = seated.call("GET", path).headers["ETag"]
    again = seated.call("GET", path, headers={"If-None-Match": seen})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", seen)
    assert again.headers["Cache-Control"] == "private, no-store"


def test_what_has_changed_is_sent_whole(seated: Api) -> None:
    seen = seated.call("GET", AGENT).headers["ETag"]
    seated.put("meshes/m1/agents/w1", {**ROW, "applied_index": 2})
    again = seated.call("GET", AGENT, headers={"If-None-Match": seen})
    assert (again.status_code, again.json["applied_index"] if again.json else 0) == (200, 2)


def test_a_removal_bound_to_the_row_that_was_seen_is_ordered(seated: Api) -> None:
    seen = seated.call("GET", AGENT).headers["ETag"]
    assert seated.call("DELETE", AGENT, headers={"If-Match": seen}).status_code == 202
    assert orders(seated) == 1


def test_a_removal_bound_to_another_version_is_not(seated: Api) -> None:
    assert seated.call("DELETE", AGENT, headers={"If-Match": '"2"'}).status_code == 412
    assert orders(seated) == 0


@pytest.mark.parametrize("header", ["5", "*", '"x"', '"5", "6"', '""', '"' + "5" * 19 + '"', '"\xb2"'])
def test_a_condition_that_cannot_be_understood_is_refused(seated: Api, header: str) -> None:
    assert seated.call("DELETE", AGENT, headers={"If-Match": header}).status_code == 400
    assert orders(seated) == 0


def test_where_a_condition_would_do_nothing_it_is_refused(seated: Api) -> None:
    assert seated.call("GET", AGENT, headers={"If-Match": '"1"'}).status_code == 400
    body = {"mesh_id": "m2", "machine": "counter"}
    assert seated.call("POST", "/v1/meshes", body=body, headers={"If-None-Match": "*"}).status_code == 400
