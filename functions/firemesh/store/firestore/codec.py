"""JSON objects, and points in time, to and from Firestore's value map, on raw protobuf messages.

Other clients may store more kinds that JSON lacks. They are read as the text (or object) that protobuf's own JSON mapping
gives them, so that a foreign document cannot stop a listener; written back, they would become what they were read as.
"""

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from firemesh.errors import InvalidMessage
from firemesh.store.firestore.protos import Message

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN = {str: "string_value", int: "integer_value", bool: "boolean_value", float: "double_value"}
"""Exact types that a message takes and gives as they are, under which name: nearly all there is to encode and decode."""
_PLAIN_KINDS = frozenset(_PLAIN.values())


def encode_fields(target: Message, fields: Mapping[str, Any]) -> None:
    """Write a checked JSON object into a message's map of values (see `documents.check_writes`)."""
    for name, value in fields.items():
        plain = _PLAIN.get(type(value))
        if plain is not None:
            setattr(target[name], plain, value)
        else:
            _encode(target[name], value)


def decode_fields(fields: Message) -> dict[str, Any]:
    """A map of values as a JSON object."""
    decoded = {}
    for name, value in fields.items():
        kind = value.WhichOneof("value_type")
        decoded[name] = getattr(value, kind) if kind in _PLAIN_KINDS else _DECODERS[kind](value)
    return decoded


def _encode(target: Message, value: Any) -> None:
    if isinstance(value, str):
        target.string_value = value
    elif value is None:
        target.null_value = 0
    elif isinstance(value, bool):
        target.boolean_value = value
    elif isinstance(value, int):
        target.integer_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, datetime):
        since = value - _EPOCH
        target.timestamp_value.seconds = since.days * 86_400 + since.seconds
        target.timestamp_value.nanos = since.microseconds * 1000
    elif isinstance(value, dict | Mapping):
        target.map_value.SetInParent()
        encode_fields(target.map_value.fields, value)
    elif isinstance(value, list | tuple):
        target.array_value.SetInParent()
        for item in value:
            _encode(target.array_value.values.add(), item)
    else:
        raise InvalidMessage(f"a {type(value).__name__} cannot be stored")


def _decode_list(value: Message) -> list[Any]:
    return [_DECODERS[item.WhichOneof("value_type")](item) for item in value.array_value.values]


def _decode_time(value: Message) -> datetime:
    time = value.timestamp_value
    return _EPOCH + timedelta(seconds=time.seconds, microseconds=time.nanos // 1000)


def _decode_point(value: Message) -> dict[str, float]:
    return {"latitude": value.geo_point_value.latitude, "longitude": value.geo_point_value.longitude}


_DECODERS: dict[str | None, Callable[[Any], Any]] = {
    "string_value": lambda value: value.string_value,
    "integer_value": lambda value: value.integer_value,
    "boolean_value": lambda value: value.boolean_value,
    "double_value": lambda value: value.double_value,
    "null_value": lambda value: None,
    "map_value": lambda value: decode_fields(value.map_value.fields),
    "array_value": _decode_list,
    "timestamp_value": _decode_time,
    "bytes_value": lambda value: base64.b64encode(value.bytes_value).decode(),
    "reference_value": lambda value: value.reference_value,
    "geo_point_value": _decode_point,
    None: lambda value: None,
}
