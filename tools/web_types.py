"""Write for the browser what the two sides must agree on: web_worker/agent/generated. A test compares it with the models.

`types.ts` holds a type for each model of the REST interface and for what an agent stores, `constants.ts` the numbers and
words by which both sides keep.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from firemesh.client.ruled_mesh import COMMANDS_PER_BEAT, REST_MS
from firemesh.control_plane import routes
from firemesh.control_plane.insight_desk import LOG_LINES_MAX
from firemesh.control_plane.openapi import describe
from firemesh.core import membership
from firemesh.core.health import LATENESS_MAX, Beat
from firemesh.core.messages import PAYLOAD_BYTES_MAX, PAYLOAD_DEPTH_MAX, Command
from firemesh.core.sessions import ALREADY_ORDERED
from firemesh.game.mafia.reasons import Reason
from firemesh.runtime.admission import CLIENT_PROCESS_PREFIX
from firemesh.runtime.agent import STATE_BYTES_MAX
from firemesh.runtime.process import HeartbeatPolicy
from firemesh.runtime.session import OUTSTANDING_MAX
from firemesh.store.mesh_store import LIVENESS_LISTENED_MAX
from firemesh.store.paths import LOG_DIGITS, SEQ_DIGITS
from firemesh_cli.stack.prices import OPERATIONS_PER_PRICE, US_CENTRAL1_STANDARD

FOLDER = Path(__file__).resolve().parent.parent / "web_worker" / "agent" / "generated"
HEADER = "// Made by tools/web_types.py from the models of the Python side. Do not edit.\n"
STORED: tuple[type[BaseModel], ...] = (Command, Beat)
"""What an agent writes to the store itself, besides what stands in the REST interface."""
WORDS = {
    "null": "null",
    "boolean": "boolean",
    "integer": "number",
    "number": "number",
    "string": "string",
    "anything": "unknown",
}
POLICY = HeartbeatPolicy()
CONSTANTS: Mapping[str, Any] = {
    "ALREADY_ORDERED": ALREADY_ORDERED,
    "CLIENT_PROCESS_PREFIX": CLIENT_PROCESS_PREFIX,
    "COMMANDS_PER_BEAT": COMMANDS_PER_BEAT,
    "HEARTBEAT": {
        "activeMs": POLICY.active_ms,
        "idleMs": POLICY.idle_ms,
        "idleAfterMs": POLICY.idle_after_ms,
        "asleepMs": POLICY.asleep_ms,
        "asleepAfterMs": POLICY.asleep_after_ms,
    },
    "JOIN": membership.JOIN,
    "DOLLARS": {name: price / OPERATIONS_PER_PRICE for name, price in asdict(US_CENTRAL1_STANDARD).items()},
    "LATENESS_MAX": LATENESS_MAX,
    "LIVENESS_LISTENED_MAX": LIVENESS_LISTENED_MAX,
    "LOG_DIGITS": LOG_DIGITS,
    "LOG_LINES_MAX": LOG_LINES_MAX,
    "LEAVE": membership.LEAVE,
    "MEMBER_STATUS": [status.value for status in membership.MemberStatus],
    "OUTSTANDING_MAX": OUTSTANDING_MAX,
    "PAYLOAD_BYTES_MAX": PAYLOAD_BYTES_MAX,
    "PAYLOAD_DEPTH_MAX": PAYLOAD_DEPTH_MAX,
    "REST_MS": REST_MS,
    "SEQ_DIGITS": SEQ_DIGITS,
    "STATE_BYTES_MAX": STATE_BYTES_MAX,
    "REJECTION_REASONS": [reason.value for reason in Reason],
}


def files() -> dict[str, str]:
    """What each generated file shall hold."""
    schemas = dict(describe(routes.declared())["components"]["schemas"])
    for model in STORED:
        schemas[model.__name__] = TypeAdapter(model).json_schema(mode="serialization")
    types = "".join(_declaration(name, schemas[name]) for name in sorted(schemas))
    values = (f"export const {name} = {json.dumps(CONSTANTS[name])} as const;\n" for name in sorted(CONSTANTS))
    return {"types.ts": HEADER + types, "constants.ts": HEADER + "\n" + "".join(values)}


def _declaration(name: str, schema: Mapping[str, Any]) -> str:
    text = "\n".join(_comment(schema.get("description", ""), ""))
    return f"\n{text}{chr(10) if text else ''}export type {name} = {_type(schema)};\n"


def _type(schema: Mapping[str, Any]) -> str:
    """The TypeScript of one schema. Raises ValueError for what no model here has had so far."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema or "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema.get("enum", [schema.get("const")]))
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return " | ".join(dict.fromkeys(_type(each) for each in schema[choice]))
    return _plain_type(schema)


def _plain_type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type", "anything")
    if kind == "object":
        return _object(schema)
    if kind == "array":
        return f"readonly ({_type(schema['items'])})[]"
    if kind not in WORDS:
        raise ValueError(f"no TypeScript for {schema}")
    return WORDS[kind]


def _object(schema: Mapping[str, Any]) -> str:
    properties = schema.get("properties")
    if properties is None:
        values = schema.get("additionalProperties", True)
        return f"{{ readonly [name: string]: {_type(values) if isinstance(values, dict) else 'unknown'} }}"
    return "{\n" + "".join(_fields(properties, schema.get("required", ()))) + "}"


def _fields(properties: Mapping[str, Mapping[str, Any]], required: list[str]) -> Iterator[str]:
    for name, schema in properties.items():
        yield "".join(f"{line}\n" for line in _comment(schema.get("description", ""), "  "))
        yield f"  readonly {name}{'' if name in required else '?'}: {_type(schema)};\n"


def _comment(text: str, margin: str) -> Iterator[str]:
    lines = text.strip().splitlines()
    if len(lines) == 1:
        yield f"{margin}/** {lines[0]} */"
    elif lines:
        yield f"{margin}/**"
        yield from (f"{margin} * {line}".rstrip() for line in lines)
        yield f"{margin} */"


def main() -> int:
    """Write the files; gives the exit status."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
