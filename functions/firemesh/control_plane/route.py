"""What one route of the REST interface takes and gives, declared once.

The gateway checks requests by the declaration, callables find their use case by it, and the OpenAPI document is made of it:
so none of the three can say something else than the others.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from firemesh.control_plane.access import Identity, Operation
from firemesh.errors import InvalidMessage, InvariantViolation
from firemesh.ids import AgentId, KeyId, MeshId
from firemesh.store.base import Write

SEQ_MAX = 99_999_999
"""The greatest number a command can have: it has 8 digits in the document's id."""

PATH_PARAMETERS: Mapping[str, TypeAdapter[Any]] = {
    "mesh_id": TypeAdapter(MeshId),
    "agent_id": TypeAdapter(AgentId),
    "audience": TypeAdapter(Annotated[str, Field(pattern=r"^[a-z]{1,20}$")]),
    "key_id": TypeAdapter(KeyId),
    "seq": TypeAdapter(Annotated[int, Field(ge=1, le=SEQ_MAX)]),
}
"""What each name in angle brackets may be; a new name gets a row before a path gets it."""

_BRACKETS = re.compile(r"<([a-z_]+)>")


class RequestBody(BaseModel):
    """Base of what a caller sends as JSON: strictly typed, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class RequestQuery(BaseModel):
    """Base of what a caller puts behind the `?`: texts, so numbers are read out of them; no unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class RequestHeaders(BaseModel):
    """Base of the headers a route looks at, by their names as aliases; all others are left alone."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class NoBody(RequestBody):
    """Nothing, or an empty JSON object."""


class NoQuery(RequestQuery):
    """Nothing."""


class NoHeaders(RequestHeaders):
    """None."""


def _forget(_: Any) -> Sequence[Write]:
    return ()


Body = TypeVar("Body", bound=RequestBody)
Query = TypeVar("Query", bound=RequestQuery)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Body, Query]):
    """One authenticated call, as a route sees it: who asks, and what was sent, checked.

    `headers` is of the model that the route declares. `remember` takes the answer without its secrets and gives the writes
    that must land in the commit that creates something: then the call, sent again with the same idempotency key, is
    answered from there.
    """

    identity: Identity
    request_id: str
    body: Body
    query: Query
    headers: Any
    remember: Callable[[Any], Sequence[Write]] = _forget


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with more to it than its value.

    `etag` is the version of what is shown, unquoted; without one, what a GET shows is its own version. `replayed`: it was
    answered before.
    """

    value: Any
    etag: str = ""
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class EventStream:
    """An answer that goes on: the text of server-sent events, piece by piece. Whoever takes it closes it."""

    frames: AsyncGenerator[str, None]


EVENT_STREAM_TYPE = "text/event-stream"

Handler = Callable[..., Awaitable[Any]]
"""`async (use_cases, call, **path parameters)`: gives a value of the declared answer type, or a `Reply` with one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path, and all that is to be known of it.

    `path` lies below /v1; `<mesh_id>` names a parameter. `operation` is the row of the permission table that guards it.
    `answer` is a pydantic model or a dataclass, or EventStream. The handler's name is the route's, in the OpenAPI document and
    for callables. `idempotent`: it takes an `Idempotency-Key`.
    """

    method: str
    path: str
    handler: Handler
    operation: Operation
    summary: str
    answer: Any
    body: type[RequestBody] = NoBody
    query: type[RequestQuery] = NoQuery
    headers: type[RequestHeaders] = NoHeaders
    status: int = 200
    idempotent: bool = False
    answer_type: TypeAdapter[Any] = field(init=False)

    def __post_init__(self) -> None:
        unknown = set(self.parameters) - PATH_PARAMETERS.keys()
        if unknown:
            raise InvariantViolation(f"{self.method} {self.path}: no row in PATH_PARAMETERS for {sorted(unknown)}")
        object.__setattr__(self, "answer_type", TypeAdapter(str if self.is_stream else self.answer))

    @property
    def is_stream(self) -> bool:
        """Whether the answer goes on."""
        return self.answer is EventStream

    @property
    def is_versioned(self) -> bool:
        """Whether the answer has an ETag of its own accord: what a GET shows at once."""
        return self.method == "GET" and not self.is_stream

    @property
    def name(self) -> str:
        """What the route is called."""
        return str(self.handler.__name__)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in the path."""
        return tuple(_BRACKETS.findall(self.path))

    @property
    def header_names(self) -> frozenset[str]:
        """The headers that the route looks at itself."""
        return frozenset(field.alias or name for name, field in self.headers.model_fields.items())

    @property
    def heard(self) -> Mapping[str, bool]:
        """Of each header that bounds what a call may do, whether the route obeys it."""
        return {
            "Idempotency-Key": self.idempotent,
            "If-Match": "If-Match" in self.header_names,
            "If-None-Match": self.is_versioned or "If-None-Match" in self.header_names,
        }

    @property
    def template(self) -> str:
        """The path as people write it: `/meshes/{mesh_id}`."""
        return _BRACKETS.sub(r"{\1}", self.path)

    def check_parameters(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """The path's parameters. Raises InvalidMessage with the name of the one that does not fit."""
        return {name: _checked(name, text) for name, text in given.items()}


def _checked(name: str, text: str) -> Any:
    try:
        return PATH_PARAMETERS[name].validate_python(text)
    except ValidationError as error:
        raise InvalidMessage(f"{name}: {error.errors(include_input=False)[0]['msg']}") from error
