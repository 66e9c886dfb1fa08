"""The trails over REST: page by page, and checked."""

from collections.abc import Iterator

import pytest

from firemesh.control_plane.access import AccessRole
from firemesh.runtime.mesh import Mesh
from firemesh.store.base import Delete
from tests.support.api import LOOP, Api


@pytest.fixture
def api() -> Iterator[Api]:
    """A mesh with four decisions in its trail, and one in the project's."""
    api = Api()
    api.create()
    for _ in range(3):
        api.call("POST", "/v1/meshes/m1/drain", AccessRole.WORKER)
    api.call("POST", "/v1/meshes/m2/drain", AccessRole.WORKER)
    yield api
    LOOP.run(api.store.close())


def test_a_trail_is_read_page_by_page(api: Api) -> None:
    pages = [api.call("GET", f"/v1/meshes/m1/audit?limit=3&start={start}", AccessRole.OPERATOR).json or {} for start in (1, 4)]
    assert [[row["number"] for row in page["records"]] for page in pages] == [[1, 2, 3], [4]]
    assert [page["next_start"] for page in pages] == [4, 0]


def test_a_whole_trail_is_said_to_be_whole_and_a_gap_is_named(api: Api) -> None:
    path = "/v1/meshes/m1/audit/check"
    assert api.call("GET", path, AccessRole.OPERATOR).json == {"checked": 4, "broken_at": 0, "next_start": 0}
    api.memory.apply("intruder", [Delete("meshes/m1/audit/000000000003")])
    assert (api.call("GET", path, AccessRole.OPERATOR).json or {})["broken_at"] == 3


def test_the_projects_trail_is_for_an_admin_of_all_meshes(api: Api) -> None:
    shown = api.call("GET", "/v1/audit").json or {}
    assert [(row["operation"], row["mesh"], row["reason"]) for row in shown["records"]] == [("drain_mesh", "m2", "ROLE")]
    assert api.call("GET", "/v1/audit/check").json == {"checked": 1, "broken_at": 0, "next_start": 0}
    for key in (AccessRole.OPERATOR, api.key(AccessRole.ADMIN, "m1")):
        assert api.call("GET", "/v1/audit", key).status_code == 403
        assert api.call("GET", "/v1/audit/check", key).status_code == 403


@pytest.mark.parametrize("what", ["audit", "audit/check"])
def test_of_a_mesh_that_was_never_there_nothing_is_said_to_be_whole(api: Api, what: str) -> None:
    assert api.call("GET", f"/v1/meshes/m9/{what}").status_code == 404
    LOOP.run(Mesh.create(api.store, "m9", machine="counter", setup={}))
    assert api.call("GET", f"/v1/meshes/m9/{what}").status_code == 200
