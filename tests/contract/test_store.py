"""What every store must do, run against the in-memory one and against Firestore's emulator: commits and reads."""

import asyncio
from typing import Any

import pytest

from firemesh.errors import InvalidMessage, PreconditionFailed
from firemesh.store.base import (
    CollectionTarget,
    Create,
    Delete,
    Put,
    Store,
)
from tests.contract.conftest import Backend
from tests.support.patient import PATIENCE_SECONDS, anything, commit, fields, get, until

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
