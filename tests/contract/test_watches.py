"""What a watch shows, in every store, and how it ends."""

import asyncio

import pytest

from firemesh.errors import StoreUnavailable
from firemesh.store.base import (
    CollectionTarget,
    Delete,
    DocumentTarget,
    Put,
    WatchSnapshot,
)
from tests.contract.conftest import Backend
from tests.support.patient import PATIENCE_SECONDS, anything, commit, get, shown, until


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
