"""Every error that crosses a boundary of Firemesh.

Four kinds of failure, four treatments:

1. The caller is wrong: raise a `RequestError`; never retry.
2. The world is busy or has moved: raise an error with `retryable = True`; back off or re-read, then try again.
3. A committed command is not allowed: the machine *returns* a rejection and never raises.
4. We are wrong: `InvariantViolation`, outside the `MeshError` tree so that `except MeshError` cannot swallow it.

    MeshError                         code                  retryable
    ├── RequestError                  the caller is wrong
    │   ├── InvalidMessage            invalid-argument
    │   ├── InvalidParameters         invalid-argument
    │   ├── UnknownMachine            invalid-argument
    │   ├── Unauthenticated           unauthenticated
    │   │   └── IncarnationEnded      unauthenticated       no: with a new admission
    │   ├── PermissionDenied          permission-denied
    │   ├── MeshNotFound              not-found
    │   ├── AgentNotFound             not-found
    │   ├── KeyNotFound               not-found
    │   ├── NotStored                 not-found
    │   ├── AlreadyExists             already-exists
    │   ├── AgentIdInUse              already-exists
    │   ├── IdempotencyKeyReused      invalid-argument
    │   ├── MeshFull                  failed-precondition
    │   ├── MeshDraining              failed-precondition
    │   ├── MeshClosed                failed-precondition
    │   ├── MeshNotClosed             failed-precondition
    │   └── StateFileMismatch         failed-precondition
    ├── LeadershipError               ask somebody else
    │   └── NotLeader                 failed-precondition   yes
    ├── ContentionError               the world moved
    │   ├── PreconditionFailed        aborted               after a fresh read
    │   ├── VersionMoved              aborted               after a fresh read
    │   └── CommitAborted             aborted               yes
    ├── OverloadError
    │   ├── InboxFull                 resource-exhausted    yes
    │   └── RateLimited               resource-exhausted    after retry_after_seconds
    ├── JoinTimeout                   deadline-exceeded     no: in a new process
    ├── UnavailableError
    │   ├── StoreUnavailable          unavailable           yes
    │   └── OutcomeUnknown            deadline-exceeded     after a fresh read (outcome_unknown)
    └── LocalStackError               unavailable           the machine lacks something; the message says what

    InvariantViolation(AssertionError)
    └── CorruptDocument
"""

from enum import StrEnum


class Code(StrEnum):
    """Status codes shared by Firebase callables and gRPC."""

    INVALID_ARGUMENT = "invalid-argument"
    UNAUTHENTICATED = "unauthenticated"
    PERMISSION_DENIED = "permission-denied"
    NOT_FOUND = "not-found"
    ALREADY_EXISTS = "already-exists"
    FAILED_PRECONDITION = "failed-precondition"
    ABORTED = "aborted"
    RESOURCE_EXHAUSTED = "resource-exhausted"
    UNAVAILABLE = "unavailable"
    DEADLINE_EXCEEDED = "deadline-exceeded"


class MeshError(Exception):
    """Base of every error a caller may want to handle."""

    code: Code = Code.UNAVAILABLE
    retryable: bool = False
    outcome_unknown: bool = False


class RequestError(MeshError):
    """The caller is wrong; the same call will fail again."""

    code = Code.INVALID_ARGUMENT


class InvalidMessage(RequestError):
    """A message, command or document is malformed or too large. Mend it, then send it again."""


class InvalidParameters(RequestError):
    """Settings contradict each other. The message names both values and the rule between them."""


class UnknownMachine(RequestError):
    """The mesh asks for a replicated machine this program does not have. Install it or fix the mesh."""


class Unauthenticated(RequestError):
    """No identity came with the call, or it is unknown, expired or revoked. Get a valid key; do not retry with this one."""

    code = Code.UNAUTHENTICATED


class IncarnationEnded(Unauthenticated):
    """This run of the agent has left, was removed or declared dead. The agent may come back with a new admission."""


class PermissionDenied(RequestError):
    """The identity may not do this. Use another identity; do not retry."""

    code = Code.PERMISSION_DENIED


class MeshNotFound(RequestError):
    """No mesh has this id. Create it first or mend the spelling."""

    code = Code.NOT_FOUND


class AgentNotFound(RequestError):
    """No member has this id. It may have left or never joined."""

    code = Code.NOT_FOUND


class KeyNotFound(RequestError):
    """No API key has this id. Mend the spelling; the list tells which there are."""

    code = Code.NOT_FOUND


class NotStored(RequestError):
    """What was asked for has not been stored, or not yet."""

    code = Code.NOT_FOUND


class AlreadyExists(RequestError):
    """Somebody created it first. Use theirs or choose another id."""

    code = Code.ALREADY_EXISTS


class AgentIdInUse(AlreadyExists):
    """Another living process runs this agent. Stop it first, or join under another id."""


class IdempotencyKeyReused(RequestError):
    """The idempotency key came with another request before. Take a new one for each request; repeat both only together."""


class MeshFull(RequestError):
    """The mesh has as many agents as it may have. Remove one before adding another."""

    code = Code.FAILED_PRECONDITION


class MeshDraining(RequestError):
    """The mesh lets nobody new in. Go to another mesh."""

    code = Code.FAILED_PRECONDITION


class MeshClosed(RequestError):
    """The mesh is over, for good. Go to another mesh."""

    code = Code.FAILED_PRECONDITION


class MeshNotClosed(RequestError):
    """The mesh is in use, so it is not deleted. Close it first, or insist."""

    code = Code.FAILED_PRECONDITION


class StateFileMismatch(RequestError):
    """A state file on disk belongs to another mesh. Point to the right folder."""

    code = Code.FAILED_PRECONDITION


class LeadershipError(MeshError):
    """This manager cannot decide; another one may."""

    code = Code.FAILED_PRECONDITION


class NotLeader(LeadershipError):
    """The manager asked is not leading. Send the command through the inbox, or ask the leader."""

    retryable = True


class ContentionError(MeshError):
    """The world moved between the read and the write."""

    code = Code.ABORTED


class PreconditionFailed(ContentionError):
    """A commit's precondition did not hold, so none of its writes landed. Read again, then decide anew."""


class VersionMoved(ContentionError):
    """What the caller wants to replace is not the version it has seen; nothing was changed. Read it, then decide anew."""


class CommitAborted(ContentionError):
    """The store gave up a commit because others wrote the same documents; none of its writes landed. Send it again."""

    retryable = True


class OverloadError(MeshError):
    """A stated limit is reached."""

    code = Code.RESOURCE_EXHAUSTED
    retryable = True


class InboxFull(OverloadError):
    """Too many commands wait for the leader. Wait for the views to move, then send again."""


class JoinTimeout(MeshError):
    """No manager let the agent join in time; what it sent is withdrawn. See to a manager, then start it in a new process."""

    code = Code.DEADLINE_EXCEEDED


class RateLimited(OverloadError):
    """The caller asks too often. Wait `retry_after_seconds`, then ask again."""

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UnavailableError(MeshError):
    """The store did not answer."""


class StoreUnavailable(UnavailableError):
    """A read or a listener got no answer. Nothing was changed; back off and try again."""

    retryable = True


class OutcomeUnknown(UnavailableError):
    """A commit got no answer: it may have landed, may land later, or never. Read before deciding."""

    code = Code.DEADLINE_EXCEEDED
    outcome_unknown = True


class LocalStackError(MeshError):
    """The local emulators cannot start or have died. The message says what is missing and how to mend it."""


class InvariantViolation(AssertionError):
    """Firemesh itself is wrong: stop, keep the documents, report it."""


class CorruptDocument(InvariantViolation):
    """A document that only Firemesh writes does not fit its model."""
