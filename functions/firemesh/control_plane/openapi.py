"""The OpenAPI 3.1 document of the REST interface, made of the routes as they are declared."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from inspect import getdoc
from typing import Any

from pydantic import BaseModel, TypeAdapter

from firemesh.control_plane.idempotency import KEY_PATTERN
from firemesh.control_plane.problem import MEANING, Problem
from firemesh.control_plane.route import EVENT_STREAM_TYPE, PATH_PARAMETERS, NoBody, Route

API_VERSION = "1.0.0"
"""What callers may rely on: a change that breaks them raises the first number, and the prefix of the paths with it."""

PROBLEM_TYPE = "application/problem+json"
_REF = "#/components/schemas/{model}"
_PROBLEM_REF = {"$ref": "#/components/schemas/Problem"}
_PROBLEMS_ALWAYS = (400, 401, 403, 413, 415, 429, 500, 503, 504)

_HEADERS: Mapping[str, Any] = {
    "X-Request-Id": {
        "description": "The caller's, when it sent one that fits, else a new one. Every log line has it.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "Cache-Control": {"required": True, "schema": {"const": "private, no-store"}},
    "ETag": {"description": "The version of what is shown.", "required": True, "schema": {"type": "string"}},
    "Idempotency-Replayed": {
        "description": "The call was done before; this is what it was answered then, without secrets.",
        "schema": {"const": "true"},
    },
    "Retry-After": {"description": "Seconds to wait before the next try.", "schema": {"type": "integer", "minimum": 1}},
    "WWW-Authenticate": {"description": "How to present a key.", "schema": {"const": "Bearer"}},
}
_PARAMETERS: Mapping[str, Any] = {
    "X-Request-Id": {
        "description": "What the answer and every log line shall call this request; one that does not fit is replaced.",
        "schema": {"type": "string"},
    },
    "Idempotency-Key": {
        "description": "Names this request. Sent again within a day, it is answered again and not done again.",
        "schema": {"type": "string", "pattern": KEY_PATTERN},
    },
    "If-None-Match": {
        "description": "Answer 304 while this version is current, as it came in `ETag`.",
        "schema": {"type": "string"},
    },
}
_ALWAYS = ("X-Request-Id", "Cache-Control")
_WITH_STATUS = {401: ("WWW-Authenticate",), 429: ("Retry-After",)}


def describe(routes: Sequence[Route]) -> dict[str, Any]:
    """The document of these routes: a JSON object."""
    schemas = _Schemas(routes)
    operations: dict[str, dict[str, Any]] = {}
    for route in routes:
        operations.setdefault(route.template, {})[route.method.lower()] = _operation(route, schemas)
    statuses = sorted({status for route in routes for status in _problem_statuses(route)})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Firemesh control plane",
            "version": API_VERSION,
            "summary": "Operates meshes of agents from outside.",
        },
        # Relative to where this document is served: it holds behind hosting and in front of the function alike.
        "servers": [{"url": "../v1"}],
        "security": [{"bearer": []}, {"header": []}],
        "tags": [{"name": name} for name in dict.fromkeys(_tag(route) for route in routes)],
        "paths": operations,
        "components": {
            "schemas": schemas.components,
            "headers": dict(_HEADERS),
            "parameters": {name: {"name": name, "in": "header", **parameter} for name, parameter in _PARAMETERS.items()},
            "responses": {f"Problem{status}": _problem_response(status) for status in statuses},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, a session or an ID token."},
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key."},
            },
        },
    }


class _Schemas:
    """The schemas of all bodies, queries and answers, named once and referred to."""

    def __init__(self, routes: Sequence[Route]) -> None:
        adapters = {route.answer: ("serialization", route.answer_type) for route in routes}
        adapters |= {route.body: ("validation", TypeAdapter(route.body)) for route in routes if route.body is not NoBody}
        adapters[Problem] = ("serialization", TypeAdapter(Problem))
        inputs = [(model, mode, adapter) for model, (mode, adapter) in adapters.items()]
        references, definitions = TypeAdapter.json_schemas(inputs, ref_template=_REF)  # type: ignore[arg-type]
        self.components: dict[str, Any] = definitions["$defs"]
        self._references = {model: reference for (model, _), reference in references.items()}

    def reference(self, model: Any) -> Mapping[str, Any]:
        """Where a model's schema stands."""
        return self._references[model]


def _operation(route: Route, schemas: _Schemas) -> dict[str, Any]:
    described = {
        "operationId": route.name,
        "summary": route.summary,
        "description": f"{getdoc(route.handler)} Guarded as `{route.operation.value}` in the permission table.",
        "tags": [_tag(route)],
        "parameters": [
            *_path_parameters(route),
            *_parameters(route.query, "query"),
            *_parameters(route.headers, "header"),
            *_shared_parameters(route),
        ],
        "responses": {
            **_answers(route, schemas.reference(route.answer)),
            **{str(s): {"$ref": f"#/components/responses/Problem{s}"} for s in _problem_statuses(route)},
        },
    }
    if route.body is not NoBody:
        content = {"application/json": {"schema": schemas.reference(route.body)}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": PATH_PARAMETERS[name].json_schema()}
        for name in route.parameters
    ]


def _parameters(model: type[BaseModel], place: str) -> list[dict[str, Any]]:
    schema = model.model_json_schema()
    required = schema.get("required", ())
    return [
        {"name": name, "in": place, "required": name in required, "schema": each}
        for name, each in schema.get("properties", {}).items()
    ]


def _answer_type(route: Route) -> str:
    return EVENT_STREAM_TYPE if route.is_stream else "application/json"


def _shared_parameters(route: Route) -> list[dict[str, Any]]:
    named = {"X-Request-Id", *(name for name, taken in route.heard.items() if taken)} - route.header_names
    return [{"$ref": f"#/components/parameters/{name}"} for name in sorted(named)]


def _answers(route: Route, schema: Mapping[str, Any]) -> dict[str, Any]:
    """What may come when all goes well."""
    names = [*_ALWAYS]
    if route.is_versioned:
        names.append("ETag")
    if route.idempotent:
        names.append("Idempotency-Replayed")
    answer = {
        "description": HTTPStatus(route.status).phrase,
        "headers": _headers(names),
        "content": {_answer_type(route): {"schema": schema}},
    }
    unchanged = {"description": "What is shown is still of the version in `If-None-Match`", "headers": _headers(names)}
    return {str(route.status): answer} | ({"304": unchanged} if route.is_versioned else {})


def _problem_statuses(route: Route) -> tuple[int, ...]:
    found = set(_PROBLEMS_ALWAYS)
    if route.parameters:
        found |= {404, 409}
    if route.method != "GET":
        found.add(409)
    if "If-Match" in route.header_names:
        found.add(412)
    if route.idempotent:
        found.add(422)
    return tuple(sorted(found))


def _problem_response(status: int) -> dict[str, Any]:
    return {
        "description": MEANING[status],
        "headers": _headers((*_ALWAYS, *_WITH_STATUS.get(status, ()))),
        "content": {PROBLEM_TYPE: {"schema": _PROBLEM_REF}},
    }


def _headers(names: Sequence[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _tag(route: Route) -> str:
    """The resource, by the module that declares it."""
    return str(route.handler.__module__).rpartition(".")[2].replace("_", " ")
