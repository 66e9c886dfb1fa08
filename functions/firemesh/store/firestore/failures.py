"""The one table from gRPC statuses to our errors. No vendor exception crosses the store."""

from grpc import StatusCode
from grpc.aio import AioRpcError

from firemesh.errors import (
    CommitAborted,
    InvalidMessage,
    MeshError,
    OutcomeUnknown,
    PermissionDenied,
    PreconditionFailed,
    StoreUnavailable,
    Unauthenticated,
)

# status: (of a commit, of a read or a listener)
_ERRORS: dict[StatusCode, tuple[type[MeshError], type[MeshError]]] = {
    StatusCode.FAILED_PRECONDITION: (PreconditionFailed, InvalidMessage),
    StatusCode.ALREADY_EXISTS: (PreconditionFailed, StoreUnavailable),
    StatusCode.NOT_FOUND: (PreconditionFailed, InvalidMessage),
    StatusCode.ABORTED: (CommitAborted, StoreUnavailable),
    StatusCode.INVALID_ARGUMENT: (InvalidMessage, InvalidMessage),
    StatusCode.OUT_OF_RANGE: (InvalidMessage, InvalidMessage),
    StatusCode.UNIMPLEMENTED: (InvalidMessage, InvalidMessage),
    StatusCode.PERMISSION_DENIED: (PermissionDenied, PermissionDenied),
    StatusCode.UNAUTHENTICATED: (Unauthenticated, Unauthenticated),
    StatusCode.DEADLINE_EXCEEDED: (OutcomeUnknown, StoreUnavailable),
    StatusCode.UNAVAILABLE: (OutcomeUnknown, StoreUnavailable),
    StatusCode.CANCELLED: (OutcomeUnknown, StoreUnavailable),
    StatusCode.UNKNOWN: (OutcomeUnknown, StoreUnavailable),
    StatusCode.INTERNAL: (OutcomeUnknown, StoreUnavailable),
    StatusCode.DATA_LOSS: (OutcomeUnknown, StoreUnavailable),
    # A spent quota refuses before it writes, but the same status also reports a server that ran out while writing.
    StatusCode.RESOURCE_EXHAUSTED: (OutcomeUnknown, StoreUnavailable),
}

_BY_NUMBER = {status.value[0]: status for status in StatusCode}


def commit_error(error: AioRpcError) -> MeshError:
    """What a failed commit means to the caller."""
    return _describe(error, _ERRORS[error.code()][0])


def read_error(error: AioRpcError) -> MeshError:
    """What a failed read or listener means to the caller."""
    return _describe(error, _ERRORS[error.code()][1])


def target_error(number: int, message: str) -> MeshError:
    """What it means that the server removed a listener's target: `number` is the gRPC code of the cause."""
    status = _BY_NUMBER.get(number, StatusCode.UNKNOWN)
    kind = _ERRORS[status][1] if status in _ERRORS else StoreUnavailable
    return kind(f"{status.name}: {message}")


def _describe(error: AioRpcError, kind: type[MeshError]) -> MeshError:
    return kind(f"{error.code().name}: {error.details() or 'no details'}")
