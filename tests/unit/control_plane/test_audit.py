"""The audit trail: chained, complete under contention, and a tampered record shows."""

import asyncio
from typing import Any

import pytest

from firemesh.control_plane.audit import AuditRecord, AuditTrail, Decision, verify
from firemesh.store.base import Delete, Put
from firemesh.store.memory import ABORTED, LANDS, Faults, MemoryStore


def decision(who: str = "k1") -> Decision:
    return Decision(who=who, role="admin", operation="create_mesh", mesh="m1", allowed=True)


async def trail_of(count: int) -> tuple[AuditTrail, MemoryStore]:
    memory = MemoryStore()
    memory.apply("operator", [Put("meshes/m1", {})])
    trail = AuditTrail(memory.client("test"))
    for number in range(count):
        await trail.append(decision(f"k{number}"), mesh_id="m1")
    return trail, memory


async def test_records_keep_their_order_and_hold_together() -> None:
    trail, _ = await trail_of(3)
    records = await trail.read(mesh_id="m1")
    assert [record.who for record in records] == ["k0", "k1", "k2"]
    assert verify(records) == 0


async def test_trails_of_two_meshes_and_of_the_project_are_apart() -> None:
    trail, _ = await trail_of(1)
    await trail.append(decision(), mesh_id="")
    assert len(await trail.read(mesh_id="")) == 1
    assert await trail.read(mesh_id="m2") == ()


async def test_all_who_append_at_once_get_a_place_in_one_chain() -> None:
    memory = MemoryStore()
    trails = [AuditTrail(memory.client(str(number))) for number in range(4)]
    await asyncio.gather(*(trail.append(decision(), mesh_id="m1") for trail in trails))
    records = await trails[0].read(mesh_id="m1")
    assert (len(records), verify(records)) == (4, 0)


async def test_a_record_that_the_store_was_too_busy_for_is_sent_again() -> None:
    fates = iter([ABORTED, LANDS])
    trail = AuditTrail(MemoryStore().client("test", Faults(commit_fate=lambda writes: next(fates))))
    await trail.append(decision(), mesh_id="m1")
    assert len(await trail.read(mesh_id="m1")) == 1


async def test_reading_goes_on_from_any_number() -> None:
    trail, _ = await trail_of(5)
    assert [record.number for record in await trail.read(mesh_id="m1", start=3, limit=2)] == [3, 4]


@pytest.mark.parametrize(
    ("tamper", "broken"),
    [
        (lambda records: records[1:], 1),
        (lambda records: records[:1] + records[2:], 2),
        (lambda records: [records[0], records[1].model_copy(update={"allowed": False}), records[2]], 2),
        (lambda records: [records[1], records[0], records[2]], 1),
    ],
)
async def test_a_removed_changed_or_moved_record_shows(tamper: object, broken: int) -> None:
    trail, _ = await trail_of(3)
    records: list[AuditRecord] = tamper(list(await trail.read(mesh_id="m1")))  # type: ignore[operator]
    assert verify(records) == broken


async def test_a_record_rewritten_with_its_own_hash_breaks_the_next() -> None:
    trail, memory = await trail_of(3)
    forged = (await trail.read(mesh_id="m1"))[1].model_copy(update={"who": "nobody"})
    forged = forged.model_copy(update={"hash": forged.expected_hash()})
    path = "meshes/m1/audit/000000000002"
    await memory.client("intruder").commit([Put(path, forged.model_dump(mode="json"))])
    assert verify(await trail.read(mesh_id="m1")) == 3


# --- checking a trail by portions -----------------------------------------------------------------------------------


async def checked(trail: AuditTrail, limit: int) -> tuple[int, int]:
    """How many records were checked by portions of `limit`, and the first that is wrong."""
    total, start = 0, 1
    while True:
        report = await trail.check(mesh_id="m1", start=start, limit=limit)
        total += report.checked
        if not report.next_start:
            return total, report.broken_at
        start = report.next_start


@pytest.mark.parametrize("limit", [1, 2, 5, 9])
@pytest.mark.parametrize("count", [0, 1, 5])
async def test_a_whole_trail_is_found_whole_by_portions_of_any_size(count: int, limit: int) -> None:
    trail, _ = await trail_of(count)
    assert await checked(trail, limit) == (count, 0)


@pytest.mark.parametrize("limit", [1, 2, 3, 9])
@pytest.mark.parametrize("gone", [1, 2, 3, 4, 5])
async def test_a_removed_record_shows_wherever_a_portion_ends(gone: int, limit: int) -> None:
    trail, memory = await trail_of(5)
    memory.apply("intruder", [Delete(f"meshes/m1/audit/{gone:012d}")])
    assert (await checked(trail, limit))[1] == gone


@pytest.mark.parametrize("limit", [1, 2, 9])
async def test_a_forged_last_record_does_not_fit_the_head(limit: int) -> None:
    trail, memory = await trail_of(3)
    (last,) = await trail.read(mesh_id="m1", start=3)
    forged = last.model_copy(update={"who": "nobody"})
    forged = forged.model_copy(update={"hash": forged.expected_hash()})
    memory.apply("intruder", [Put("meshes/m1/audit/000000000003", forged.model_dump(mode="json"))])
    assert (await checked(trail, limit))[1] == 3


@pytest.mark.parametrize("limit", [1, 2, 3, 9])
@pytest.mark.parametrize("left", [0, 1, 2])
async def test_a_head_that_was_removed_or_set_back_shows(left: int, limit: int) -> None:
    trail, memory = await trail_of(3)
    end = (await trail.read(mesh_id="m1"))[left - 1].place.model_dump()
    head = trail.head_path("m1")
    memory.apply("intruder", [Put(head, end) if left else Delete(head)])
    assert (await checked(trail, limit))[1] == left + 1


async def test_what_is_appended_during_a_check_breaks_nothing() -> None:
    trail, memory = await trail_of(3)

    class Slow(AuditTrail):
        async def read(self, **asked: Any) -> tuple[AuditRecord, ...]:
            await trail.append(decision(), mesh_id="m1")
            return await super().read(**asked)

    assert await checked(Slow(memory.client("slow")), 9) == (3, 0)
