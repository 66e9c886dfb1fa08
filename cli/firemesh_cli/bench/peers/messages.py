"""How long a message takes from its sender to one listener, and to thirty.

Sender and listeners are processes of their own, and every listener has a connection of its own. The sender sends at a steady
rate without waiting for what it sent before; a message's time runs from the call that sends it to the moment at which a
listener has it in hand. The first messages warm up what there is to warm up, and do not count.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

from firemesh_cli.bench.peers.system import LISTENS
from firemesh_cli.bench.peers.workplace import Client, Workplace

PER_SECOND = 40
WARM_UP = 40
PROCESSES = 5
START_SECONDS_MAX = 60.0
"""For the sender to connect, or to join a mesh: a busy machine is slow."""
REST_SECONDS = 1.0
"""Time for the last messages to arrive."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of the messages of one run: seconds of each delivery, in no order, and how many never came."""

    seconds: tuple[float, ...]
    lost: int


async def measure(place: Workplace, key: str, address: str, *, first: int, messages: int, listeners: int) -> Heard:
    """Send messages, numbered from `first` on, to so many listeners, spread over at most five processes.

    Numbers go on from run to run on one server: some systems show a listener what was last said before.

    Raises:
        LocalStackError: a client failed.
    """
    processes = min(PROCESSES, listeners)
    task = {"system": key, "address": address, "listeners": listeners // processes}
    sending = {"does": "publish", "first": first, "messages": WARM_UP + messages, "per_second": PER_SECOND}
    async with contextlib.AsyncExitStack() as ending:

        async def client(name: str, does: dict[str, Any]) -> Client:
            started = await place.client({**task, **does, "name": name})
            ending.push_async_callback(started.kill)
            return started

        audience = await asyncio.gather(*(client(f"listener {n}", {"does": "listen"}) for n in range(processes)))
        sender = await client("sender", sending)
        for each in audience:
            each.go()
            await each.word(LISTENS)
        sender.go()
        sent = await sender.word("sent", START_SECONDS_MAX + 2 * (WARM_UP + messages) / PER_SECOND)
        await asyncio.sleep(REST_SECONDS)
        for each in audience:
            each.go()
        heard = [times for each in audience for times in (await each.word("heard"))["times"]]
    return matched(sent["times"], heard, first + WARM_UP)


def matched(sent_at: dict[str, float], heard_at: list[dict[str, float]], first: int) -> Heard:
    """Put together when each message was sent and when each listener heard it, by its number; from `first` on they count."""
    counted = [number for number in sent_at if int(number) >= first]
    seconds = tuple(times[number] - sent_at[number] for times in heard_at for number in counted if number in times)
    return Heard(seconds, len(heard_at) * len(counted) - len(seconds))
