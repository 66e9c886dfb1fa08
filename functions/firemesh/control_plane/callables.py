"""The same operations for browsers, as the `httpsCallable` of Firebase's client calls them: one function, `control`.

    const control = httpsCallable(functions, "control");
    const { data } = await control({ operation: "get_mesh_status", arguments: { mesh_id: "m1" } });

The protocol is spoken here and not by the decorator of the functions' SDK: that answers malformed JSON with 500, logs the
values of unknown fields, and asks nobody whether the bearer of a token still lives.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

from flask import Request, Response
from pydantic import Field
from werkzeug.datastructures import Headers
from werkzeug.exceptions import MethodNotAllowed

from firemesh.control_plane.dispatch import Authenticate, Runner, awaited, perform
from firemesh.control_plane.http_request import (
    IDEMPOTENCY_KEY,
    caller_of,
    context_of,
    credential_of,
    from_caller,
    headers_of,
    json_text,
)
from firemesh.control_plane.problem import INTERNAL, problem_headers, problem_of
from firemesh.control_plane.route import Call, Reply, RequestBody, Route
from firemesh.control_plane.use_cases import UseCases
from firemesh.errors import Code, InvalidMessage
from firemesh.structured_log import RequestContext

log = logging.getLogger(__name__)


class ControlCall(RequestBody):
    """What a browser asks for.

    `arguments` are those of the path, of the query and of the body together; `headers` those of the REST interface that bound a
    call (`Idempotency-Key`, `If-Match`). Who is signed in needs no `api_key`; with one, the key is who asks.
    """

    operation: Annotated[str, Field(max_length=40)]
    arguments: dict[str, Any] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    api_key: Annotated[str, Field(max_length=200)] = ""


class Envelope(RequestBody):
    """What the protocol of callables wraps it in."""

    data: ControlCall


class ControlCallable:
    """Serves callables over the routes of the REST interface, all but those whose answer goes on."""

    def __init__(
        self,
        routes: Iterable[Route],
        use_cases: Callable[[], UseCases],
        run: Runner,
        *,
        authenticate: Authenticate,
        take: Callable[[str], None],
    ) -> None:
        """`take` counts one call of a caller, and raises RateLimited."""
        self._routes = {route.name: route for route in routes if not route.is_stream}
        self._use_cases = use_cases
        self._run = run
        self._authenticate = authenticate
        self._take = take

    def answer(self, request: Request) -> Response:
        """Serve one call. Raises nothing: an error is an answer, too."""
        context = context_of(request)
        try:
            response = self._serve(request, context)
        except Exception as error:  # the outermost frame: whatever it is, the caller hears of it
            response = _refusal(error, context)
        response.headers["X-Request-Id"] = context.request_id
        response.headers["Cache-Control"] = "private, no-store"
        return response

    def _serve(self, request: Request, context: RequestContext) -> Response:
        if request.method != "POST":
            raise MethodNotAllowed(["POST"], "a callable is called with POST")
        with from_caller():
            asked = Envelope.model_validate_json(json_text(request)).data
        credential = asked.api_key or credential_of(request)
        self._take(caller_of(credential))
        use = self._use_cases()
        identity = self._run(awaited(self._authenticate(use, credential, context.request_id)))
        self._take(identity.name)  # as the gateway does: an agent may have many tokens
        route = self._routes.get(asked.operation)
        if route is None:
            raise InvalidMessage(f"there is no operation {asked.operation!r} for callables")
        headers = Headers(asked.headers)
        path, query, body = _split(route, asked.arguments)
        with from_caller():
            named = route.check_parameters(path)
            call = Call(
                identity=identity,
                request_id=context.request_id,
                body=route.body.model_validate_json(json.dumps(body)),
                query=route.query.model_validate(query),
                headers=headers_of(route, headers),
            )
        key = headers.get(IDEMPOTENCY_KEY, "")
        reply: Reply = self._run(perform(use, route, call, named, idempotency_key=key))
        return _response(b'{"result":%b}' % route.answer_type.dump_json(reply.value), 200)


def _split(route: Route, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The arguments as path, query and body take them; what nobody knows is left to the body, which refuses it."""
    missing = [name for name in route.parameters if name not in arguments]
    if missing:
        raise InvalidMessage(f"{route.name} needs the arguments {', '.join(missing)}")
    path = {name: arguments[name] for name in route.parameters}
    rest = {name: value for name, value in arguments.items() if name not in path}
    query = {name: rest.pop(name) for name in route.query.model_fields if name in rest}
    return path, query, rest


def _refusal(error: Exception, context: RequestContext) -> Response:
    problem = problem_of(error, context.request_id)
    if problem.code == INTERNAL:
        log.error("a callable failed", exc_info=error)
    code = problem.code if problem.code in (*Code, INTERNAL) else Code.INVALID_ARGUMENT
    status = code.upper().replace("-", "_")
    content = {"error": {"status": status, "message": problem.detail, "details": problem.model_dump(mode="json")}}
    response = _response(json.dumps(content).encode(), problem.status)
    response.headers.update(problem_headers(problem))
    return response


def _response(content: bytes, status: int) -> Response:
    return Response(content, status, mimetype="application/json")
