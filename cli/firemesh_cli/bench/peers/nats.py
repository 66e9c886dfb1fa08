"""NATS: plain subjects, which keep nothing, and streams on disk (JetStream)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from firemesh_cli.bench.peers import packages
from firemesh_cli.bench.peers.system import LISTENS, Heard, Publish, Say
from firemesh_cli.bench.peers.workplace import HOST, Workplace, free_port

PACKAGES = ("nats-server",)
SUBJECT, STREAM = "bench.messages", "bench"


class Nats:
    """One NATS server with streams. See `System`."""

    name = "NATS"
    packages = PACKAGES
    kept = "nowhere"

    @contextlib.asynccontextmanager
    async def running(self, place: Workplace) -> AsyncIterator[str]:
        """See `System`."""
        place.bring_python_clients()
        port = free_port()
        command = [
            *(str(packages.program(place.root, "nats-server", PACKAGES)), "--addr", HOST, "--port", str(port)),
            *("--jetstream", "--store_dir", str(place.folder / "nats")),
        ]
        async with place.serving("nats", command, port):
            yield f"nats://{HOST}:{port}"


class NatsStream(Nats):
    """The same server, for its streams."""

    name = "NATS JetStream"
    kept = "file, each 2 min"


class NatsCourier:
    """A connection to plain subjects. See `Courier`."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def publisher(self) -> Publish:
        """See `Courier`."""
        connection = await self._connect()

        async def publish(number: int, text: str) -> None:
            await connection.publish(SUBJECT, text.encode())

        return publish

    async def listen(self, say: Say, heard: Heard) -> None:
        """See `Courier`."""
        connection = await self._connect()
        messages = await connection.subscribe(SUBJECT)
        await connection.flush()
        say(LISTENS)
        async for message in messages.messages:
            heard(_number(message))

    async def _connect(self) -> Any:
        import nats

        return await nats.connect(self._address)


class NatsStreamCourier(NatsCourier):
    """A connection to a stream. See `Courier`."""

    async def publisher(self) -> Publish:
        """See `Courier`."""
        stream = await self._stream()

        async def publish(number: int, text: str) -> None:
            await stream.publish(SUBJECT, text.encode())

        return publish

    async def listen(self, say: Say, heard: Heard) -> None:
        """See `Courier`."""
        stream = await self._stream()

        async def take(message: Any) -> None:
            heard(_number(message))

        await stream.subscribe(SUBJECT, cb=take, deliver_policy="new", ordered_consumer=True)
        say(LISTENS)
        await asyncio.Event().wait()

    async def _stream(self) -> Any:
        stream = (await self._connect()).jetstream()
        await stream.add_stream(name=STREAM, subjects=[SUBJECT])  # there already: nothing changes
        return stream


def _number(message: Any) -> int:
    return int(message.data.rstrip(b"."))
