"""A process that subscribes to documents, three for each agent, and says how many threads that took.

    python -m firemesh_cli.bench.subscriber KIND PROJECT HOST AGENTS

KIND is how: `one-stream` and `emulator` are our store as it is towards Firestore and towards an emulator, `sdk` is on_snapshot.
It prints `ready` and the number of threads added, and waits until it is killed. What a process has anyway, for a connection
that writes, is there before the counting begins.
"""

import asyncio
import contextlib
import sys
from pathlib import Path

SUBSCRIPTIONS = ("agents", "views", "states")
"""What an agent listens to: its row in the roster, its view, and a third."""
WARM_UP_WRITES = 20


def threads() -> int:
    """How many threads this process has, those of libraries in other languages included."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("Threads:")[2].split()[0])


async def subscribe(kind: str, project: str, host: str, agents: int) -> None:
    """The whole life of this process."""
    paths = [f"meshes/bench/{each}/w{number}" for number in range(agents) for each in SUBSCRIPTIONS]
    async with contextlib.AsyncExitStack() as around:
        if kind == "sdk":
            before = await _sdk(around, project, host, paths)
        else:
            before = await _ours(around, project, host, paths, one=kind == "one-stream")
        print("ready", threads() - before, flush=True)
        await asyncio.Event().wait()


async def _ours(around: contextlib.AsyncExitStack, project: str, host: str, paths: list[str], *, one: bool) -> int:
    from firemesh.store.base import DocumentTarget, Put
    from firemesh.store.firestore import FirestoreStore

    store = FirestoreStore(project, host=host, one_stream=True if one else None)
    around.push_async_callback(store.close)
    for number in range(WARM_UP_WRITES):
        await store.commit([Put("warm/up", {"n": number})], timeout_seconds=60.0)
    before = threads()
    await asyncio.gather(*(anext(aiter(store.watch(DocumentTarget(path)))) for path in paths))
    return before


async def _sdk(around: contextlib.AsyncExitStack, project: str, host: str, paths: list[str]) -> int:
    from firemesh_cli.bench.floor.stock import StockClient

    stock = StockClient(project, host)
    around.callback(stock.close)
    for number in range(WARM_UP_WRITES):
        await stock.create(f"warm/up{len(paths)}-{number}", {"n": number})
    before = threads()
    await asyncio.gather(*(stock.listen(path).get() for path in paths))
    return before


if __name__ == "__main__":
    kind, project, host, agents = sys.argv[1:]
    asyncio.run(subscribe(kind, project, host, int(agents)))
