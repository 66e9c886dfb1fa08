"""The faults that the in-memory store can be told to have, in virtual time: what is late by a tick is late on any machine."""

import asyncio

import pytest

from firemesh.errors import OutcomeUnknown, PreconditionFailed, StoreUnavailable
from firemesh.store.base import CollectionTarget, Create, Delete, DocumentTarget, Put
from firemesh.store.memory import (
    ACK_LOST,
    KEEPALIVE_SECONDS,
    LOST,
    CommitFate,
    CommitRecord,
    Faults,
    MemoryStore,
    duplicated,
    late,
)
from tests.support.meshes import in_virtual_time
from tests.support.patient import anything, until

PATH = "meshes/m1/consensus/head"
TICK = 0.001


def with_fate(fate: CommitFate) -> Faults:
    return Faults(commit_fate=lambda writes: fate)


@in_virtual_time
async def test_lost_commit_never_lands() -> None:
    memory = MemoryStore()
    with pytest.raises(OutcomeUnknown):
        await memory.client("a", with_fate(LOST)).commit([Create(PATH, {})])
    await asyncio.sleep(TICK)
    assert memory.documents() == {}


@in_virtual_time
async def test_commit_whose_acknowledgement_is_lost_has_landed() -> None:
    memory = MemoryStore()
    with pytest.raises(OutcomeUnknown):
        await memory.client("a", with_fate(ACK_LOST)).commit([Create(PATH, {"n": 1})])
    assert memory.documents()[PATH].fields == {"n": 1}


@in_virtual_time
async def test_late_commit_lands_later_as_it_was_sent() -> None:
    memory = MemoryStore()
    client, sent = memory.client("a", with_fate(late(TICK))), {"n": [1]}
    with pytest.raises(OutcomeUnknown):
        await client.commit([Create(PATH, sent)])
    assert memory.documents() == {}
    sent["n"].append(2)
    snapshot = await until(memory.client("b").watch(DocumentTarget(PATH)), lambda s: bool(s.documents))
    assert snapshot.documents[PATH].fields == {"n": [1]}


@in_virtual_time
async def test_late_commit_whose_precondition_fails_by_then_changes_nothing() -> None:
    records: list[CommitRecord] = []
    memory = MemoryStore(on_commit=records.append)
    good, slow = memory.client("good"), memory.client("slow", with_fate(late(TICK)))
    first = await good.commit([Create(PATH, {"n": 0})])
    with pytest.raises(OutcomeUnknown):
        await slow.commit([Put(PATH, {"n": 9}, if_update_time=first.update_times[0])])
    await good.commit([Put(PATH, {"n": 1})])
    await asyncio.sleep(5 * TICK)
    assert memory.documents()[PATH].fields == {"n": 1}
    assert [record.client for record in records] == ["good", "good"]
    assert memory.counts[("slow", "head", "failed_writes")] == 1


@in_virtual_time
async def test_duplicated_commit_arrives_twice_and_a_precondition_stops_the_second() -> None:
    records: list[CommitRecord] = []
    memory = MemoryStore(on_commit=records.append)
    client = memory.client("a", with_fate(duplicated(TICK)))
    await client.commit([Create("a/guarded", {})])
    await client.commit([Put("a/blind", {"n": 1})])
    await asyncio.sleep(5 * TICK)
    landed = [write.path for record in records for write in record.writes]
    assert landed == ["a/guarded", "a/blind", "a/blind"]


@in_virtual_time
async def test_answer_slower_than_the_timeout_is_no_answer_and_the_commit_lands() -> None:
    memory = MemoryStore()
    client = memory.client("a", Faults(latency_seconds=lambda operation: 10 * TICK))
    with pytest.raises(OutcomeUnknown):
        await client.commit([Create(PATH, {})], timeout_seconds=TICK)
    with pytest.raises(StoreUnavailable):
        await client.get_all([PATH], timeout_seconds=TICK)
    await until(memory.client("b").watch(DocumentTarget(PATH)), lambda s: bool(s.documents))


@in_virtual_time
async def test_cancelled_caller_does_not_take_its_commit_back() -> None:
    memory = MemoryStore()
    client = memory.client("a", Faults(latency_seconds=lambda operation: TICK))
    committing = asyncio.create_task(client.commit([Create(PATH, {})]))
    await asyncio.sleep(0)
    committing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await committing
    await until(memory.client("b").watch(DocumentTarget(PATH)), lambda s: bool(s.documents))


@in_virtual_time
async def test_refused_commit_is_told_after_its_latency() -> None:
    memory = MemoryStore()
    client = memory.client("a", Faults(latency_seconds=lambda operation: TICK))
    await client.commit([Create(PATH, {})])
    with pytest.raises(PreconditionFailed):
        await client.commit([Create(PATH, {})])


@in_virtual_time
async def test_disconnected_client_is_cut_off_alone_and_catches_up() -> None:
    memory = MemoryStore()
    cut, other = memory.client("cut"), memory.client("other")
    watch = cut.watch(DocumentTarget(PATH))
    await until(watch, anything)
    cut.disconnect()
    heard = watch.heard_at
    with pytest.raises(OutcomeUnknown):
        await cut.commit([Create("a/b", {})])
    with pytest.raises(StoreUnavailable):
        await cut.get_all([PATH])
    late_watch = cut.watch(DocumentTarget(PATH))
    await other.commit([Put(PATH, {"n": 1})])
    await other.commit([Put(PATH, {"n": 2})])
    await asyncio.sleep(TICK)
    assert watch.heard_at == heard
    cut.reconnect()
    for each in (watch, late_watch):
        assert (await until(each, anything)).documents[PATH].fields == {"n": 2}
    assert set(memory.documents()) == {PATH}


@in_virtual_time
async def test_silenced_watch_hears_nothing_and_a_new_one_hears_all() -> None:
    memory = MemoryStore()
    client = memory.client("a")
    watch = client.watch(DocumentTarget(PATH))
    await until(watch, anything)
    client.silence_watches()
    await asyncio.sleep(TICK)
    await client.commit([Put(PATH, {"n": 1})])
    fresh = client.watch(DocumentTarget(PATH))
    assert (await until(fresh, anything)).documents[PATH].fields == {"n": 1}
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(watch), TICK)
    assert watch.heard_at < fresh.heard_at


@in_virtual_time
async def test_ended_watch_says_so() -> None:
    memory = MemoryStore()
    client = memory.client("a")
    watch, other = client.watch(CollectionTarget("a")), memory.client("b").watch(CollectionTarget("a"))
    await until(watch, anything)
    client.end_watches()
    with pytest.raises(StoreUnavailable):
        await until(watch, anything)
    await client.commit([Put("a/1", {})])
    await until(other, lambda snapshot: len(snapshot.documents) == 1)


@in_virtual_time
async def test_get_all_is_consistent_while_others_write() -> None:
    memory, paths = MemoryStore(), ["a/1", "a/2", "a/3"]
    writer, reader = memory.client("w"), memory.client("r")
    await writer.commit([Put(path, {"n": 0}) for path in paths])

    async def write() -> None:
        for n in range(1, 30):
            await writer.commit([Put(path, {"n": n}) for path in paths])

    writing = asyncio.create_task(write())
    while not writing.done():
        read = await reader.get_all(paths)
        assert len({document.fields["n"] for document in read.documents.values()}) == 1
    await writing


@in_virtual_time
async def test_late_snapshots_never_overtake_newer_ones() -> None:
    memory = MemoryStore()
    delays = iter([0, 5 * TICK, 0])
    reader = memory.client("r", Faults(latency_seconds=lambda operation: next(delays)))
    writer = memory.client("w")
    watch = reader.watch(DocumentTarget(PATH))
    await until(watch, anything)
    await writer.commit([Put(PATH, {"n": 1})])
    await writer.commit([Put(PATH, {"n": 2})])
    assert (await until(watch, anything)).documents[PATH].fields == {"n": 2}
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(watch), 20 * TICK)


@in_virtual_time
async def test_time_follows_the_given_clock_in_microseconds_and_moves_at_each_commit() -> None:
    now = 1_700_000_000_000_000_999
    memory = MemoryStore(lambda: now)
    client = memory.client("a")
    first = await client.commit([Put(PATH, {"n": 1})])
    read = await client.get_all([PATH])
    second = await client.commit([Put(PATH, {"n": 2})])
    assert first.commit_time == read.read_time == 1_700_000_000_000_000_000
    assert second.commit_time == first.commit_time + 1_000
    now += 5_000_000_000
    assert (await client.get_all([PATH])).read_time == 1_700_000_005_000_000_000


@in_virtual_time
async def test_quiet_healthy_watch_is_heard_at_every_keepalive() -> None:
    memory = MemoryStore()
    watch = memory.client("a").watch(DocumentTarget(PATH))
    await until(watch, anything)
    heard = watch.heard_at
    await asyncio.sleep(2.5 * KEEPALIVE_SECONDS)
    assert watch.heard_at == heard + 2 * KEEPALIVE_SECONDS


@in_virtual_time
async def test_operations_are_counted_as_the_meter_counts_them() -> None:
    memory = MemoryStore()
    client = memory.client("a")
    watch = client.watch(CollectionTarget("meshes/m1/inbox"))
    await until(watch, anything)
    await client.commit([Create(PATH, {}), Put("meshes/m1/inbox/a", {}), Delete("meshes/m1/inbox/b")])
    await until(watch, anything)
    with pytest.raises(PreconditionFailed):
        await client.commit([Create(PATH, {})])
    await client.get_all([PATH, "meshes/m1/votes/1_a"])
    await client.list_documents("meshes/m1/log")
    assert dict(memory.counts) == {
        ("a", "inbox", "reads"): 2,
        ("a", "head", "writes"): 1,
        ("a", "inbox", "writes"): 1,
        ("a", "inbox", "deletes"): 1,
        ("a", "head", "failed_writes"): 1,
        ("a", "head", "reads"): 1,
        ("a", "votes", "reads"): 1,
        ("a", "log", "reads"): 1,
    }
