"""`ApiGateway`: HTTP in, use cases out. Routes and what goes before them are registered; Flask does the rest.

Every answer carries a request id and may not be cached; every error is a problem document (RFC 9457).
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from flask import Flask, Request, Response, g, request
from werkzeug.exceptions import MethodNotAllowed, NotFound

from firemesh.control_plane.dispatch import Authenticate, Runner, awaited, perform
from firemesh.control_plane.http_request import (
    IDEMPOTENCY_KEY,
    caller_of,
    context_of,
    credential_of,
    from_caller,
    headers_of,
    json_text,
    query_of,
)
from firemesh.control_plane.openapi import PROBLEM_TYPE, describe
from firemesh.control_plane.problem import problem_headers, problem_of
from firemesh.control_plane.route import EVENT_STREAM_TYPE, Call, EventStream, Handler, Reply, Route
from firemesh.control_plane.use_cases import UseCases
from firemesh.errors import InvariantViolation

log = logging.getLogger(__name__)

HEALTH_PATH = "/__/health"
PREFIX = "/v1"
DOCUMENT_PATH = PREFIX + "/openapi.json"
ETAG_DIGITS = 16

Middleware = Callable[[Request], None]
"""Looks at a request before its route, and raises a MeshError to refuse it."""


class ApiGateway:
    """The HTTP interface of the control plane.

    `set_auth_middleware` says who calls, `add_middleware` what must hold before, `add_route` what is done. `use_cases`
    is called when the first request needs them; `run` runs a coroutine. A gateway serves either the routes that answer at
    once or, with `streams`, those whose answer goes on: these hold a thread each, and shall not take it from the others.
    """

    def __init__(self, use_cases: Callable[[], UseCases], run: Runner, *, streams: bool = False) -> None:
        self.routes: list[Route] = []
        self._streams = streams
        self._use_cases = use_cases
        self._run = run
        self._app = Flask("firemesh", static_folder=None)
        self._app.url_map.strict_slashes = False
        self._app.url_map.merge_slashes = False  # or a path with too many would be redirected
        self._authenticate: Authenticate | None = None
        self._take: Callable[[str], None] = _uncounted
        self._middleware: list[Middleware] = []
        self._app.before_request(self._begin)
        self._app.after_request(self._finish)
        self._app.register_error_handler(Exception, self._refuse)
        self._app.add_url_rule(DOCUMENT_PATH, "openapi", self._describe, methods=["GET"])

    def set_auth_middleware(self, authenticate: Authenticate) -> None:
        """Say who presents a credential."""
        self._authenticate = authenticate

    def set_rate_limiter(self, take: Callable[[str], None]) -> None:
        """Count every call by what it presents, before anything is looked up, then by who that is; `take` raises RateLimited.

        An agent has as many tokens as it asks for: counted by these alone, it would be bound by nothing.
        """
        self._take = take
        self.add_middleware(lambda request: take(caller_of(credential_of(request))))

    def add_middleware(self, middleware: Middleware) -> None:
        """Run this before every route, in the order of registration and before authentication."""
        self._middleware.append(middleware)

    def add_route(self, method: str, path: str, handler: Handler, **declared: Any) -> None:
        """Serve `method` on `path` by `handler`; `declared` are the other fields of `Route`, checked at every call."""
        route = Route(method=method, path=path, handler=handler, **declared)
        self.routes.append(route)

        def serve(**parameters: str) -> Response:
            return self._serve(route, parameters)

        self._app.add_url_rule(PREFIX + path, route.name, serve, methods=[method], provide_automatic_options=False)

    def __call__(self, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        """The gateway as a WSGI application, below /api or not: hosting keeps that prefix, a direct call has none."""
        inner = dict(environ)
        path = inner["PATH_INFO"]
        if path == "/api" or path.startswith("/api/"):
            inner["PATH_INFO"] = path[len("/api") :] or "/"
        return self._app(inner, start_response)

    def _serve(self, route: Route, parameters: Mapping[str, str]) -> Response:
        if self._authenticate is None:
            raise InvariantViolation("the gateway has no auth middleware")
        if route.is_stream is not self._streams:
            raise NotFound("another function serves this path: behind hosting it is found; directly it is `api` or `events`")
        for middleware in self._middleware:
            middleware(request)
        credential = credential_of(request)
        use = self._use_cases()
        identity = self._run(awaited(self._authenticate(use, credential, g.request_id)))
        self._take(identity.name)
        with from_caller():
            named = route.check_parameters(parameters)
            call = Call(
                identity=identity,
                request_id=g.request_id,
                body=route.body.model_validate_json(json_text(request)),
                query=query_of(route.query, request),
                headers=headers_of(route, request.headers),
            )
        reply = self._run(perform(use, route, call, named, idempotency_key=request.headers.get(IDEMPOTENCY_KEY, "")))
        if isinstance(reply, EventStream):
            return Response(self._pieces(reply), mimetype=EVENT_STREAM_TYPE)
        return _response(route, reply)

    def _pieces(self, stream: EventStream) -> Iterator[str]:
        """The stream for a synchronous server, which closes this when the reader has gone."""
        try:
            while piece := self._run(awaited(anext(stream.frames, ""))):
                yield piece
        finally:
            self._run(stream.frames.aclose())

    @cached_property
    def _document(self) -> bytes:
        return json.dumps(describe(self.routes)).encode()

    def _describe(self) -> Response:
        return Response(self._document, mimetype="application/json")

    def _begin(self) -> Response | None:
        g.request_id = context_of(request).request_id
        return Response("ok\n", mimetype="text/plain") if request.path == HEALTH_PATH else None

    def _finish(self, response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        response.headers["Cache-Control"] = "private, no-store"
        return response

    def _refuse(self, error: Exception) -> Response:
        problem = problem_of(error, g.request_id)
        if problem.status == 500:
            log.error("a request failed", exc_info=error)
        response = Response(problem.model_dump_json(), problem.status, mimetype=PROBLEM_TYPE)
        response.headers.update(problem_headers(problem))
        if isinstance(error, MethodNotAllowed):
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return response


def _uncounted(_: str) -> None:
    """Without a rate limiter nobody is refused."""


def _response(route: Route, reply: Reply) -> Response:
    content = route.answer_type.dump_json(reply.value)
    response = Response(content, route.status, mimetype="application/json")
    if route.is_versioned:
        response.set_etag(reply.etag or hashlib.sha256(content).hexdigest()[:ETAG_DIGITS])
        response.make_conditional(request)
    elif reply.etag:
        response.set_etag(reply.etag)
    if reply.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response
