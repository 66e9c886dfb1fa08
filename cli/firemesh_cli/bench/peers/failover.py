"""How long nobody leads after the leader was killed.

Three candidates, each a process of its own, stand in one election. The one that leads is killed by SIGKILL at a random moment
of its renewals; what counts is the time until another one knows that it leads. A fourth process, started beforehand, then takes
the place of the dead.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from firemesh.errors import LocalStackError
from firemesh_cli.bench.peers.system import LEADS, STANDS, TTL_SECONDS, System
from firemesh_cli.bench.peers.workplace import Client, Workplace

CANDIDATES = ("m1", "m2", "m3")
PATIENCE_SECONDS = 15 * TTL_SECONDS
REST_SECONDS = (0.75 * TTL_SECONDS, 1.25 * TTL_SECONDS)
"""For how long a leader leads before it is killed: more than one renewal, so that every moment between two is as likely."""
SEED = 7
ENDED = "ended"
"""The last word of a candidate, said for it."""


async def measure(place: Workplace, key: str, system: System, kills: int) -> list[float]:
    """Seconds without a leader, for each kill. Raises LocalStackError."""
    chance = random.Random(SEED)
    async with system.running(place) as address, contextlib.AsyncExitStack() as ending:
        task = {"does": "elect", "system": key, "address": address, "ttl_seconds": TTL_SECONDS}
        election = _Election(place, task)
        ending.push_async_callback(election.end)
        for name in CANDIDATES:
            await election.join(await election.prepare(name))
        found = []
        for _ in range(kills):
            leader = await election.leading()
            spare = await election.prepare(leader.name)
            await asyncio.sleep(chance.uniform(*REST_SECONDS))
            found.append(await election.kill(await election.leading()))
            await election.join(spare)
        return found


class _Election:
    def __init__(self, place: Workplace, task: Mapping[str, Any]) -> None:
        self._place = place
        self._task = task
        self._leader: Client | None = None
        self._clients: list[Client] = []
        self._struck: set[Client] = set()
        self._readers: list[asyncio.Task[None]] = []
        self._said: asyncio.Queue[tuple[Client, str, float]] = asyncio.Queue()
        """At most a few words of each candidate."""

    async def prepare(self, name: str) -> Client:
        """A candidate that has loaded all it needs."""
        client = await self._place.client({**self._task, "name": name})
        self._clients.append(client)
        return client

    async def join(self, client: Client) -> None:
        """Let a candidate stand."""
        self._readers.append(asyncio.create_task(self._read(client)))
        client.go()
        await self._until(lambda who, word, _: who is client and word == STANDS)

    async def leading(self) -> Client:
        """Who leads now."""
        while not self._said.empty():
            self._note(*self._said.get_nowait())
        if self._leader is None:
            await self._until(lambda who, word, at: word == LEADS)
        assert self._leader is not None
        return self._leader

    async def kill(self, leader: Client) -> float:
        """Kill the leader; seconds until another one leads."""
        self._leader, struck_at = None, time.monotonic()
        leader.strike()
        self._struck.add(leader)
        return await self._until(lambda who, word, at: word == LEADS and at > struck_at) - struck_at

    async def end(self) -> None:
        """Kill all."""
        for task in self._readers:
            task.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        await asyncio.gather(*(client.kill() for client in self._clients))

    async def _read(self, client: Client) -> None:
        with contextlib.suppress(LocalStackError):
            while True:
                said = await client.next_word(None)
                self._said.put_nowait((client, said["word"], said["at"]))
        self._said.put_nowait((client, ENDED, time.monotonic()))

    def _note(self, who: Client, word: str, at: float) -> None:
        if word == LEADS:
            self._leader = who
        if word == ENDED and who not in self._struck:
            raise LocalStackError(f"candidate {who.name} has ended by itself; its words are above")

    async def _until(self, fits: Callable[[Client, str, float], bool]) -> float:
        """Wait for somebody to say something that fits; when it was said."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    who, word, at = await self._said.get()
                    self._note(who, word, at)
                    if fits(who, word, at):
                        return at
        except TimeoutError as error:
            raise LocalStackError(f"nobody was elected, or joined, for {PATIENCE_SECONDS:.0f} s") from error
