"""Measure what docs/decisions cites, on the Firestore emulator of this machine.

    .venv/bin/python tools/measure.py listeners    90 listeners in a process; one write heard by 30 listeners
    .venv/bin/python tools/measure.py outage       what listeners cost while the store is away
    .venv/bin/python tools/measure.py contention   transactions against preconditions, on one document
    .venv/bin/python tools/measure.py takeover     a manager that is paused between its read and its commit
    .venv/bin/python tools/measure.py growth       what a collection's listener waits for, the longer the emulator runs
    .venv/bin/python tools/measure.py sizes        the state and the views of large games at their end

`stock` is the SDK's own client, `ours` the store of this program. Linux only (it reads /proc). Emulator figures say
what a client costs and how many round trips it needs; they are no latencies of production.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from firemesh.core.machine import PUBLIC_AUDIENCE
from firemesh.core.messages import canonical_json
from firemesh.errors import MeshError, PreconditionFailed
from firemesh.game.mafia.offline import play
from firemesh.store.base import DocumentTarget, Put, WatchSnapshot
from firemesh.store.firestore import FirestoreStore
from firemesh_cli.bench.floor.raw import RawClient
from firemesh_cli.stack.supervisor import LocalStack

PROJECT = "demo-measure"
AGENTS, LISTENERS_EACH = 30, 3
WRITES, WRITES_PER_SECOND = 200, 40
IDLE_SECONDS = 5.0
CONTENTION_SECONDS = 10.0
DOCUMENTS_HELD = (100, 1000, 2000, 4000, 8000)
HEARINGS, WARM_UP_HEARINGS = 100, 400
HEAD = "measure/head"

Heard = Callable[[dict[str, Any]], None]


def listeners(stack: LocalStack) -> None:
    """Print a row for each client: threads, memory, idle load, then latency and load of a fan-out."""
    asyncio.run(_warm_up(stack.firestore_host))
    for client in ("stock", "ours"):
        child = _child(client, stack.firestore_host, AGENTS * LISTENERS_EACH, "measure/doc-{}")
        print(client, "90 listeners, idle:", json.dumps(_tell(child, "idle")), flush=True)
        _end(child)
        child = _child(client, stack.firestore_host, AGENTS, "measure/fan")
        asyncio.run(_write_steadily(stack.firestore_host))
        print(client, "30 listeners on one document:", json.dumps(_tell(child, "heard")), flush=True)
        _end(child)


def outage(stack: LocalStack) -> None:
    """Print for each client the load of 9 listeners for 10 s after the emulator has gone."""
    asyncio.run(_warm_up(stack.firestore_host))
    children = {client: _child(client, stack.firestore_host, 9, "measure/doc-{}") for client in ("stock", "ours")}
    stack.stop()
    time.sleep(2)
    for client, child in children.items():
        print(client, "9 listeners, store away:", json.dumps(_tell(child, "idle")), flush=True)
        _end(child)


def contention(stack: LocalStack) -> None:
    """Print how often 1, 2 and 5 writers can read one document and write it again, all sharing 10 s."""
    asyncio.run(_warm_up(stack.firestore_host))
    for writers in (1, 2, 5):
        print("precondition,", writers, "writers:", json.dumps(asyncio.run(_race(stack.firestore_host, writers))), flush=True)
        print("stock transaction,", writers, "writers:", json.dumps(_race_stock(stack.firestore_host, writers)), flush=True)


def takeover(stack: LocalStack) -> None:
    """Print how long a conditional write waits for a manager that read the document and then was paused."""
    asyncio.run(_warm_up(stack.firestore_host))
    print("the paused manager made a plain read:", asyncio.run(_take_over(stack.firestore_host)), "s", flush=True)
    client = _stock_client(stack.firestore_host)
    transaction = client.transaction()
    transaction._begin()
    client.document(HEAD).get(transaction=transaction)
    print("the paused manager holds a transaction:", asyncio.run(_take_over(stack.firestore_host)), "s", flush=True)


def growth(stack: LocalStack) -> None:
    """Print how long a change takes to be heard by a listener to a document and by one to a collection of one document."""
    asyncio.run(_grow(stack.firestore_host))


def sizes() -> None:
    """Print the largest state and views, in bytes of JSON, at the end of six games of 30 scripted players."""
    largest = {"state": 0, "public view": 0, "own view": 0}
    for seed in range(6):
        game = play(seed, 30)
        measured = {"state": game.machine.encode(game.state)}
        for audience, view in game.machine.views(game.state).items():
            measured["public view" if audience == PUBLIC_AUDIENCE else audience] = view
        for name, value in measured.items():
            kind = name if name in largest else "own view"
            largest[kind] = max(largest[kind], len(canonical_json(value).encode()))
    print(json.dumps(largest))


# --- children: one client each, so that they do not share threads or memory ---------------------------------------------


def listen(client: str, host: str, count: int, path: str) -> None:
    """The child's whole life: open listeners, say so, then answer questions until there are no more."""
    report = _Report()
    paths = [path.format(number) for number in range(count)]
    before = _resources()
    if client == "ours":
        threading.Thread(target=lambda: asyncio.run(_listen_ours(host, paths, report)), daemon=True).start()
    else:
        _listen_stock(host, paths, report)
    while report.opened < count:
        time.sleep(0.01)
    print("ready", flush=True)
    for question in sys.stdin:
        answer = report.load_while_idle(before) if question.strip() == "idle" else report.fan_out(count)
        print(json.dumps(answer), flush=True)
    os._exit(0)


class _Report:
    """What a child heard."""

    def __init__(self) -> None:
        self.opened = 0
        self.latencies_ms: list[float] = []
        self.cpu_at_first = self.cpu_at_last = 0.0
        self.watches: list[Any] = []

    def hear(self, fields: dict[str, Any]) -> None:
        if "sent_ns" not in fields:
            self.opened += 1
            return
        now = time.time_ns()
        self.cpu_at_last = time.process_time()
        self.cpu_at_first = self.cpu_at_first or self.cpu_at_last
        self.latencies_ms.append((now - fields["sent_ns"]) / 1e6)

    def load_while_idle(self, before: dict[str, float]) -> dict[str, float]:
        cpu, after = time.process_time(), _resources()
        time.sleep(IDLE_SECONDS)
        load = (time.process_time() - cpu) / IDLE_SECONDS
        return {
            "threads_added": after["threads"] - before["threads"],
            "mb_added": round(after["mb"] - before["mb"], 1),
            "cpu_percent_of_a_core": round(100 * load, 1),
        }

    def fan_out(self, listeners: int) -> dict[str, float]:
        deliveries = len(self.latencies_ms)
        ordered = sorted(self.latencies_ms)
        return {
            "deliveries": deliveries,
            "of": WRITES * listeners,
            "p50_ms": round(statistics.median(ordered), 1),
            "p99_ms": round(ordered[int(0.99 * deliveries)], 1),
            "cpu_us_per_delivery": round(1e6 * (self.cpu_at_last - self.cpu_at_first) / deliveries),
        }


async def _listen_ours(host: str, paths: list[str], report: _Report) -> None:
    store = FirestoreStore(PROJECT, host=host, one_stream=True)

    async def follow(path: str) -> None:
        while True:
            try:
                async for snapshot in store.watch(DocumentTarget(path)):
                    report.hear(_only_document(snapshot))
            except MeshError:
                await asyncio.sleep(1)

    await asyncio.gather(*(follow(path) for path in paths))


def _only_document(snapshot: WatchSnapshot) -> dict[str, Any]:
    return dict(next(iter(snapshot.documents.values())).fields) if snapshot.documents else {}


def _listen_stock(host: str, paths: list[str], report: _Report) -> None:
    client = _stock_client(host)
    lock = threading.Lock()

    def heard(documents: Any, _changes: Any, _read_time: Any) -> None:
        with lock:
            report.hear((documents[0].to_dict() or {}) if documents else {})

    report.watches = [client.document(path).on_snapshot(heard) for path in paths]


def _resources() -> dict[str, float]:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {"threads": int(status["Threads"]), "mb": int(status["VmRSS"].split()[0]) / 1024}


def _child(client: str, host: str, count: int, path: str) -> "subprocess.Popen[str]":
    command = [sys.executable, __file__, "_listen", client, host, str(count), path]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert child.stdout is not None
    while child.stdout.readline().strip() != "ready":
        assert child.poll() is None, "the listening process died"
    return child


def _tell(child: "subprocess.Popen[str]", question: str) -> dict[str, float]:
    assert child.stdin is not None and child.stdout is not None
    print(question, file=child.stdin, flush=True)
    answer: dict[str, float] = json.loads(child.stdout.readline())
    return answer


def _end(child: "subprocess.Popen[str]") -> None:
    child.kill()
    child.communicate()


# --- writers ------------------------------------------------------------------------------------------------------------


async def _warm_up(host: str) -> None:
    store = FirestoreStore(PROJECT, host=host)
    await store.commit([Put("measure/warm", {"n": -1})], timeout_seconds=60)
    for number in range(500):
        await store.commit([Put("measure/warm", {"n": number})], timeout_seconds=60)
    await store.commit([Put("measure/fan", {"opened": True}), Put(HEAD, {"n": 0})])
    await store.close()


async def _write_steadily(host: str) -> None:
    store = FirestoreStore(PROJECT, host=host)
    for number in range(WRITES):
        await store.commit([Put("measure/fan", {"sent_ns": time.time_ns(), "n": number})], timeout_seconds=10)
        await asyncio.sleep(1 / WRITES_PER_SECOND)
    await asyncio.sleep(1)
    await store.commit([Put("measure/fan", {"opened": True})])
    await store.close()


async def _race(host: str, writers: int) -> dict[str, float]:
    took_ms: list[float] = []
    until = time.monotonic() + CONTENTION_SECONDS

    async def write() -> None:
        store = FirestoreStore(PROJECT, host=host)
        while (start := time.monotonic()) < until:
            await _bump(store)
            took_ms.append(1000 * (time.monotonic() - start))
        await store.close()

    await asyncio.gather(*(write() for _ in range(writers)))
    return _rate(took_ms, failed=0)


async def _bump(store: FirestoreStore) -> None:
    """Add one; whoever finds the document changed by another reads it again."""
    while True:
        document = (await store.get_all([HEAD], timeout_seconds=60)).documents[HEAD]
        write = Put(HEAD, {"n": document.fields["n"] + 1}, if_update_time=document.update_time)
        try:
            await store.commit([write], timeout_seconds=60)
        except PreconditionFailed:
            await asyncio.sleep(random.uniform(0, 0.005))
        else:
            return


def _race_stock(host: str, writers: int) -> dict[str, float]:
    took_ms: list[float] = []
    failed: list[str] = []
    until = time.monotonic() + CONTENTION_SECONDS

    def write() -> None:
        from google.cloud import firestore

        client = _stock_client(host)
        reference = client.document(HEAD)

        @firestore.transactional
        def bump(transaction: Any) -> None:
            n = reference.get(transaction=transaction).to_dict()["n"]
            transaction.set(reference, {"n": n + 1})

        while (start := time.monotonic()) < until:
            try:
                bump(client.transaction())
            except Exception as error:
                failed.append(type(error).__name__)
            else:
                took_ms.append(1000 * (time.monotonic() - start))

    threads = [threading.Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _rate(took_ms, failed=len(failed))


def _rate(took_ms: list[float], *, failed: int) -> dict[str, float]:
    return {
        "done_per_second": round(len(took_ms) / CONTENTION_SECONDS, 1),
        "p50_ms": round(statistics.median(took_ms), 1) if took_ms else 0.0,
        "failed": failed,
    }


async def _grow(host: str) -> None:
    async with RawClient(PROJECT, host) as raw:
        await raw.set("measure/heard", {"n": 0})
        (document,), (collection,) = await raw.listen("measure/heard"), await raw.listen("measure/heard/inbox")
        await document.get()
        places = {"measure/heard": document, "measure/heard/inbox/one": collection}
        numbers = itertools.count(1)
        await _hear(raw, places, numbers, WARM_UP_HEARINGS)
        held = 0
        for wanted in DOCUMENTS_HELD:
            for first in range(held, wanted, 100):
                await raw.commit({f"grown/{number}": {"n": number} for number in range(first, first + 100)})
            held = wanted
            document_ms, collection_ms = await _hear(raw, places, numbers, HEARINGS)
            print(f"{held} documents held: document {document_ms:.2f} ms, collection {collection_ms:.2f} ms", flush=True)


async def _hear(raw: RawClient, places: Mapping[str, Any], numbers: Iterator[int], times: int) -> list[float]:
    """Change each place in turn until it has been heard; the medians of what that took, in milliseconds."""
    took_ms: list[list[float]] = [[] for _ in places]
    for number in itertools.islice(numbers, times):
        for (path, heard), took in zip(places.items(), took_ms, strict=True):
            started = time.perf_counter()
            await raw.set(path, {"n": number})
            while (await heard.get())["n"] != number:
                pass
            took.append(1000 * (time.perf_counter() - started))
    return [statistics.median(each) for each in took_ms]


async def _take_over(host: str) -> float:
    """Seconds until a conditional write of the head lands, as a manager that takes over would try it."""
    store = FirestoreStore(PROJECT, host=host)
    document = (await store.get_all([HEAD])).documents[HEAD]
    start = time.monotonic()
    while True:
        try:
            await store.commit([Put(HEAD, {"n": document.fields["n"] + 1}, if_update_time=document.update_time)])
            break
        except PreconditionFailed:
            now = (await store.get_all([HEAD])).documents[HEAD]
            if now.update_time != document.update_time:
                break  # an earlier try, whose answer was lost, has landed
        except MeshError:
            continue
    await store.close()
    return round(time.monotonic() - start, 3)


def _stock_client(host: str) -> Any:
    from google.cloud import firestore

    os.environ["FIRESTORE_EMULATOR_HOST"] = host
    return firestore.Client(project=PROJECT)


MEASUREMENTS = {each.__name__: each for each in (listeners, outage, contention, takeover, growth)}


def main() -> None:
    """Measure what the command line names."""
    if sys.argv[1:2] == ["_listen"]:
        _, _, client, host, count, path = sys.argv
        listen(client, host, int(count), path)
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=[*MEASUREMENTS, "sizes"])
    what = parser.parse_args().what
    if what == "sizes":
        sizes()
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    with LocalStack() as stack:
        MEASUREMENTS[what](stack)


if __name__ == "__main__":
    main()
