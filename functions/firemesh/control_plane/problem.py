"""Problem documents (RFC 9457): how an error looks over HTTP. The one place that knows which error has which status."""

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from werkzeug.exceptions import HTTPException

from firemesh.errors import Code, IdempotencyKeyReused, MeshError, RateLimited, VersionMoved

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
_OF_ERROR: Mapping[type[MeshError], int] = {IdempotencyKeyReused: 422, VersionMoved: 412}
"""Errors for which HTTP has a word more precise than their code's."""

INTERNAL = "internal"
_OF_HTTP: Mapping[int, str] = {
    404: Code.NOT_FOUND,
    405: "method-not-allowed",
    413: "request-entity-too-large",
    415: "unsupported-media-type",
}
CODES = tuple(dict.fromkeys((*Code, *_OF_HTTP.values(), INTERNAL)))
"""Every `code` that a problem can have."""

MEANING: Mapping[int, str] = {
    400: "Malformed, or it makes no sense",
    401: "No key, or it is unknown, expired or revoked",
    403: "The role, the key's operations or its mesh do not allow it",
    404: "No such mesh, agent or path",
    405: "The path is there, the method is not",
    409: "Taken, or changed meanwhile",
    412: "It is not at the version that was named",
    413: "The body is too large",
    415: "The body is not declared as JSON",
    422: "The idempotency key came with another request before",
    429: "Too often",
    500: "Our mistake; the request id finds it in the log",
    503: "The store did not answer; nothing was changed",
    504: "The store did not answer; look before you repeat a change",
}
"""What each status says."""


class Problem(BaseModel):
    """Why a call was refused. `code` is stable, `detail` is for people; `retryable`: the same call may pass later."""

    model_config = ConfigDict(frozen=True)

    type: str = "about:blank"
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    code: str = Field(json_schema_extra={"enum": list(CODES)})
    retryable: bool = False
    error: str = Field("", description="The name of the error in the program; empty when it has none.")
    retry_after_seconds: int = Field(0, ge=0, description="How long to wait before the next try; 0: nobody knows.")
    request_id: str


def problem_of(error: Exception, request_id: str) -> Problem:
    """What a caller is told about an error; of one that is our mistake, nothing but that."""
    if isinstance(error, MeshError):
        code, name = error.code.value, type(error).__name__
        status = _OF_ERROR.get(type(error), STATUS[error.code])
        wait = max(1, math.ceil(error.retry_after_seconds)) if isinstance(error, RateLimited) else 0
        more = {"retryable": error.retryable, "error": name, "retry_after_seconds": wait}
        return _problem(status, code, str(error), request_id, **more)
    if isinstance(error, HTTPException):
        status = error.code or 400
        if status not in _OF_HTTP:
            return _problem(400, Code.INVALID_ARGUMENT, error.name, request_id)
        return _problem(status, _OF_HTTP[status], error.description or error.name, request_id)
    return _problem(500, INTERNAL, MEANING[500], request_id)


def problem_headers(problem: Problem) -> dict[str, str]:
    """The headers that a refusal must carry."""
    headers = {"WWW-Authenticate": "Bearer"} if problem.status == 401 else {}
    if problem.retry_after_seconds:
        headers["Retry-After"] = str(problem.retry_after_seconds)
    return headers


def _problem(status: int, code: str, detail: str, request_id: str, **more: Any) -> Problem:
    title = HTTPStatus(status).phrase  # RFC 9457 wants no other beside about:blank
    return Problem(title=title, status=status, detail=detail, code=code, request_id=request_id, **more)
