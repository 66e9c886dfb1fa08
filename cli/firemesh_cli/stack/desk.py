"""What a local stack lets its own site do besides: read the bill so far, and kill whoever leads.

It listens on 127.0.0.1 and answers nobody but pages of the stack's site: a request must name that site as its origin and show
the secret that the site's `config.json` holds, which no page of another origin can read. Nothing of it is deployed.
"""

import hmac
import json
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from firemesh.errors import LocalStackError
from firemesh.ids import ID_PATTERN
from firemesh_cli.stack.config import HOST
from firemesh_cli.stack.prices import dollars
from firemesh_cli.stack.reading import MeterReading

DESK_HEADER = "X-Firemesh-Desk"
BILL_PATH = "/bill"
STOPPED_WITHIN_SECONDS = 0.05
_KILL = re.compile(rf"/meshes/({ID_PATTERN.strip('^$')})/kill-leader")

Answer = tuple[HTTPStatus, Mapping[str, Any]]


class Desk:
    """The door as part of this process: `with Desk(site_url, bill=..., kill_leader=...) as desk: stack.publish_desk(desk)`.

    `bill` gives what the meter has counted; `kill_leader` kills the process of whoever leads a mesh and gives the leader's id,
    or raises LocalStackError when there is nobody to kill. Both are called from other threads.
    """

    def __init__(self, site_url: str, *, bill: Callable[[], MeterReading], kill_leader: Callable[[str], str]) -> None:
        """Takes a free port of 127.0.0.1."""
        self.secret = secrets.token_urlsafe(24)
        self._server = _Server((HOST, 0), _Handler)
        self._server.desk = self
        self.site_url = site_url
        self.bill = bill
        self.kill_leader = kill_leader
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(STOPPED_WITHIN_SECONDS,), name="firemesh-desk", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a browser keeps its connections open for as long as it likes
    desk: Desk


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection. No body is ever read: what was sent with one ends the connection."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_OPTIONS(self) -> None:
        """The browser asks first, because of the header; the secret comes with the request itself."""
        self._send(HTTPStatus.NO_CONTENT if self._is_from_site() else HTTPStatus.FORBIDDEN, {})

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _answer(self, method: str) -> None:
        shown = self.headers.get(DESK_HEADER, "")
        if not self._is_from_site() or not hmac.compare_digest(shown.encode(), self.server.desk.secret.encode()):
            self._send(HTTPStatus.FORBIDDEN, {"error": "this is for pages of the stack's own site alone"})
            return
        status, content = self._do(method)
        self._send(status, content)

    def _is_from_site(self) -> bool:
        """Whether a page of the site asks, under this server's own name: a name that was made to point here is another."""
        desk = self.server.desk
        return self.headers.get("Host") == desk.url.removeprefix("http://") and self._origin() == desk.site_url

    def _origin(self) -> str:
        return self.headers.get("Origin", "")

    def _do(self, method: str) -> Answer:
        if method == "GET" and self.path == BILL_PATH:
            return HTTPStatus.OK, _bill(self.server.desk.bill())
        match = _KILL.fullmatch(self.path)
        if method != "POST" or match is None:
            return HTTPStatus.NOT_FOUND, {"error": "nothing is here"}
        try:
            return HTTPStatus.OK, {"killed": self.server.desk.kill_leader(match[1])}
        except LocalStackError as error:
            return HTTPStatus.CONFLICT, {"error": str(error)}

    def _send(self, status: HTTPStatus, content: Mapping[str, Any]) -> None:
        body = b"" if status is HTTPStatus.NO_CONTENT else json.dumps(content).encode()
        if self.headers.get("Content-Length", "0") != "0":
            self.close_connection = True
        self.send_response(status)
        if self._is_from_site():
            self.send_header("Access-Control-Allow-Origin", self.server.desk.site_url)
            self.send_header("Access-Control-Allow-Methods", "GET, POST")
            self.send_header("Access-Control-Allow-Headers", DESK_HEADER)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _bill(reading: MeterReading) -> Mapping[str, Any]:
    total = reading.total
    return {"reads": total.reads, "writes": total.writes, "deletes": total.deletes, "dollars": dollars(total)}
