"""The billing meter: a transparent gRPC proxy before the Firestore emulator that counts what Firestore would bill.

    python -m firemesh_cli.stack.meter --upstream 127.0.0.1:8080

prints `METER 127.0.0.1:<port>` when it is ready. Clients use that address in place of the emulator's. Counts are kept
by kind of document and by client, where a client says who it is in the header `x-firemesh-client`. Browsers speak
another protocol to the emulator and pass it by.

A call is counted before its caller learns that it is over, so a reading taken after an answer includes it. A client
that stops reading holds up nobody else: each listener has an upstream connection of its own.
"""

import argparse
import asyncio
import signal
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

import grpc
from grpc.aio import AioRpcError

from firemesh.errors import LocalStackError
from firemesh_cli.stack.billing import Bill, Ledger, Outcome
from firemesh_cli.stack.reading import MeterReading

HOST = "127.0.0.1"
READ_METHOD = "/firemesh.Meter/Read"
CLIENT_HEADER = "x-firemesh-client"
CLIENT_NAME_MAX = 80

Metadata = tuple[tuple[str, str], ...]

_LONG_LIVED = frozenset({"Listen", "Write"})
_UPSTREAM_OPTIONS = (
    ("grpc.enable_retries", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)
_SERVER_OPTIONS = (("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", -1))
# What the two connections negotiate each for itself.
_OWN_HEADERS = (":", "grpc-", "user-agent", "te", "content-type")


class Meter:
    """The proxy as part of this process: `async with Meter("127.0.0.1:8080") as meter: ... meter.host`."""

    def __init__(self, upstream_host: str, *, port: int = 0) -> None:
        self.host = ""
        self._upstream_host = upstream_host
        self._port = port
        self._ledger = Ledger()

    def counts(self) -> MeterReading:
        """What has been counted so far."""
        return self._ledger.reading()

    async def __aenter__(self) -> Self:
        self._upstream = grpc.aio.insecure_channel(self._upstream_host, options=_UPSTREAM_OPTIONS)
        self._server = grpc.aio.server(options=_SERVER_OPTIONS)
        self._server.add_generic_rpc_handlers((_Handler(self),))
        try:
            port = self._server.add_insecure_port(f"{HOST}:{self._port}")
        except RuntimeError as error:
            await self._upstream.close()
            raise LocalStackError(f"the meter cannot listen on {HOST}:{self._port}: the port is taken") from error
        await self._server.start()
        self.host = f"{HOST}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.stop(None)
        await self._upstream.close()

    async def read(self, request: bytes, context: Any) -> bytes:
        """Answer another process's `read_meter`."""
        return self.counts().to_json()

    async def relay(self, method: str, client: str, metadata: Metadata, requests: AsyncIterator[bytes], context: Any) -> None:
        """Pass one call of any shape on, both ways, and count it."""
        name = method.rsplit("/", 1)[1]
        own = name in _LONG_LIVED
        channel = grpc.aio.insecure_channel(self._upstream_host, options=_UPSTREAM_OPTIONS) if own else self._upstream
        bill = self._ledger.open_bill(name, client)
        outcome, failure = Outcome.UNANSWERED, None
        call = channel.stream_stream(method)(_counted(requests, bill), metadata=metadata, timeout=context.time_remaining())
        try:
            async for response in call:
                bill.received(response)
                await context.write(response)
            outcome = Outcome.ANSWERED
        except AioRpcError as error:
            outcome, failure = _outcome(error), error
        finally:
            bill.ended(outcome)
            call.cancel()
            if own:
                await channel.close()
        if failure is not None:
            await context.abort(failure.code(), failure.details() or "", tuple(failure.trailing_metadata() or ()))


class _Handler(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Sends each incoming call to the meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def service(self, handler_call_details: Any) -> Any:
        """See grpc."""
        method = handler_call_details.method
        if method == READ_METHOD:
            return grpc.unary_unary_rpc_method_handler(self._meter.read)
        headers = tuple(handler_call_details.invocation_metadata)
        client = str(dict(headers).get(CLIENT_HEADER, ""))[:CLIENT_NAME_MAX]
        metadata = tuple((key, value) for key, value in headers if not key.startswith(_OWN_HEADERS))

        async def relay(requests: AsyncIterator[bytes], context: Any) -> None:
            await self._meter.relay(method, client, metadata, requests, context)

        return grpc.stream_stream_rpc_method_handler(relay)


async def _counted(requests: AsyncIterator[bytes], bill: Bill) -> AsyncIterator[bytes]:
    async for request in requests:
        bill.sent(request)
        yield request


def _outcome(error: AioRpcError) -> Outcome:
    """Whether a failed call is known to have done nothing."""
    unknown = (grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED)
    return Outcome.UNANSWERED if error.code() in unknown else Outcome.REFUSED


async def read_meter(host: str, *, timeout_seconds: float = 30.0) -> MeterReading:
    """The counts of the meter at `host`, also of another process. Raises LocalStackError when it does not answer."""
    async with grpc.aio.insecure_channel(host) as channel:
        try:
            answer = await channel.unary_unary(READ_METHOD)(b"", timeout=timeout_seconds, wait_for_ready=True)
        except AioRpcError as error:
            raise LocalStackError(f"no billing meter answers at {host}: {error.code().name}") from error
    return MeterReading.from_json(answer)


async def serve(upstream_host: str, port: int) -> None:
    """Run a meter until SIGTERM or SIGINT."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, ended.set)
    async with Meter(upstream_host, port=port) as meter:
        print(f"METER {meter.host}", flush=True)
        await ended.wait()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Count what Firestore would bill, between clients and the emulator.")
    parser.add_argument("--upstream", required=True, metavar="HOST:PORT", help="where the Firestore emulator listens")
    parser.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1 (default: any free port)")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.upstream, arguments.port))


if __name__ == "__main__":
    main()
