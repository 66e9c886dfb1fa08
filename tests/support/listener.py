"""Whom tasks call in tests: an HTTP server that remembers what it was sent and answers as it is told."""

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Call:
    """One call: what came with it."""

    headers: Mapping[str, str]
    body: Any


class Listener:
    """Every call it gets, and the status it answers with: told by the number of the call, from 1."""

    def __init__(self, status: Callable[[int], int]) -> None:
        self.url = ""
        self.calls: list[Call] = []
        self._status = status
        self._changed = threading.Condition()

    def take(self, call: Call) -> int:
        with self._changed:
            self.calls.append(call)
            self._changed.notify_all()
            return self._status(len(self.calls))

    def await_calls(self, count: int) -> list[Call]:
        """Return when it has been called so often; fails when it is not."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.calls) >= count, PATIENCE_SECONDS), self.calls
            return list(self.calls)


@contextmanager
def nobody() -> Iterator[int]:
    """A port of 127.0.0.1 where nobody listens. It is held: only who shares it (SO_REUSEPORT) may listen there meanwhile."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextmanager
def listening(status: Callable[[int], int] = lambda number: 200) -> Iterator[Listener]:
    """A listener on 127.0.0.1 for the time of the block."""
    listener = Listener(status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(listener.take(Call({k.lower(): v for k, v in self.headers.items()}, json.loads(body))))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.url = f"http://127.0.0.1:{server.server_address[1]}/watchdog"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
