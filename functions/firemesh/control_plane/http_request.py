"""What an HTTP request brings, read and checked before anything is done with it."""

import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Request
from pydantic import ValidationError
from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from firemesh.control_plane.route import RequestHeaders, RequestQuery, Route
from firemesh.errors import InvalidMessage, Unauthenticated
from firemesh.structured_log import RequestContext, enter_request

BODY_BYTES_MAX = 65_536
FIELDS_EXPLAINED_MAX = 3
IDEMPOTENCY_KEY = "Idempotency-Key"


def credential_of(request: Request) -> str:
    """What the caller presents: `Authorization: Bearer <key>`, or `X-API-Key`. Raises Unauthenticated when nothing is."""
    scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
    credential = presented.strip() if scheme.lower() == "bearer" else request.headers.get("X-API-Key", "").strip()
    if not credential:
        raise Unauthenticated("send an API key as `Authorization: Bearer <key>` or `X-API-Key: <key>`")
    return credential


def caller_of(credential: str) -> str:
    """Whom a rate limiter counts: what is presented, in a form that may be kept."""
    return hashlib.sha256(credential.encode()).hexdigest()


def context_of(request: Request) -> RequestContext:
    """Enter the context of this request: its id, and the trace its caller follows."""
    return enter_request(request.headers.get("X-Request-Id", ""), request.headers.get("traceparent", ""))


@contextmanager
def from_caller() -> Iterator[None]:
    """Whatever is checked within comes from the caller. Raises InvalidMessage, field by field, where pydantic would complain.

    It does not repeat what was sent. Where something else does not fit its model, that is our mistake and no caller's.
    """
    try:
        yield
    except ValidationError as error:
        rows = error.errors(include_input=False, include_url=False, include_context=False)[:FIELDS_EXPLAINED_MAX]
        text = "; ".join(f"{'.'.join(map(str, row['loc'])) or 'body'}: {row['msg']}" for row in rows)
        raise InvalidMessage(text) from error


def json_text(request: Request) -> bytes:
    """The text of the request's JSON object, an empty one when there is no body.

    Raises:
        InvalidMessage: it is none; NaN and infinity, which Python would read, are not JSON.
        RequestEntityTooLarge: it has more than BODY_BYTES_MAX bytes.
        UnsupportedMediaType: it is not even declared as JSON.
    """
    # One byte more than may be: a body whose length is not declared is cut there in silence, and what is left may be JSON.
    request.max_content_length = BODY_BYTES_MAX + 1
    data = request.get_data(cache=False)
    if len(data) > BODY_BYTES_MAX:
        raise RequestEntityTooLarge
    if not data:
        return b"{}"
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("a body must have the content type application/json")
    try:
        value = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidMessage("the body is not JSON") from error
    if not isinstance(value, dict):
        raise InvalidMessage("the body is not a JSON object")
    return data


def query_of(model: type[RequestQuery], request: Request) -> RequestQuery:
    """What stands behind the `?`. Raises InvalidMessage for a name that is there twice, and pydantic's ValidationError."""
    given = request.args.to_dict(flat=False)
    twice = [name for name, values in given.items() if len(values) > 1]
    if twice:
        raise InvalidMessage(f"{', '.join(map(repr, twice))[:80]}: given more than once")
    return model.model_validate({name: values[0] for name, values in given.items()})


def headers_of(route: Route, given: Headers) -> RequestHeaders:
    """The headers that the route looks at.

    One that bounds what a call may do is never ignored: where it would do nothing, the call is refused.

    Raises:
        InvalidMessage: the route does not obey such a header.
    """
    for name, is_heard in route.heard.items():
        if name in given and not is_heard:
            raise InvalidMessage(f"{route.name} takes no {name}")
    return route.headers.model_validate({name: given[name] for name in route.header_names if name in given})


def buffered(request: Request) -> dict[str, Any]:
    """The WSGI environment of an outer application's request, its body ready to be read again.

    No more is read than shows that the body is too large.
    """
    return {**request.environ, "wsgi.input": io.BytesIO(request.stream.read(BODY_BYTES_MAX + 1))}


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
