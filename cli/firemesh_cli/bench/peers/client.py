"""One measured client, as a process: a candidate, a publisher, or some listeners. Started by `Workplace.client`.

Its argument is a JSON object: `does` (elect, publish or listen), `system` (a key of the catalogue), `address` (what
`System.running` gave), `name`, and what the one thing needs besides. It speaks in lines of JSON, each with a `word` and the
time: first "loaded", and after a line on its standard input what it has to tell. All times are of the machine's monotonic
clock, which its processes share.
"""

import asyncio
import json
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from firemesh_cli.bench.peers.catalogue import COURIERS, ELECTORS
from firemesh_cli.bench.peers.system import LISTENS, Say

MESSAGE_CHARACTERS = 200

Told = Callable[[], Awaitable[object]]
"""Waits for a line from the driver."""

_speaking = threading.Lock()


def say(word: str, **more: Any) -> None:
    """Tell the driver."""
    line = json.dumps({"word": word, "at": time.monotonic(), **more})
    with _speaking:
        print(line, flush=True)


async def elect(task: Mapping[str, Any], told: Told) -> None:
    """Stand for leadership until killed."""
    elector = ELECTORS[task["system"]](task["address"])
    await elector.campaign(task["name"], task["ttl_seconds"], say)


async def publish(task: Mapping[str, Any], told: Told) -> None:
    """Send so many messages a second, none waiting for the one before; tell when each was sent."""
    send = await COURIERS[task["system"]](task["address"]).publisher()
    sent_at: dict[int, float] = {}

    async def one(number: int) -> None:
        sent_at[number] = time.monotonic()
        await send(number, str(number).ljust(MESSAGE_CHARACTERS, "."))

    loop = asyncio.get_running_loop()
    started = loop.time()
    async with asyncio.TaskGroup() as sending:
        for count in range(task["messages"]):
            await asyncio.sleep(started + count / task["per_second"] - loop.time())
            sending.create_task(one(task["first"] + count))
    say("sent", times=sent_at)


async def listen(task: Mapping[str, Any], told: Told) -> None:
    """Listen over several connections until told to stop; tell when each heard each message."""
    heard_at: list[dict[int, float]] = [{} for _ in range(task["listeners"])]
    listening = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_listen(task, times, lambda _: listening.release())) for times in heard_at]
        for _ in tasks:
            await listening.acquire()
        say(LISTENS)
        await told()
        for each in tasks:
            each.cancel()
    say("heard", times=heard_at)


async def _listen(task: Mapping[str, Any], heard_at: dict[int, float], tell: Say) -> None:
    def heard(number: int) -> None:
        heard_at.setdefault(number, time.monotonic())

    await COURIERS[task["system"]](task["address"]).listen(tell, heard)


async def main(task: Mapping[str, Any]) -> None:
    """Do what the task says, once the driver says so."""
    reader = asyncio.StreamReader()  # held here: its transport holds it weakly
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    say("loaded")
    if await reader.readline():
        await {"elect": elect, "publish": publish, "listen": listen}[task["does"]](task, reader.readline)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
