"""The REST interface over a store in memory, at a real address: what hosting and the two functions are together."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wsgi import ClosingIterator

from firemesh.control_plane import routes
from firemesh.control_plane.gateway import ApiGateway
from firemesh.control_plane.rate_limit import RateLimiter
from tests.support.api import LOOP, Api

SECONDS_MAX = 60.0
PIECES_BEFORE_CUT = 2
"""Of an answer that is cut: the head of an event stream, and its first event."""


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """The test says what went wrong."""


class Road:
    """What becomes of requests on their way: `fate` sees each path and says `pass`, `lost` (unheard), `unanswered` or `cut`."""

    def __init__(self) -> None:
        self.fate: Callable[[str, str], str] = lambda method, path: "pass"
        self.seen: list[tuple[str, str]] = []
        self._news = threading.Condition()

    def pass_by(self, method: str, path: str) -> str:
        """Its fate, and whoever waits for it knows."""
        with self._news:
            self.seen.append((method, path.rpartition("/")[2]))
            self._news.notify_all()
        return self.fate(method, path)

    async def until_seen(self, method: str, name: str) -> None:
        """Return when such a request has come by."""
        await asyncio.to_thread(self._wait_for, (method, name))

    def _wait_for(self, request: tuple[str, str]) -> None:
        with self._news:
            assert self._news.wait_for(lambda: request in self.seen, SECONDS_MAX), f"no {request} came by"


@contextmanager
def serving(api: Api, road: Road | None = None, *, per_second: float = 1000.0, burst: int = 1000) -> Iterator[str]:
    """The address below which /v1 answers."""
    gateways = {}
    for streams in (False, True):
        gateways[streams] = ApiGateway(lambda: api.use_cases, LOOP.run, streams=streams)
        routes.bind(gateways[streams], RateLimiter(time.monotonic, per_second=per_second, burst=burst))
    road = road or Road()

    def application(environ: Any, start_response: Any) -> Any:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        fate = road.pass_by(method, path)
        if fate == "lost":
            return _unavailable(start_response)
        answer: Any = gateways[path.endswith("/events")](environ, _unheard if fate == "unanswered" else start_response)
        if fate == "unanswered":
            return _unavailable(start_response)
        return ClosingIterator(islice(answer, PIECES_BEFORE_CUT), answer.close) if fate == "cut" else answer

    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _unheard(status: str, headers: Any, exc_info: Any = None) -> Any:
    """What was answered comes to nobody."""


def _unavailable(start_response: Any) -> Iterable[bytes]:
    """What a proxy says that cannot reach the function."""
    start_response("502 Bad Gateway", [("Content-Type", "text/html")])
    return [b"<h1>502</h1>"]
