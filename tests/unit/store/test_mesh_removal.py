"""Deleting a mesh: whom it stops, what it leaves, and what becomes of it when it breaks off or is done twice."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from firemesh.core.messages import Head, MeshStatus
from firemesh.core.params import TEST
from firemesh.errors import CorruptDocument, MeshNotClosed, MeshNotFound, OutcomeUnknown, PreconditionFailed
from firemesh.runtime.mesh import Mesh
from firemesh.store import mesh_removal, paths
from firemesh.store.base import Create, Delete, Put
from firemesh.store.memory import LANDS, LOST, CommitFate, Faults, MemoryStore
from firemesh.store.mesh_removal import COLLECTIONS, MeshRemoval, Removal
from firemesh.store.mesh_store import MeshStore

BELOW = [f"meshes/m1/{collection}/{name}" for collection in COLLECTIONS for name in ("a", "b")]


class Project:
    """A store with a mesh m1 in it, and something in each of its collections."""

    def __init__(self) -> None:
        self.memory = MemoryStore()
        self.faults = Faults()
        self.store = self.memory.client("operator", self.faults)
        self.removal = MeshRemoval(self.store, "m1")

    async def filled(self, **head: object) -> "Project":
        await Mesh.create(self.store, "m1", machine="counter", setup={}, params=TEST)
        if head:
            await self.put_head(Head().model_copy(update=head).model_dump(mode="json"))
        await self.store.commit([Put(path, {}) for path in BELOW])
        return self

    async def put_head(self, fields: Mapping[str, object]) -> None:
        await self.store.commit([Put(paths.head("m1"), fields)])

    async def delete(self, *, force: bool = False) -> int:
        """Delete portion by portion; how many documents."""
        deleted = 0
        while True:
            portion = await self.removal.portion(force=force)
            deleted += portion.deleted
            if portion.done:
                return deleted

    @property
    def left(self) -> set[str]:
        return set(self.memory.documents())


LED = {"term": 1, "leader": "m0", "leader_inc": "0" * 12, "seq": 7}
HEAD_OF_A_LEADER = Head().model_copy(update=LED).model_dump(mode="json")


def before_the_first_commit(happens: Callable[[], object]) -> Callable[[object], CommitFate]:
    """Something happens between the first commit's being sent and its landing."""
    once = iter([happens])

    def fate(_: object) -> CommitFate:
        for each in once:
            each()
        return LANDS

    return fate


async def test_a_closed_mesh_goes_with_all_that_lies_below_it_and_nothing_else() -> None:
    project = await Project().filled(term=1, status=MeshStatus.CLOSED)
    await project.store.commit([Put("meshes/m2/log/1", {}), Put("apiKeys/k", {})])
    assert await project.delete() == len(BELOW) + 2
    assert project.left == {"meshes/m2/log/1", "apiKeys/k"}


async def test_a_mesh_that_nobody_ever_led_goes_without_being_closed() -> None:
    project = await Project().filled()
    await project.delete()
    assert project.left == set()


async def test_a_mesh_in_use_is_left_alone_unless_one_insists() -> None:
    project = await Project().filled(**LED)
    before = project.memory.documents()
    with pytest.raises(MeshNotClosed, match="close it first"):
        await project.removal.portion()
    assert project.memory.documents() == before
    await project.delete(force=True)
    assert project.left == set()


async def test_a_leader_cannot_commit_any_more_once_deleting_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    project = await Project().filled(**LED)
    head, version, _ = await MeshStore(project.store, "m1").read_head()
    monkeypatch.setattr(mesh_removal, "DELETIONS_PER_PORTION", 1)
    assert (await project.removal.portion(force=True)).done is False
    closed, _, _ = await MeshStore(project.store, "m1").read_head()
    assert (closed.closed, closed.leader, closed.seq) == (True, "", head.seq + 1)
    renewed = head.model_copy(update={"seq": head.seq + 1})
    with pytest.raises(PreconditionFailed):
        await project.store.commit([Put(paths.head("m1"), renewed.model_dump(mode="json"), if_update_time=version)])


async def test_whoever_leads_for_the_first_time_meanwhile_is_not_deleted() -> None:
    project = await Project().filled()

    taken_over = [Put(paths.head("m1"), HEAD_OF_A_LEADER)]
    project.faults.commit_fate = before_the_first_commit(lambda: project.memory.apply("m0", taken_over))
    with pytest.raises(MeshNotClosed):
        await project.removal.portion()


async def test_deleting_goes_on_in_portions_and_says_when_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh_removal, "DELETIONS_PER_COMMIT", 2)
    monkeypatch.setattr(mesh_removal, "DELETIONS_PER_PORTION", 4)
    project = await Project().filled(status=MeshStatus.CLOSED)
    portions = [await project.removal.portion() for _ in range(len(BELOW) // 4 + 1)]
    assert portions[0] == Removal(4, False)
    assert [portion.done for portion in portions] == [False] * (len(portions) - 1) + [True]
    assert sum(portion.deleted for portion in portions) == len(BELOW) + 2


async def test_deleting_may_break_off_at_every_commit_and_be_repeated() -> None:
    commits = 0
    while True:
        project = await Project().filled()
        fates = iter([LANDS] * commits + [LOST])
        project.faults.commit_fate = lambda _, fates=fates: next(fates, LANDS)
        try:
            await project.delete()
        except OutcomeUnknown:
            assert paths.mesh("m1") in project.left, "the mesh document goes last"
            await project.delete()
            assert project.left == set()
            commits += 1
        else:
            break
    assert commits == len(COLLECTIONS) + 2


async def test_two_who_delete_at_once_do_no_harm() -> None:
    project = await Project().filled()
    other = MeshRemoval(project.memory.client("other"), "m1")
    outcomes = await asyncio.gather(project.removal.portion(), other.portion(), return_exceptions=True)
    assert {type(each) for each in outcomes} <= {Removal, MeshNotFound}
    assert any(isinstance(each, Removal) and each.done for each in outcomes)
    assert project.left == set()


async def test_who_deletes_late_does_not_touch_a_new_mesh_of_the_same_name() -> None:
    project = await Project().filled(status=MeshStatus.CLOSED)
    entry = paths.entry("m1", 1)
    new = [Create(path, {"new": True}) for path in (entry, paths.head("m1"), paths.mesh("m1"))]
    faults = Faults()

    def somebody_else_deletes_it_and_a_new_one_begins() -> None:
        project.memory.apply("other", [Delete(path) for path in project.left])
        project.memory.apply("other", new)

    faults.commit_fate = before_the_first_commit(somebody_else_deletes_it_and_a_new_one_begins)
    late = MeshRemoval(project.memory.client("late", faults), "m1")
    await project.store.commit([Create(entry, {})])
    outcome = (await asyncio.gather(late.portion(), return_exceptions=True))[0]
    assert not isinstance(outcome, Removal) or outcome.deleted == 0
    assert project.left == {write.path for write in new}


async def test_what_a_straggler_writes_after_the_end_goes_when_deleting_is_repeated() -> None:
    project = await Project().filled()
    await project.delete()
    await project.store.commit([Put("meshes/m1/liveness/p1", {})])
    assert await project.removal.portion() == Removal(1, True)
    with pytest.raises(MeshNotFound):
        await project.removal.portion()


async def test_a_mesh_whose_head_cannot_be_read_goes_by_force_alone() -> None:
    project = await Project().filled()
    await project.put_head({"broken": True})
    with pytest.raises(CorruptDocument):
        await project.removal.portion()
    await project.delete(force=True)
    assert project.left == set()
