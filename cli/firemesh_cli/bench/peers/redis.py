"""Redis: a stream with an append-only file."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from firemesh_cli.bench.peers import packages
from firemesh_cli.bench.peers.system import LISTENS, Heard, Publish, Say
from firemesh_cli.bench.peers.workplace import HOST, Workplace, free_port

PACKAGES = ("redis-server", "redis-tools", "libjemalloc2", "liblzf1")
STREAM = "bench"


class Redis:
    """One Redis server. See `System`."""

    name = "Redis stream"
    packages = PACKAGES
    kept = "file, each second"

    @contextlib.asynccontextmanager
    async def running(self, place: Workplace) -> AsyncIterator[str]:
        """See `System`."""
        place.bring_python_clients()
        program = packages.program(place.root, "redis-server", PACKAGES)
        port, folder = free_port(), place.folder / "redis"
        folder.mkdir(exist_ok=True)
        command = [
            *(str(program), "--bind", HOST, "--port", str(port), "--dir", str(folder)),
            *("--save", "", "--appendonly", "yes", "--appendfsync", "everysec"),
        ]
        async with place.serving("redis", command, port, LD_LIBRARY_PATH=packages.library_path(program)):
            yield f"redis://{HOST}:{port}"


class RedisCourier:
    """A connection to the stream. See `Courier`."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def publisher(self) -> Publish:
        """See `Courier`."""
        redis = self._connect()

        async def publish(number: int, text: str) -> None:
            await redis.xadd(STREAM, {"number": number, "text": text})

        await redis.ping()
        return publish

    async def listen(self, say: Say, heard: Heard) -> None:
        """See `Courier`."""
        redis = self._connect()
        last = (await redis.xrevrange(STREAM, count=1) or [("0", {})])[0][0]
        say(LISTENS)
        while True:
            for _, entries in await redis.xread({STREAM: last}, block=0):
                for last, fields in entries:  # noqa: B007
                    heard(int(fields["number"]))

    def _connect(self) -> Any:
        from redis.asyncio import from_url

        return from_url(self._address, decode_responses=True, socket_timeout=None)
