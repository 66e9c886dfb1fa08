"""Problem documents (RFC 9457): how an error looks over HTTP. The one place that knows which error has which status."""

import math
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from firemesh.errors import Code, MeshError, RateLimited

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
INTERNAL = "this is our mistake; the request id finds it in the log"
PROBLEMS_SHOWN_MAX = 3


class Problem(BaseModel):
    """Why a call was refused. `code` is stable, `detail` is for people; `retryable`: the same call may pass later."""

    model_config = ConfigDict(frozen=True)

    type: str = "about:blank"
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    code: str
    retryable: bool = False
    error: str = Field("", description="The name of the error in the program; empty when it has none.")
    request_id: str


def problem_of(error: MeshError, request_id: str) -> Problem:
    """An error of ours."""
    return Problem(
        title=error.code.value,
        status=STATUS[error.code],
        detail=str(error),
        code=error.code.value,
        retryable=error.retryable,
        error=type(error).__name__,
        request_id=request_id,
    )


def problem_headers(problem: Problem, error: Exception) -> dict[str, str]:
    """The headers that a refusal must carry."""
    headers = {"WWW-Authenticate": "Bearer"} if problem.status == 401 else {}
    if isinstance(error, RateLimited):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_seconds)))
    return headers


def explain(error: ValidationError) -> str:
    """What is wrong with a request, field by field, without repeating what was sent."""
    rows = error.errors(include_input=False, include_url=False, include_context=False)[:PROBLEMS_SHOWN_MAX]
    return "; ".join(f"{'.'.join(map(str, row['loc'])) or 'body'}: {row['msg']}" for row in rows)
