"""The schedule deletes hosted meshes whose days are over, whatever they are doing, and no other."""

import asyncio
from collections.abc import Sequence

import pytest

from firemesh.hosting import hosted_meshes
from firemesh.hosting.hosted_meshes import HostedMeshes
from firemesh.hosting.wake import NoWakes
from firemesh.runtime.mesh import Mesh
from firemesh.store.base import Delete, Write
from firemesh.store.memory import LANDS, LOST, CommitFate, Faults, MemoryStore
from firemesh.store.mesh_store import Hosting

DAY_NS = 24 * 60 * 60 * 1_000_000_000


def refuses_deletions(writes: Sequence[Write]) -> CommitFate:
    return LOST if any(isinstance(write, Delete) for write in writes) else LANDS


class Days:
    """A store in which days pass by hand, and a function that comes by."""

    def __init__(self) -> None:
        self.now_ns = 1_800_000_000_000_000_000
        self.memory = MemoryStore(lambda: self.now_ns)
        self.functions = HostedMeshes(self.memory.client("functions"), NoWakes())

    async def create(
        self, mesh_id: str, *, keep_days: int, hosting: Hosting = Hosting.FUNCTIONS, machine: str = "counter"
    ) -> None:
        setup = {"seats": 5, "seed": 1, "programs": 4} if machine == "mafia" else {}
        client = self.memory.client("operator")
        await Mesh.create(client, mesh_id, machine=machine, setup=setup, hosting=hosting, keep_days=keep_days)

    def left(self) -> set[str]:
        return {path.split("/")[1] for path in self.memory.documents()}


def test_a_mesh_whose_days_are_over_is_deleted_with_all_its_documents_and_no_other_is() -> None:
    async def pass_days() -> None:
        days = Days()
        await days.create("game", keep_days=1, machine="mafia")
        await days.create("longer", keep_days=2)
        await days.create("always", keep_days=0)
        await days.create("processes", keep_days=1, hosting=Hosting.PROCESSES)
        assert await days.functions.rearm_all() == 3
        days.now_ns += DAY_NS - 1_000_000_000
        assert await days.functions.rearm_all() == 3
        days.now_ns += 1_000_000_000
        assert await days.functions.rearm_all() == 2
        assert days.left() == {"longer", "always", "processes"}

    asyncio.run(pass_days())


def test_an_activation_that_comes_while_the_mesh_is_deleted_or_later_does_no_harm() -> None:
    async def pass_days() -> None:
        days = Days()
        other = HostedMeshes(days.memory.client("another instance"), NoWakes())
        await days.create("game", keep_days=1, machine="mafia")
        await other.activate("game")
        days.now_ns += DAY_NS
        await asyncio.gather(days.functions.rearm_all(), other.activate("game"), other.rearm_all())
        await other.activate("game")
        assert days.left() == set()

    asyncio.run(pass_days())


def test_a_deletion_that_breaks_off_is_taken_up_the_next_time() -> None:
    async def pass_days() -> None:
        days = Days()
        await days.create("game", keep_days=1, machine="mafia")
        await days.functions.activate("game")
        days.now_ns += DAY_NS
        client = days.memory.client("functions with a bad line", Faults(commit_fate=refuses_deletions))
        broken = HostedMeshes(client, NoWakes())
        assert await broken.rearm_all() == 0
        assert days.left() == {"game"}
        client.faults = Faults()
        assert await broken.rearm_all() == 0
        assert days.left() == set()

    asyncio.run(pass_days())


def test_no_mesh_is_always_left_out_when_there_are_more_than_the_schedule_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosted_meshes, "MESHES_PER_PAGE", 2)
    monkeypatch.setattr(hosted_meshes, "MESHES_REARMED_MAX", 4)

    async def pass_days() -> None:
        days = Days()
        for number in range(7):
            await days.create(f"m{number}", keep_days=0)
        assert [await days.functions.rearm_all() for _ in range(3)] == [4, 3, 4]

    asyncio.run(pass_days())
