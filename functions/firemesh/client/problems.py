"""What the control plane says over HTTP when it refuses, as the error it was there."""

from collections.abc import Mapping
from typing import Any

from firemesh import errors
from firemesh.errors import MeshError, RateLimited

RETRY_SECONDS = 1.0
"""How long to wait when the answer does not say."""

_KINDS: Mapping[str, type[MeshError]] = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, MeshError)
}


def error_of(problem: Mapping[str, Any], *, status: int, retry_after: str = "") -> MeshError:
    """The error in a problem document, with whom to ask about it. One that this program does not know is a plain MeshError.

    Raises:
        KeyError: this is no problem document of the control plane.
    """
    said = f"{problem['detail']} ({status} {problem['code']}, request {problem['request_id']})"
    kind = _KINDS.get(problem.get("error", ""), MeshError)
    if kind is RateLimited:
        return RateLimited(said, float(retry_after) if retry_after.isdigit() else RETRY_SECONDS)
    error = kind(said)
    error.retryable = bool(problem.get("retryable"))
    return error
