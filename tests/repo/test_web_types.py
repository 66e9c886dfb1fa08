"""What the browser believes about the models is what the models are."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "web_worker" / "agent" / "generated"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("web_types", ROOT / "tools" / "web_types.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generated_types_are_those_of_the_models(tool: ModuleType) -> None:
    found = {path.name: path.read_text() for path in GENERATED.iterdir()}
    assert found == tool.files(), "models changed since; run `.venv/bin/python tools/web_types.py`"


@pytest.mark.parametrize(
    ("schema", "type_"),
    [
        ({"type": "integer", "minimum": 1}, "number"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string | null"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Row"}}, "readonly (Row)[]"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "{ readonly [name: string]: number }"),
        ({"enum": ["a", "b"], "type": "string"}, '"a" | "b"'),
        (
            {"type": "object", "properties": {"x": {"type": "string"}, "y": {}}, "required": ["x"]},
            "{\n  readonly x: string;\n  readonly y?: unknown;\n}",
        ),
    ],
)
def test_a_schema_becomes_the_type_of_the_same_values(tool: ModuleType, schema: dict[str, object], type_: str) -> None:
    assert tool._type(schema) == type_


def test_a_schema_of_a_new_kind_is_refused_and_not_guessed(tool: ModuleType) -> None:
    with pytest.raises(ValueError, match="no TypeScript"):
        tool._type({"type": "date"})
