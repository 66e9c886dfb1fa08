"""`ApiGateway`: HTTP in, use cases out. Routes and what goes before them are registered; Flask does the rest.

Every answer carries a request id and may not be cached; every error is a problem document (RFC 9457).
"""

import hashlib
import io
import json
import logging
import math
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, Request, Response, g, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from firemesh.control_plane.access import Identity
from firemesh.errors import Code, InvalidMessage, InvariantViolation, MeshError, RateLimited, Unauthenticated

log = logging.getLogger(__name__)

BODY_BYTES_MAX = 65_536
HEALTH_PATH = "/__/health"
PREFIX = "/v1"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)

STATUS: Mapping[Code, int] = {
    Code.INVALID_ARGUMENT: 400,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.FAILED_PRECONDITION: 409,
    Code.ABORTED: 409,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.UNAVAILABLE: 503,
    Code.DEADLINE_EXCEEDED: 504,
}


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated call, as a route sees it."""

    identity: Identity
    request_id: str
    body: Mapping[str, Any]
    query: Mapping[str, str]


Route = Callable[..., tuple[Any, int]]
"""Takes the call and the path's parameters; gives a JSON value and the status."""

Middleware = Callable[[Request], None]
"""Looks at a request before its route, and raises a MeshError to refuse it."""


class ApiGateway:
    """The HTTP interface of the control plane.

    `set_auth_middleware` says who calls, `add_middleware` what must hold before, `add_route` what is done.
    """

    def __init__(self) -> None:
        self._app = Flask("firemesh", static_folder=None)
        self._app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX
        self._app.url_map.strict_slashes = False
        self._authenticate: Callable[[str, str], Identity] | None = None
        self._middleware: list[Middleware] = []
        self._app.before_request(self._begin)
        self._app.after_request(self._finish)
        self._app.register_error_handler(Exception, self._refuse)

    def set_auth_middleware(self, authenticate: Callable[[str, str], Identity]) -> None:
        """Say who presents a credential; it gets the credential and the request id, and raises Unauthenticated."""
        self._authenticate = authenticate

    def set_rate_limiter(self, take: Callable[[str], None]) -> None:
        """Count every call by what it presents, before anything is looked up; `take` raises RateLimited."""
        self.add_middleware(lambda request: take(hashlib.sha256(credential_of(request).encode()).hexdigest()))

    def add_middleware(self, middleware: Middleware) -> None:
        """Run this before every route, in the order of registration and before authentication."""
        self._middleware.append(middleware)

    def add_route(self, method: str, path: str, route: Route) -> None:
        """Serve `method` on `path` (below /v1; `<mesh_id>` names a parameter) by a route."""

        def serve(**parameters: str) -> Response:
            if self._authenticate is None:
                raise InvariantViolation("the gateway has no auth middleware")
            for middleware in self._middleware:
                middleware(request)
            identity = self._authenticate(credential_of(request), g.request_id)
            call = Call(identity, g.request_id, json_body(request), request.args.to_dict())
            value, status = route(call, **parameters)
            return _json_response(value, status)

        self._app.add_url_rule(PREFIX + path, f"{method} {path}", serve, methods=[method])

    def __call__(self, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        """The gateway as a WSGI application, below /api or not: hosting keeps that prefix, a direct call has none."""
        inner = dict(environ)
        path = inner["PATH_INFO"]
        if path == "/api" or path.startswith("/api/"):
            inner["PATH_INFO"] = path[len("/api") :] or "/"
        return self._app(inner, start_response)

    def _begin(self) -> Response | None:
        offered = request.headers.get("X-Request-Id", "")
        g.request_id = offered if _REQUEST_ID.fullmatch(offered) else secrets.token_hex(8)
        return Response("ok\n", mimetype="text/plain") if request.path == HEALTH_PATH else None

    def _finish(self, response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        response.headers["Cache-Control"] = "private, no-store"
        return response

    def _refuse(self, error: Exception) -> Response:
        if isinstance(error, MeshError):
            return _problem(error.code.value, STATUS[error.code], str(error), error)
        if isinstance(error, ValidationError):
            return _problem(Code.INVALID_ARGUMENT.value, 400, _first_problem(error))
        if isinstance(error, HTTPException):
            status = error.code or 500
            return _problem(error.name.lower().replace(" ", "-"), status, error.description or error.name)
        log.exception("request %s failed", g.request_id)
        return _problem("internal", 500, "this is our mistake; the request id finds it in the log")


def credential_of(request: Request) -> str:
    """What the caller presents: `Authorization: Bearer <key>`, or `X-API-Key`. Raises Unauthenticated when nothing is."""
    scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
    credential = presented.strip() if scheme.lower() == "bearer" else request.headers.get("X-API-Key", "").strip()
    if not credential:
        raise Unauthenticated("send an API key as `Authorization: Bearer <key>` or `X-API-Key: <key>`")
    return credential


def json_body(request: Request) -> Mapping[str, Any]:
    """The request's JSON object; empty when there is no body. Raises InvalidMessage."""
    data = request.get_data(cache=False)
    if not data:
        return {}
    if request.mimetype != "application/json":
        raise InvalidMessage("a body must have the content type application/json")
    try:
        value = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidMessage("the body is not JSON") from error
    if not isinstance(value, dict):
        raise InvalidMessage("the body is not a JSON object")
    return value


def buffered(request: Request) -> dict[str, Any]:
    """The WSGI environment of an outer application's request, its body ready to be read again.

    No more is read than shows that the body is too large.
    """
    return {**request.environ, "wsgi.input": io.BytesIO(request.stream.read(BODY_BYTES_MAX + 1))}


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _json_response(value: Any, status: int) -> Response:
    return Response(json.dumps(value), status, mimetype="application/json")


def _problem(code: str, status: int, detail: str, error: MeshError | None = None) -> Response:
    document = {"type": "about:blank", "title": code, "status": status, "detail": detail, "code": code}
    if error is not None:
        document |= {"retryable": error.retryable, "error": type(error).__name__}
    document["request_id"] = g.request_id
    response = Response(json.dumps(document), status, mimetype="application/problem+json")
    if isinstance(error, RateLimited):
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_seconds)))
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _first_problem(error: ValidationError) -> str:
    rows = error.errors(include_input=False, include_url=False)[:3]
    return "; ".join(f"{'.'.join(map(str, row['loc'])) or 'body'}: {row['msg']}" for row in rows)
