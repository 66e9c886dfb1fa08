"""The OpenAPI document: valid, complete, and no other than what is served."""

from typing import Any

import pytest
import schemathesis

from firemesh.control_plane import routes
from firemesh.control_plane.openapi import describe
from firemesh.control_plane.problem import CODES
from tests.support.api import Api

DOCUMENT = describe(routes.declared())


def every_operation() -> list[Any]:
    return [operation for path in DOCUMENT["paths"].values() for operation in path.values()]


def test_it_is_openapi_3_1() -> None:
    schemathesis.openapi.from_dict(DOCUMENT).validate()


def test_a_document_that_is_not_openapi_is_seen() -> None:
    broken = {**DOCUMENT, "paths": {"/meshes": {"get": {"responses": []}}}}
    with pytest.raises(Exception, match="not of type"):
        schemathesis.openapi.from_dict(broken).validate()


def test_every_route_is_in_it_and_nothing_else() -> None:
    described = {(method, path) for path, operations in DOCUMENT["paths"].items() for method in operations}
    assert described == {(route.method.lower(), route.template) for route in routes.declared()}


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for operation in every_operation()]
    assert len(set(names)) == len(names)


def test_every_operation_says_how_it_may_fail_and_what_each_answer_carries() -> None:
    for operation in every_operation():
        assert {"400", "401", "403", "413", "415", "429", "500", "503", "504"} <= operation["responses"].keys()
    for response in DOCUMENT["components"]["responses"].values():
        assert {"X-Request-Id", "Cache-Control"} <= response["headers"].keys()
        assert response["content"].keys() == {"application/problem+json"}
    assert "Retry-After" in DOCUMENT["components"]["responses"]["Problem429"]["headers"]


def test_the_codes_of_problems_are_listed() -> None:
    assert DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == list(CODES)


def test_every_schema_is_used_and_none_is_open_to_unknown_fields_of_a_caller() -> None:
    text = str(DOCUMENT)
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert f"#/components/schemas/{name}" in text
        assert name not in {route.body.__name__ for route in routes.declared()} or schema["additionalProperties"] is False


def test_it_is_served_without_a_key_at_both_places(api: Api) -> None:
    for path in ("/v1/openapi.json", "/api/v1/openapi.json"):
        answer = api.call("GET", path, "")
        assert (answer.status_code, answer.json) == (200, DOCUMENT)
        assert answer.headers["Cache-Control"] == "private, no-store"
