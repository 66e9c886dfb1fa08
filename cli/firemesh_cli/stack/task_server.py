"""The REST surface of the Cloud Tasks stand-in: as much of version 2 as `CloudTasksClient` needs to create, get, list
and delete HTTP tasks. Anything else is answered with 404, a malformed task with 400.
"""

import json
import re
import secrets
import threading
import time
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from firemesh_cli.stack.config import HOST
from firemesh_cli.stack.task_queue import Added, RetryPolicy, Task, TaskQueue

BODY_BYTES_MAX = 1_000_000
DEADLINE_SECONDS = 600.0
"""How long a call may take when the task does not say."""
AHEAD_SECONDS_MAX = 30 * 24 * 3600.0
"""As far ahead as Cloud Tasks takes a task."""
STOPPED_WITHIN_SECONDS = 0.05

_PATH = re.compile(r"/v2/(projects/[^/]+/locations/[^/]+/queues/[A-Za-z0-9-]+)/tasks(?:/([A-Za-z0-9_-]{1,500}))?")
_POST = ("POST", 1, None)
"""A task's method, by name or by the number of the API's enumeration; POST when it is missing."""

Answer = tuple[HTTPStatus, Mapping[str, Any]]


class TaskServer:
    """The stand-in as part of this process: `with TaskServer() as tasks: ... tasks.host`."""

    def __init__(self, retries: RetryPolicy | None = None) -> None:
        """Takes a free port of 127.0.0.1."""
        self.queue = TaskQueue(retries)
        self._server = _Server((HOST, 0), _Handler)
        self._server.queue = self.queue
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(STOPPED_WITHIN_SECONDS,), name="firemesh-task-server", daemon=True
        )

    @property
    def host(self) -> str:
        """Where it listens: "127.0.0.1:port"."""
        return f"{HOST}:{self._server.server_address[1]}"

    def start(self) -> Self:
        """Begin to answer and to call."""
        self.queue.start()
        self._thread.start()
        return self

    def stop(self) -> None:
        """End both. Calls under way are waited for, so end whom they call first."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.queue.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client may keep its connection open for as long as it likes
    request_queue_size = 128
    queue: TaskQueue


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        self._answer(self._create)

    def do_GET(self) -> None:
        self._answer(self._read)

    def do_DELETE(self) -> None:
        self._answer(self._delete)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _answer(self, action: Any) -> None:
        body = self._body()
        match = _PATH.fullmatch(self.path.partition("?")[0])
        if body is None:
            status, content = _error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "INVALID_ARGUMENT", "the request is too large")
        elif match is None:
            status, content = _error(HTTPStatus.NOT_FOUND, "NOT_FOUND", "nothing is here")
        else:
            status, content = action(match[1], match[2], body)
        encoded = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def _body(self) -> bytes | None:
        """The whole body; None when it is too large, and then the connection ends."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_BYTES_MAX:
            self.close_connection = True
            return None
        return self.rfile.read(length)

    def _create(self, queue: str, short_name: str | None, body: bytes) -> Answer:
        if short_name is not None:
            return _error(HTTPStatus.NOT_FOUND, "NOT_FOUND", "nothing is here")
        try:
            task = parse_task(queue, json.loads(body)["task"])
        except (ValueError, KeyError, TypeError) as error:
            return _error(HTTPStatus.BAD_REQUEST, "INVALID_ARGUMENT", f"this is no HTTP task: {error!r}")
        match self.server.queue.add(task):
            case Added.ADDED:
                return HTTPStatus.OK, shown(task)
            case Added.NAME_TAKEN:
                return _error(HTTPStatus.CONFLICT, "ALREADY_EXISTS", "a task of this name exists or has existed")
            case Added.FULL:
                return _error(HTTPStatus.TOO_MANY_REQUESTS, "RESOURCE_EXHAUSTED", "too many tasks wait")

    def _read(self, queue: str, short_name: str | None, body: bytes) -> Answer:
        if short_name is None:
            return HTTPStatus.OK, {"tasks": [shown(task) for task in self.server.queue.waiting(queue)]}
        task = self.server.queue.find(f"{queue}/tasks/{short_name}")
        return _no_such_task() if task is None else (HTTPStatus.OK, shown(task))

    def _delete(self, queue: str, short_name: str | None, body: bytes) -> Answer:
        removed = short_name is not None and self.server.queue.remove(f"{queue}/tasks/{short_name}")
        return (HTTPStatus.OK, {}) if removed else _no_such_task()


def parse_task(queue: str, sent: Mapping[str, Any]) -> Task:
    """The task in the body of a creation. Raises ValueError, KeyError or TypeError when it is none."""
    request, now = sent["httpRequest"], time.time()
    if request.get("httpMethod") not in _POST:
        raise ValueError(f"method {request['httpMethod']!r}: only POST is supported here")
    if not request["url"].startswith(f"http://{HOST}:"):
        raise ValueError(f"{request['url']!r} is not on this machine; a local task never leaves it")
    name = str(sent.get("name") or f"{queue}/tasks/{secrets.token_hex(10)}")
    match = _PATH.fullmatch(f"/v2/{name}")
    if match is None or match[1] != queue or match[2] is None:
        raise ValueError(f"name {name!r} is none of queue {queue!r}")
    due = datetime.fromisoformat(sent["scheduleTime"]).timestamp() if "scheduleTime" in sent else now
    if due - now > AHEAD_SECONDS_MAX:
        raise ValueError("scheduleTime is more than 30 days ahead")
    token = request.get("oidcToken", {})
    return Task(
        name=name,
        url=request["url"],
        headers={str(key): str(value) for key, value in request.get("headers", {}).items()},
        body=b64decode(request.get("body", ""), validate=True),
        due=max(now, due),
        deadline_seconds=float(sent["dispatchDeadline"].removesuffix("s")) if "dispatchDeadline" in sent else DEADLINE_SECONDS,
        oidc_email=str(token.get("serviceAccountEmail", "")),
        oidc_audience=str(token.get("audience", "")),
    )


def shown(task: Task) -> Mapping[str, Any]:
    """A task as the basic view of the API."""
    due = datetime.fromtimestamp(task.due, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    deadline = f"{task.deadline_seconds:g}s"
    return {
        "name": task.name,
        "httpRequest": {"url": task.url, "httpMethod": "POST", "headers": dict(task.headers)},
        "scheduleTime": due,
        "dispatchDeadline": deadline,
        "dispatchCount": task.attempts,
        "responseCount": task.answers,
    }


def _no_such_task() -> Answer:
    return _error(HTTPStatus.NOT_FOUND, "NOT_FOUND", "no task of this name waits")


def _error(status: HTTPStatus, code: str, message: str) -> Answer:
    return status, {"error": {"code": int(status), "status": code, "message": message}}
