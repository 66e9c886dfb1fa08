"""What every store must do, run against the in-memory one and against Firestore's emulator."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from firemesh.errors import CommitAborted, InvalidMessage, OutcomeUnknown, PreconditionFailed, StoreUnavailable
from firemesh.store.base import (
    CollectionTarget,
    CommitResult,
    Create,
    Delete,
    DocumentTarget,
    Put,
    ReadResult,
    Store,
    Watch,
    WatchSnapshot,
    Write,
)
from tests.contract.conftest import Backend

PATIENCE_SECONDS = 60.0


async def commit(store: Store, *writes: Write) -> CommitResult:
    """Commit; what has not landed, or may land twice, is repeated until it is known to have landed.

    The emulator answers CANCELLED, and may have committed, when a listener it notifies has just gone. Listeners on the
    emulator go and come by themselves, so that can meet any commit to a document that is watched. It aborts one that has
    waited too long for another to the same document.
    """
    repeatable = not any(isinstance(write, Create) or write.if_update_time is not None for write in writes)
    for _ in range(10):
        with contextlib.suppress(CommitAborted, *((OutcomeUnknown,) if repeatable else ())):
            return await store.commit(writes, timeout_seconds=PATIENCE_SECONDS)
    return await store.commit(writes, timeout_seconds=PATIENCE_SECONDS)


async def get(store: Store, *paths: str) -> ReadResult:
    return await store.get_all(paths, timeout_seconds=PATIENCE_SECONDS)


async def fields(store: Store, path: str) -> Any:
    document = (await get(store, path)).documents.get(path)
    return None if document is None else document.fields


async def until(watch: Watch, wanted: Callable[[WatchSnapshot], bool]) -> WatchSnapshot:
    """The first snapshot that is as wanted."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for snapshot in watch:
            if wanted(snapshot):
                return snapshot
    raise AssertionError("the watch ended first")


def anything(snapshot: WatchSnapshot) -> bool:
    return True


def shown(snapshot: WatchSnapshot, path: str) -> Any:
    document = snapshot.documents.get(path)
    return None if document is None else document.fields


# Commits


async def test_create_stores_a_document_and_reports_its_update_time(backend: Backend) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/log/1"
        result = await commit(store, Create(path, {"x": 1}))
        document = (await get(store, path)).documents[path]
        assert (document.path, document.id, document.fields) == (path, "1", {"x": 1})
        assert result.update_times == (document.update_time,) == (result.commit_time,)


async def test_create_of_an_existing_document_fails_the_whole_commit(backend: Backend) -> None:
    async with backend.open() as store:
        taken, other = f"{backend.root}/log/1", f"{backend.root}/log/2"
        await commit(store, Create(taken, {"x": 1}))
        with pytest.raises(PreconditionFailed):
            await commit(store, Put(other, {"x": 2}), Create(taken, {"x": 2}))
        assert await fields(store, taken) == {"x": 1}
        assert await fields(store, other) is None


async def test_put_replaces_the_whole_document(backend: Backend) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/views/public"
        await commit(store, Put(path, {"a": 1, "b": 2}))
        await commit(store, Put(path, {"b": 3}))
        assert await fields(store, path) == {"b": 3}


async def test_put_with_the_right_update_time_lands_and_moves_it(backend: Backend) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/consensus/head"
        first = await commit(store, Create(path, {"seq": 1}))
        second = await commit(store, Put(path, {"seq": 2}, if_update_time=first.update_times[0]))
        assert second.update_times[0] > first.update_times[0]
        assert await fields(store, path) == {"seq": 2}


async def test_put_with_a_stale_update_time_fails_the_whole_commit(backend: Backend) -> None:
    async with backend.open() as store:
        head, log = f"{backend.root}/consensus/head", f"{backend.root}/log/1"
        first = await commit(store, Create(head, {"seq": 1}))
        await commit(store, Put(head, {"seq": 2}))
        with pytest.raises(PreconditionFailed):
            await commit(store, Create(log, {}), Put(head, {"seq": 9}, if_update_time=first.update_times[0]))
        assert await fields(store, head) == {"seq": 2}
        assert await fields(store, log) is None


async def test_put_with_an_update_time_fails_on_a_missing_document(backend: Backend) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/consensus/head"
        first = await commit(store, Create(path, {"seq": 1}))
        await commit(store, Delete(path))
        with pytest.raises(PreconditionFailed):
            await commit(store, Put(path, {"seq": 2}, if_update_time=first.update_times[0]))
        assert await fields(store, path) is None


@pytest.mark.parametrize("again", [{"n": 1, "m": {"a": 1, "b": 2}}, {"m": {"b": 2, "a": 1}, "n": 1}])
async def test_put_that_changes_nothing_keeps_the_update_time(backend: Backend, again: dict[str, Any]) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/liveness/p1"
        first = await commit(store, Put(path, {"n": 1, "m": {"a": 1, "b": 2}}))
        second = await commit(store, Put(path, again))
        assert second.update_times == first.update_times
        assert second.commit_time > first.commit_time
        assert (await get(store, path)).documents[path].update_time == first.update_times[0]


@pytest.mark.parametrize(("before", "after"), [(1, 1.0), (1, True), (0.0, -0.0), (None, False), ([], {})])
async def test_put_that_changes_only_the_type_moves_the_update_time(backend: Backend, before: Any, after: Any) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/states/a"
        first = await commit(store, Put(path, {"v": before}))
        second = await commit(store, Put(path, {"v": after}))
        assert second.update_times[0] > first.update_times[0]


async def test_no_op_put_still_lets_the_other_writes_land(backend: Backend) -> None:
    async with backend.open() as store:
        same, other = f"{backend.root}/states/a", f"{backend.root}/states/b"
        first = await commit(store, Put(same, {"v": 1}))
        second = await commit(store, Put(same, {"v": 1}), Put(other, {"v": 2}))
        assert second.update_times == (first.update_times[0], second.commit_time)


async def test_delete_removes_and_succeeds_on_what_is_missing(backend: Backend) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/inbox/a_00000001"
        await commit(store, Create(path, {}))
        result = await commit(store, Delete(path))
        assert result.update_times == (result.commit_time,)
        assert await fields(store, path) is None
        await commit(store, Delete(path))


async def test_delete_with_an_update_time_deletes_that_version_alone(backend: Backend) -> None:
    async with backend.open() as store:
        path, other = f"{backend.root}/log/1", f"{backend.root}/log/2"
        first = await commit(store, Create(path, {"n": 1}), Create(other, {}))
        second = await commit(store, Put(path, {"n": 2}))
        with pytest.raises(PreconditionFailed):
            await commit(store, Delete(other), Delete(path, if_update_time=first.update_times[0]))
        assert (await fields(store, path), await fields(store, other)) == ({"n": 2}, {})
        await commit(store, Delete(path, if_update_time=second.update_times[0]))
        assert await fields(store, path) is None


async def test_delete_with_an_update_time_fails_on_a_missing_document(backend: Backend) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/log/1"
        first = await commit(store, Create(path, {"n": 1}))
        await commit(store, Delete(path))
        with pytest.raises(PreconditionFailed):
            await commit(store, Delete(path, if_update_time=first.update_times[0]))


async def test_a_deleted_document_can_be_created_again(backend: Backend) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/votes/1_a"
        await commit(store, Create(path, {"n": 1}))
        await commit(store, Delete(path))
        await commit(store, Create(path, {"n": 1}))
        assert await fields(store, path) == {"n": 1}


async def test_update_times_come_in_the_order_of_the_writes(backend: Backend) -> None:
    async with backend.open() as store:
        same, head, log = (f"{backend.root}/{tail}" for tail in ("states/a", "consensus/head", "log/1"))
        first = await commit(store, Put(same, {}), Create(head, {"n": 0}))
        writes = Put(head, {"n": 1}, if_update_time=first.update_times[1]), Put(same, {}), Create(log, {})
        second = await commit(store, *writes)
        assert second.update_times == (second.commit_time, first.update_times[0], second.commit_time)


async def test_commit_times_strictly_increase(backend: Backend) -> None:
    async with backend.open() as store:
        times = [(await commit(store, Put(f"{backend.root}/states/a", {"n": n}))).commit_time for n in range(20)]
        assert times == sorted(set(times))


async def test_concurrent_conditional_increments_lose_nothing(backend: Backend) -> None:
    path = f"{backend.root}/consensus/head"

    async def increment(store: Store, times: int) -> None:
        landed = 0
        while landed < times:
            head = (await get(store, path)).documents[path]
            try:
                await commit(store, Put(path, {"n": head.fields["n"] + 1}, if_update_time=head.update_time))
                landed += 1
            except PreconditionFailed:
                pass

    async with backend.open("a") as a, backend.open("b") as b:
        await commit(a, Create(path, {"n": 0}))
        await asyncio.gather(*(increment(store, 20) for store in (a, a, b, b)))
        assert await fields(a, path) == {"n": 80}


# What may be stored

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
JUST_NOW = datetime(2026, 11, 22, 12, 34, 56, 789_012, tzinfo=UTC)
STORABLE = {
    "unicode": {"text": "Zażółć 🕵🏽 \u0000 \u2028", "ключ": "значение", "a.b`c": 1},
    "integers": {"big": 2**63 - 1, "small": -(2**63), "zero": 0},
    "floats": {"tenth": 0.1, "whole": 3.0, "tiny": 5e-324, "huge": 1.7976931348623157e308},
    "empty": {"list": [], "map": {}, "text": ""},
    "nothing": {},
    "none": {"none": None, "yes": True, "no": False},
    "times": {"first": datetime(1, 1, 1, tzinfo=UTC), "last": datetime.max.replace(tzinfo=UTC), "in": [{"a": JUST_NOW}]},
    "nested": {"a": {"b": {"c": [{"d": [1, "two", None, {"e": []}]}, {}]}}},
}


@pytest.mark.parametrize("kind", STORABLE)
async def test_document_comes_back_as_it_was_stored(backend: Backend, kind: str) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/states/{kind}"
        await commit(store, Put(path, STORABLE[kind]))
        stored = await fields(store, path)
        assert stored == STORABLE[kind]
        assert repr(sorted(stored.items())) == repr(sorted(STORABLE[kind].items())), "types differ"


async def test_a_point_in_time_is_the_same_value_in_every_zone(backend: Backend) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/states/a"
        first = await commit(store, Put(path, {"at": JUST_NOW}))
        again = await commit(store, Put(path, {"at": JUST_NOW.astimezone(timezone(timedelta(hours=5)))}))
        assert again.update_times == first.update_times, "nothing has changed"
        assert repr(await fields(store, path)) == repr({"at": JUST_NOW})


@pytest.mark.parametrize("write", [Create, Put])
async def test_a_stamp_is_the_time_of_the_commit_to_the_millisecond(backend: Backend, write: type[Create] | type[Put]) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/liveness/{write.__name__}"
        result = await commit(store, write(path, {"seq": 1}, stamp="at"))
        stored = await fields(store, path)
        assert set(stored) == {"seq", "at"}
        assert stored["at"].microsecond % 1000 == 0
        late_us = result.update_times[0] // 1000 - (stored["at"] - EPOCH) // timedelta(microseconds=1)
        assert 0 <= late_us < PATIENCE_SECONDS * 1_000_000


async def test_a_put_that_changes_its_stamp_alone_moves_the_update_time(backend: Backend) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/liveness/p"
        first = await commit(store, Put(path, {"seq": 1}, stamp="at"))
        await asyncio.sleep(0.002)
        second = await commit(store, Put(path, {"seq": 1}, stamp="at"))
        assert second.update_times[0] > first.update_times[0]


@pytest.mark.parametrize("stamp", ["seq", "a.b", "__at__"])
async def test_a_stamp_goes_into_a_field_of_its_own(backend: Backend, stamp: str) -> None:
    async with backend.open() as store:
        with pytest.raises(InvalidMessage, match="stamp"):
            await store.commit([Put(f"{backend.root}/liveness/p", {"seq": 1}, stamp=stamp)])


async def test_a_document_given_out_is_the_readers_own(backend: Backend) -> None:
    async with backend.open() as store:
        path, given = f"{backend.root}/states/a", {"list": [1]}
        await commit(store, Put(path, given))
        given["list"].append(2)
        (await fields(store, path))["list"].append(3)
        assert await fields(store, path) == {"list": [1]}


UNSTORABLE: dict[str, tuple[dict[Any, Any], str]] = {
    "a list in a list": ({"a": {"b": [1, [2]]}}, "a.b[1]"),
    "a set": ({"a": {1}}, "a"),
    "bytes": ({"a": [{"b": b"x"}]}, "a[0].b"),
    "an integer over 64 bits": ({"a": 2**63}, "a"),
    "not a number": ({"a": float("nan")}, "a"),
    "infinity": ({"a": float("inf")}, "a"),
    "a time without a zone": ({"a": {"b": JUST_NOW.replace(tzinfo=None)}}, "a.b"),
    "a time before the year 1": ({"a": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))}, "a"),
    "half a surrogate pair": ({"a": "\ud800"}, "a"),
    "a number as field name": ({"a": {1: 2}}, "a.1"),
    "an empty field name": ({"a": {"": 2}}, "a."),
    "a reserved field name": ({"__a__": 2}, "__a__"),
    "too large": ({"a": "x" * 1_000_000}, "1000000"),
    "too deep": ({"a": __import__("functools").reduce(lambda inner, _: {"a": inner}, range(30), 1)}, "deeper"),
}


@pytest.mark.parametrize("kind", UNSTORABLE)
async def test_unstorable_fields_are_refused_by_name_and_nothing_lands(backend: Backend, kind: str) -> None:
    bad, named = UNSTORABLE[kind]
    async with backend.open() as store:
        good_path, bad_path = f"{backend.root}/states/good", f"{backend.root}/states/bad"
        with pytest.raises(InvalidMessage) as refusal:
            await commit(store, Put(good_path, {}), Put(bad_path, bad))
        assert named in str(refusal.value)
        assert (await get(store, good_path, bad_path)).documents == {}


@pytest.mark.parametrize("path", ["", "a", "a//b", "a/b/c", "/a/b", "a/..", "a/.", "a/__b__", "a/" + "b" * 1501])
async def test_malformed_document_path_is_refused(backend: Backend, path: str) -> None:
    async with backend.open() as store:
        with pytest.raises(InvalidMessage):
            await commit(store, Put(path, {}))
        with pytest.raises(InvalidMessage):
            await get(store, path)
        with pytest.raises(InvalidMessage):
            await until(store.watch(DocumentTarget(path)), anything)


async def test_commit_of_nothing_of_too_much_or_of_one_document_twice_is_refused(backend: Backend) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/states/a"
        with pytest.raises(InvalidMessage):
            await commit(store)
        with pytest.raises(InvalidMessage, match="501"):
            await commit(store, *(Put(f"{path}{n}", {}) for n in range(501)))
        with pytest.raises(InvalidMessage, match="once"):
            await commit(store, Put(path, {"n": 1}), Delete(path))
        with pytest.raises(InvalidMessage, match="9000000"):
            await commit(store, *(Put(f"{path}{n}", {"a": "x" * 900_000}) for n in range(11)))


# Reads


async def test_get_all_leaves_out_what_is_missing(backend: Backend) -> None:
    async with backend.open() as store:
        here, gone = f"{backend.root}/states/here", f"{backend.root}/states/gone"
        await commit(store, Put(here, {"n": 1}))
        assert set((await get(store, gone, here, here)).documents) == {here}


async def test_get_all_of_nothing_or_too_much_is_refused(backend: Backend) -> None:
    async with backend.open() as store:
        with pytest.raises(InvalidMessage):
            await get(store)
        with pytest.raises(InvalidMessage, match="501"):
            await get(store, *(f"a/{n}" for n in range(501)))


async def test_read_time_is_not_before_an_acknowledged_commit_and_before_the_next(backend: Backend) -> None:
    async with backend.open("a") as writer, backend.open("b") as reader:
        path = f"{backend.root}/states/a"
        for n in range(5):
            before = await commit(writer, Put(path, {"n": n}))
            read = await get(reader, path)
            listed = await reader.list_documents(f"{backend.root}/states", timeout_seconds=PATIENCE_SECONDS)
            after = await commit(writer, Put(path, {"n": n + 100}))
            assert before.commit_time <= read.read_time < after.commit_time
            assert before.commit_time <= listed.read_time < after.commit_time
            assert read.documents[path].fields == {"n": n} == listed.documents[path].fields


async def test_who_sees_a_guarded_put_sees_all_that_was_committed_with_it(backend: Backend) -> None:
    head, view = f"{backend.root}/consensus/head", f"{backend.root}/views/public"
    async with backend.open("a") as writer, backend.open("b") as reader:
        landed = await commit(writer, Create(head, {"n": 0}), Create(view, {"n": 0}))

        async def append() -> None:
            version = landed.update_times[0]
            for n in range(1, 200):
                result = await commit(writer, Put(head, {"n": n}, if_update_time=version), Put(view, {"n": n}))
                version = result.update_times[0]

        appending = asyncio.create_task(append())
        while not appending.done():
            seen = (await get(reader, head)).documents[head].fields["n"]
            assert (await get(reader, view)).documents[view].fields["n"] >= seen
        await appending


async def test_list_documents_is_in_id_order_from_start_and_up_to_limit(backend: Backend) -> None:
    async with backend.open() as store:
        log = f"{backend.root}/log"
        await commit(store, *(Put(f"{log}/{name}", {"name": name}) for name in ("03", "01", "é", "B", "a", "02")))
        await commit(store, Put(f"{log}/01/parts/1", {}), Put(f"{backend.root}/logs/1", {}))

        async def listed(**how: Any) -> list[str]:
            result = await store.list_documents(log, timeout_seconds=PATIENCE_SECONDS, **how)
            return [document.id for document in result.documents.values()]

        assert await listed() == ["01", "02", "03", "B", "a", "é"]
        assert await listed(start_at="02", limit=2) == ["02", "03"]
        assert await listed(start_at="021") == ["03", "B", "a", "é"]
        assert await listed(start_at="zz", limit=1) == ["é"]


async def test_list_of_an_empty_collection_has_a_read_time(backend: Backend) -> None:
    async with backend.open() as store:
        before = await commit(store, Put(f"{backend.root}/states/a", {}))
        listed = await store.list_documents(f"{backend.root}/empty", timeout_seconds=PATIENCE_SECONDS)
        assert listed.documents == {}
        assert listed.read_time >= before.commit_time


@pytest.mark.parametrize(("collection", "limit"), [("a/b", 1), ("a", 0), ("a", 501), ("", 1)])
async def test_malformed_list_is_refused(backend: Backend, collection: str, limit: int) -> None:
    async with backend.open() as store:
        with pytest.raises(InvalidMessage):
            await store.list_documents(collection, limit=limit)
        with pytest.raises(InvalidMessage):
            await until(store.watch(CollectionTarget(collection, limit)), anything)


# Watches


async def test_first_snapshot_comes_even_when_nothing_matches(backend: Backend) -> None:
    async with backend.open() as store:
        before = await commit(store, Put(f"{backend.root}/states/a", {}))
        for target in (DocumentTarget(f"{backend.root}/states/none"), CollectionTarget(f"{backend.root}/none")):
            snapshot = await until(store.watch(target), anything)
            assert snapshot.documents == {}
            assert snapshot.read_time >= before.commit_time


async def test_watch_sees_creation_change_and_deletion(backend: Backend) -> None:
    async with backend.open("a") as writer, backend.open("b") as reader:
        path = f"{backend.root}/consensus/head"
        watch = reader.watch(DocumentTarget(path))
        await until(watch, lambda snapshot: not snapshot.documents)
        for n in range(3):
            landed = await commit(writer, Put(path, {"n": n}))
            snapshot = await until(watch, lambda snapshot, n=n: shown(snapshot, path) == {"n": n})
            assert snapshot.documents[path].update_time == landed.update_times[0] <= snapshot.read_time
        await commit(writer, Delete(path))
        await until(watch, lambda snapshot: not snapshot.documents)


async def test_watch_of_a_collection_follows_its_direct_children_in_id_order(backend: Backend) -> None:
    async with backend.open("a") as writer, backend.open("b") as reader:
        inbox = f"{backend.root}/inbox"
        watch = reader.watch(CollectionTarget(inbox, limit=3))
        await until(watch, anything)

        async def ids_become(*wanted: str) -> None:
            await until(watch, lambda snapshot: [d.id for d in snapshot.documents.values()] == list(wanted))

        await commit(writer, Put(f"{inbox}/b", {}), Put(f"{inbox}/a", {}), Put(f"{inbox}/a/parts/1", {}))
        await ids_become("a", "b")
        await commit(writer, Put(f"{inbox}/d", {}), Put(f"{inbox}/c", {}))
        await ids_become("a", "b", "c")
        await commit(writer, Delete(f"{inbox}/a"), Put(f"{backend.root}/other/a", {}))
        await ids_become("b", "c", "d")


async def test_slow_consumer_gets_the_latest_snapshot_and_time_never_goes_back(backend: Backend) -> None:
    async with backend.open("a") as writer, backend.open("b") as reader:
        path = f"{backend.root}/consensus/head"
        slow, quick = reader.watch(DocumentTarget(path)), reader.watch(DocumentTarget(path))
        first = await until(slow, anything)
        for n in range(50):
            await commit(writer, Put(path, {"n": n}))
        await until(quick, lambda s: path in s.documents and s.documents[path].fields["n"] == 49)
        seen = [first]
        while path not in seen[-1].documents or seen[-1].documents[path].fields["n"] != 49:
            seen.append(await until(slow, anything))
        assert len(seen) <= 3
        assert [s.read_time for s in seen] == sorted(s.read_time for s in seen)


async def test_a_wait_that_was_cut_short_loses_no_snapshot(backend: Backend) -> None:
    async with backend.open("a") as writer, backend.open("b") as reader:
        path = f"{backend.root}/consensus/head"
        watch = reader.watch(DocumentTarget(path))
        await until(watch, anything)
        for n in range(3):
            waiting = asyncio.create_task(anext(aiter(watch)))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            await commit(writer, Put(path, {"n": n}))
            shown = await until(watch, anything)
            assert shown.documents[path].fields["n"] == n


async def test_one_commit_shows_whole_in_a_collection(backend: Backend) -> None:
    async with backend.open("a") as writer, backend.open("b") as reader:
        paths = [f"{backend.root}/views/{name}" for name in "abc"]
        watch = reader.watch(CollectionTarget(f"{backend.root}/views"))
        await until(watch, anything)

        async def write() -> None:
            for n in range(20):
                await commit(writer, *(Put(path, {"n": n}) for path in paths))

        writing = asyncio.create_task(write())
        numbers = {-1}
        while numbers != {19}:
            snapshot = await until(watch, anything)
            numbers = {document.fields["n"] for document in snapshot.documents.values()}
            assert len(snapshot.documents) == 3
            assert len(numbers) == 1
        await writing


async def test_no_op_put_gives_no_snapshot(backend: Backend) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/liveness/p"
        await commit(store, Put(path, {"n": 1}))
        watch = store.watch(DocumentTarget(path))
        first = await until(watch, anything)
        await commit(store, Put(path, {"n": 1}))
        await commit(store, Put(path, {"n": 2}))
        second = await until(watch, anything)
        assert (first.documents[path].fields, second.documents[path].fields) == ({"n": 1}, {"n": 2})


async def test_many_watches_live_side_by_side(backend: Backend) -> None:
    async with backend.open() as store:
        paths = [f"{backend.root}/views/{n}" for n in range(40)]
        watches = [store.watch(DocumentTarget(path)) for path in paths]
        await asyncio.gather(*(until(watch, anything) for watch in watches))
        await commit(store, *(Put(path, {"path": path}) for path in paths))
        pairs = zip(paths, watches, strict=True)
        seen = await asyncio.gather(*(until(watch, lambda s, p=path: p in s.documents) for path, watch in pairs))
        assert [snapshot.documents[path].fields["path"] for path, snapshot in zip(paths, seen, strict=True)] == paths


async def test_watches_of_one_target_are_closed_one_by_one(backend: Backend) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/views/public"
        first, second = store.watch(DocumentTarget(path)), store.watch(DocumentTarget(path))
        await until(first, anything)
        await until(second, anything)
        await first.close()
        await commit(store, Put(path, {"n": 1}))
        await until(second, lambda snapshot: path in snapshot.documents)
        third = store.watch(DocumentTarget(path))
        await until(third, lambda snapshot: path in snapshot.documents)


async def test_close_is_idempotent_and_ends_a_running_iteration_without_error(backend: Backend) -> None:
    async with backend.open() as store:
        watch = store.watch(DocumentTarget(f"{backend.root}/views/public"))
        await until(watch, anything)

        async def rest() -> list[WatchSnapshot]:
            return [snapshot async for snapshot in watch]

        iterating = asyncio.create_task(rest())
        await asyncio.sleep(0)
        await watch.close()
        await watch.close()
        assert await asyncio.wait_for(iterating, PATIENCE_SECONDS) == []


async def test_heard_at_moves_when_the_server_speaks(backend: Backend) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/views/public"
        before = asyncio.get_running_loop().time()
        watch = store.watch(DocumentTarget(path))
        opened = watch.heard_at
        await until(watch, anything)
        first = watch.heard_at
        await commit(store, Put(path, {}))
        await until(watch, anything)
        assert before <= opened <= first < watch.heard_at


# Closing


async def test_closed_store_refuses_and_ends_its_watches(backend: Backend) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/views/public"
        watch = store.watch(DocumentTarget(path))
        await until(watch, anything)
        await store.close()
        await store.close()
        assert [snapshot async for snapshot in watch] == []
        for attempt in (commit(store, Put(path, {})), get(store, path), store.list_documents("a")):
            with pytest.raises(StoreUnavailable):
                await attempt
        with pytest.raises(StoreUnavailable):
            await until(store.watch(DocumentTarget(path)), anything)
