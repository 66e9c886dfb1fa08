"""Every operation is billed as Firestore's price list says, measured from outside on the real emulator."""

import asyncio
import secrets
import signal
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import grpc
import pytest

from firemesh.errors import LocalStackError, OutcomeUnknown, PreconditionFailed, StoreUnavailable
from firemesh.store.base import CollectionTarget, Create, Delete, DocumentTarget, Put, Store, WatchSnapshot
from firemesh.store.firestore import FirestoreStore, connect
from firemesh_cli.stack.meter import Meter, read_meter
from firemesh_cli.stack.prices import dollars
from firemesh_cli.stack.reading import Billed, MeterReading
from tests.contract.wires import Wire
from tests.support.patient import PATIENCE_SECONDS, commit, until

PROJECT = "demo-meter"


class Metered:
    """A store behind a meter. `spent()` is what was billed since the last time it was asked.

    Its listeners share a stream, as they do in production: by default one on the emulator reads, sooner or later, what it was
    told once more.
    """

    def __init__(self, meter: Meter, store: FirestoreStore) -> None:
        self.meter = meter
        self.store = store
        self.mesh = f"meshes/m{secrets.token_hex(6)}"
        self._before = MeterReading()

    def spent(self) -> MeterReading:
        now, before = self.meter.counts(), self._before
        self._before = now
        return now - before


@asynccontextmanager
async def metered(upstream_host: str, client: str = "p1") -> AsyncIterator[Metered]:
    async with Meter(upstream_host) as meter:
        store = FirestoreStore(PROJECT, host=meter.host, client_name=client, one_stream=True)
        try:
            yield Metered(meter, store)
        finally:
            await store.close()


async def put(store: Store, *paths: str, n: int = 0) -> None:
    await store.commit([Put(path, {"n": n}) for path in paths], timeout_seconds=PATIENCE_SECONDS)


def of(path: str, n: int) -> Callable[[WatchSnapshot], bool]:
    return lambda snapshot: path in snapshot.documents and snapshot.documents[path].fields["n"] == n


async def python(*arguments: str) -> Process:
    return await create_subprocess_exec(sys.executable, *arguments, stdout=PIPE)


async def first_line(process: Process) -> str:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), PATIENCE_SECONDS)
    return line.decode().strip()


async def test_commit_bills_each_write_and_delete_by_kind_and_no_read(firestore_host: str) -> None:
    async with metered(firestore_host) as it:
        head, log, view = (f"{it.mesh}/{tail}" for tail in ("consensus/head", "log/000000000001", "views/public"))
        writes = [Put(head, {}), Create(log, {}), Put(view, {}), Delete(f"{it.mesh}/inbox/a_00000001")]
        await it.store.commit(writes, timeout_seconds=PATIENCE_SECONDS)
        spent = it.spent()
        assert spent.by_kind == {
            "head": Billed(writes=1),
            "inbox": Billed(deletes=1),
            "log": Billed(writes=1),
            "views": Billed(writes=1),
        }
        assert (spent.reads, spent.writes, spent.deletes, spent.failed_writes) == (0, 3, 1, 0)
        assert spent.rpcs == {"Commit": 1}
        assert spent.bytes_sent > 0 < spent.bytes_received


async def test_no_op_write_is_billed(firestore_host: str) -> None:
    async with metered(firestore_host) as it:
        await put(it.store, f"{it.mesh}/liveness/p1")
        await put(it.store, f"{it.mesh}/liveness/p1")
        assert it.spent().by_kind == {"liveness": Billed(writes=2)}


async def test_refused_commit_bills_nothing_and_counts_as_failed(firestore_host: str) -> None:
    async with metered(firestore_host) as it:
        await put(it.store, f"{it.mesh}/votes/1_a")
        it.spent()
        with pytest.raises(PreconditionFailed):
            writes = [Put(f"{it.mesh}/consensus/head", {}), Create(f"{it.mesh}/votes/1_a", {})]
            await it.store.commit(writes, timeout_seconds=PATIENCE_SECONDS)
        spent = it.spent()
        assert spent.by_kind == {"head": Billed(failed_writes=1), "votes": Billed(failed_writes=1)}
        assert (spent.writes, spent.failed_writes) == (0, 2)


async def test_get_bills_one_read_per_document_found_or_missing(firestore_host: str) -> None:
    async with metered(firestore_host) as it:
        await put(it.store, f"{it.mesh}/consensus/head")
        it.spent()
        await it.store.get_all([f"{it.mesh}/consensus/head", f"{it.mesh}/votes/1_a"], timeout_seconds=PATIENCE_SECONDS)
        assert it.spent().by_kind == {"head": Billed(reads=1), "votes": Billed(reads=1)}


async def test_query_bills_one_read_per_document_and_at_least_one(firestore_host: str) -> None:
    async with metered(firestore_host) as it:
        await it.store.list_documents(f"{it.mesh}/log", timeout_seconds=PATIENCE_SECONDS)
        assert it.spent().by_kind == {"log": Billed(reads=1)}
        await put(it.store, f"{it.mesh}/log/1", f"{it.mesh}/log/2", f"{it.mesh}/log/3")
        it.spent()
        await it.store.list_documents(f"{it.mesh}/log", limit=2, timeout_seconds=PATIENCE_SECONDS)
        assert it.spent().by_kind == {"log": Billed(reads=2)}


async def test_document_listener_bills_its_start_and_each_change_but_no_deletion(firestore_host: str) -> None:
    async with metered(firestore_host) as it:
        path = f"{it.mesh}/consensus/head"
        await put(it.store, path)
        it.spent()
        watch = it.store.watch(DocumentTarget(path))
        await until(watch, of(path, 0))
        assert it.spent().by_kind == {"head": Billed(reads=1)}
        for n in (1, 2, 3):
            await put(it.store, path, n=n)
            await until(watch, of(path, n))
        assert it.spent().by_kind == {"head": Billed(reads=3, writes=3)}
        await it.store.commit([Delete(path)], timeout_seconds=PATIENCE_SECONDS)
        await until(watch, lambda snapshot: not snapshot.documents)
        assert it.spent().by_kind == {"head": Billed(deletes=1)}


async def test_listener_to_nothing_bills_one_read(firestore_host: str) -> None:
    async with metered(firestore_host) as it:
        await until(it.store.watch(DocumentTarget(f"{it.mesh}/views/public")), lambda _: True)
        assert it.spent().by_kind == {"views": Billed(reads=1)}
        await until(it.store.watch(CollectionTarget(f"{it.mesh}/inbox")), lambda _: True)
        assert it.spent().by_kind == {"inbox": Billed(reads=1)}


async def test_what_the_emulator_sends_again_to_a_query_listener_is_not_billed(firestore_host: str) -> None:
    async with metered(firestore_host) as it:
        paths = [f"{it.mesh}/inbox/{n}" for n in range(5)]
        await put(it.store, *paths)
        it.spent()
        watch = it.store.watch(CollectionTarget(f"{it.mesh}/inbox"))
        await until(watch, of(paths[4], 0))
        assert it.spent().by_kind == {"inbox": Billed(reads=5)}
        for n in (1, 2, 3):
            await put(it.store, paths[0], n=n)
            await until(watch, of(paths[0], n))
        assert it.spent().by_kind == {"inbox": Billed(reads=3, writes=3)}
        await it.store.commit([Delete(paths[1])], timeout_seconds=PATIENCE_SECONDS)
        await until(watch, lambda snapshot: len(snapshot.documents) == 4)
        assert it.spent().by_kind == {"inbox": Billed(deletes=1)}


async def test_watches_of_one_target_in_one_process_are_billed_once(firestore_host: str) -> None:
    async with metered(firestore_host) as it:
        path = f"{it.mesh}/views/public"
        await put(it.store, path)
        it.spent()
        watches = [it.store.watch(DocumentTarget(path)) for _ in range(4)]
        for watch in watches:
            await until(watch, of(path, 0))
        await put(it.store, path, n=1)
        for watch in watches:
            await until(watch, of(path, 1))
        spent = it.spent()
        assert spent.by_kind == {"views": Billed(reads=2, writes=1)}
        assert spent.rpcs == {"Commit": 1, "Listen": 1}


async def test_a_listener_that_resumes_is_billed_for_changes_only(firestore_host: str) -> None:
    async with metered(firestore_host) as it, Wire.to(it.meter.host) as (wire, host):
        reader = FirestoreStore(PROJECT, host=host, one_stream=True)
        same, changed, inbox = f"{it.mesh}/agents/a", f"{it.mesh}/consensus/head", f"{it.mesh}/inbox"
        await put(it.store, same, changed, f"{inbox}/1", f"{inbox}/2")
        targets = (DocumentTarget(same), DocumentTarget(changed), CollectionTarget(inbox))
        watches = [reader.watch(target) for target in targets]
        for watch in watches:
            await until(watch, lambda snapshot: bool(snapshot.documents))
        it.spent()
        wire.cut()
        await commit(it.store, Put(changed, {"n": 1}), Put(f"{inbox}/1", {"n": 1}))
        wire.mend()
        await until(watches[1], of(changed, 1))
        await until(watches[2], of(f"{inbox}/1", 1))
        await until(reader.watch(DocumentTarget(f"{it.mesh}/views/public")), lambda _: True)
        reads = {kind: billed.reads for kind, billed in it.spent().by_kind.items()}
        assert reads == {"head": 1, "inbox": 1, "views": 1}
        await reader.close()


async def test_clients_are_billed_apart(firestore_host: str) -> None:
    async with metered(firestore_host, client="p1") as it:
        other = FirestoreStore(PROJECT, host=it.meter.host, client_name="p2")
        path = f"{it.mesh}/consensus/head"
        await put(it.store, path)
        await other.get_all([path], timeout_seconds=PATIENCE_SECONDS)
        await other.close()
        assert it.spent().by_client_kind == {("p1", "head"): Billed(writes=1), ("p2", "head"): Billed(reads=1)}
        assert it.meter.counts().by_client == {"p1": Billed(writes=1), "p2": Billed(reads=1)}


async def test_reading_survives_the_way_to_another_process_and_costs_nothing(firestore_host: str) -> None:
    async with metered(firestore_host) as it:
        await put(it.store, f"{it.mesh}/consensus/head")
        there = await read_meter(it.meter.host, timeout_seconds=PATIENCE_SECONDS)
        assert there == it.meter.counts() == await read_meter(it.meter.host, timeout_seconds=PATIENCE_SECONDS)
        assert dollars(there) == pytest.approx(0.09 / 100_000)


async def test_meter_of_its_own_process_counts_and_ends_on_sigterm(firestore_host: str) -> None:
    process = await python("-m", "firemesh_cli.stack.meter", "--upstream", firestore_host)
    try:
        host = (await first_line(process)).removeprefix("METER ")
        store = FirestoreStore(PROJECT, host=host)
        await put(store, f"meshes/m{secrets.token_hex(6)}/consensus/head")
        await store.close()
        assert (await read_meter(host, timeout_seconds=PATIENCE_SECONDS)).by_client_kind == {("", "head"): Billed(writes=1)}
    finally:
        process.send_signal(signal.SIGTERM)
        ended = await asyncio.wait_for(process.wait(), PATIENCE_SECONDS)
    assert ended == 0


async def test_reading_a_meter_that_is_not_there_is_said() -> None:
    with pytest.raises(LocalStackError, match="no billing meter"):
        await read_meter("127.0.0.1:1", timeout_seconds=0.2)


LISTENING_CLIENT = """
import asyncio, sys
from firemesh.store.base import CollectionTarget
from firemesh.store.firestore import FirestoreStore
async def main():
    store = FirestoreStore(sys.argv[1], host=sys.argv[2], client_name="victim")
    async for snapshot in store.watch(CollectionTarget(sys.argv[3])):
        print(len(snapshot.documents), flush=True)
asyncio.run(main())
"""


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
async def test_a_stopped_or_killed_client_holds_up_nobody(firestore_host: str, how: signal.Signals) -> None:
    async with metered(firestore_host) as it:
        inbox = f"{it.mesh}/inbox"
        victim = await python("-c", LISTENING_CLIENT, PROJECT, it.meter.host, inbox)
        try:
            assert await first_line(victim) == "0"
            victim.send_signal(how)
            watch = it.store.watch(CollectionTarget(inbox))
            for n in range(40):
                path, body = f"{inbox}/{n % 4}", {"n": n, "text": "x" * 50_000}
                await commit(it.store, Put(path, body))
                await until(watch, of(path, n))
        finally:
            if victim.returncode is None:
                victim.kill()
            await victim.wait()


async def test_a_function_connects_to_the_meter_though_its_emulator_names_another_host(
    firestore_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Meter(firestore_host) as meter:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
        monkeypatch.setenv("FIREMESH_FIRESTORE_HOST", meter.host)
        store = connect(PROJECT, client_name="inbox")
        await store.get_all(["meshes/m1"], timeout_seconds=PATIENCE_SECONDS)
        await store.close()
        assert meter.counts().by_client == {"inbox": Billed(reads=1)}


async def test_a_dead_emulator_is_passed_on_as_unavailable(firestore_host: str) -> None:
    async with Meter("127.0.0.1:1") as meter:
        store = FirestoreStore(PROJECT, host=meter.host)
        with pytest.raises(StoreUnavailable):
            await store.get_all(["meshes/m1"], timeout_seconds=PATIENCE_SECONDS)
        with pytest.raises(OutcomeUnknown):
            await store.commit([Put("meshes/m1", {})], timeout_seconds=PATIENCE_SECONDS)
        await store.close()
        assert meter.counts().by_kind == {"mesh": Billed(failed_writes=1)}


async def test_the_emulators_refusal_is_passed_on_word_for_word(firestore_host: str) -> None:
    details = []
    async with Meter(firestore_host) as meter:
        for host in (firestore_host, meter.host):
            async with grpc.aio.insecure_channel(host) as channel:
                with pytest.raises(grpc.aio.AioRpcError) as refusal:
                    await channel.unary_unary("/google.firestore.v1.Firestore/Commit")(b"", timeout=PATIENCE_SECONDS)
                details.append((refusal.value.code(), refusal.value.details()))
    assert details[0] == details[1]
