"""Two servers for tests of the connection: a TCP proxy that can be cut, and a Firestore whose Listen the test speaks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from firemesh.store.firestore import protos

HOST = "127.0.0.1"
PATIENCE_SECONDS = 60.0


class Wire:
    """A TCP proxy. `cut` breaks every connection and refuses new ones until `mend`; `mute` swallows the answers."""

    def __init__(self, upstream: str) -> None:
        self._upstream_host, _, port = upstream.rpartition(":")
        self._upstream_port = int(port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._cut = self._muted = False
        self.connections = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.close()
            return
        self.connections += 1
        self._writers.add(writer)
        up_reader, up_writer = await asyncio.open_connection(self._upstream_host, self._upstream_port)
        self._writers.add(up_writer)
        if writer.is_closing():  # cut meanwhile
            up_writer.close()
        for source, sink, answers in ((reader, up_writer, False), (up_reader, writer, True)):
            pump = asyncio.create_task(self._pump(source, sink, answers))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, answers: bool) -> None:
        try:
            while data := await source.read(65536):
                if not (answers and self._muted):
                    sink.write(data)
                    await sink.drain()
        except ConnectionError:
            pass
        finally:
            sink.close()
            self._writers.discard(sink)

    def cut(self) -> None:
        self._cut = True
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        self._cut = self._muted = False

    def mute(self) -> None:
        self._muted = True

    async def close(self) -> None:
        self.cut()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    @classmethod
    @asynccontextmanager
    async def to(cls, upstream: str) -> AsyncIterator[tuple["Wire", str]]:
        """A wire and the address of its near end."""
        wire = cls(upstream)
        server = await asyncio.start_server(wire._serve, HOST, 0)
        try:
            yield wire, f"{HOST}:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            await wire.close()


class SpokenFirestore:
    """A server whose Listen streams the test speaks: `heard` gets each request, `say` answers on the open stream."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[Any] = asyncio.Queue()
        self._said: asyncio.Queue[Any] = asyncio.Queue()
        """What is said on the stream opened last; one that was given up takes nothing any more."""
        self._readers: set[asyncio.Task[None]] = set()

    def say(self, **response: Any) -> None:
        self._said.put_nowait(protos.ListenResponse(**response))

    def garble(self) -> None:
        """Send bytes that are no message."""
        self._said.put_nowait(b"\xff\xff\xff")

    def end(self, code: grpc.StatusCode = grpc.StatusCode.OK) -> None:
        """End the open stream."""
        self._said.put_nowait(code)

    async def request(self) -> Any:
        """The next request heard."""
        return await asyncio.wait_for(self.heard.get(), PATIENCE_SECONDS)

    async def _listen(self, requests: AsyncIterator[Any], context: Any) -> None:
        reader = asyncio.create_task(self._read(requests))
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)
        said = self._said = asyncio.Queue()
        while not isinstance(response := await said.get(), grpc.StatusCode):
            await context.write(response)
        if response is not grpc.StatusCode.OK:
            await context.abort(response, "as told")

    async def _read(self, requests: AsyncIterator[Any]) -> None:
        async for request in requests:
            self.heard.put_nowait(request)

    @classmethod
    @asynccontextmanager
    async def serve(cls) -> AsyncIterator[tuple["SpokenFirestore", str]]:
        """The server and its address."""
        spoken = cls()
        handler = grpc.stream_stream_rpc_method_handler(
            spoken._listen,
            request_deserializer=protos.ListenRequest.FromString,
            response_serializer=_serialized,
        )
        service = grpc.method_handlers_generic_handler("google.firestore.v1.Firestore", {"Listen": handler})
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((service,))
        port = server.add_insecure_port(f"{HOST}:0")
        await server.start()
        try:
            yield spoken, f"{HOST}:{port}"
        finally:
            await server.stop(None)


def _serialized(response: Any) -> bytes:
    serialized: bytes = response if isinstance(response, bytes) else response.SerializeToString()
    return serialized
