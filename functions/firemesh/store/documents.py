"""What may be stored, checked the same way by every store: paths, field values, sizes.

Firestore would refuse most of this itself, but only after a round trip and with its own words. Checked here, a refusal
names the document and the field, and the in-memory store refuses exactly what the real one refuses.
"""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from firemesh.errors import InvalidMessage
from firemesh.store.base import (
    COMMIT_BYTES_MAX,
    COMMIT_WRITES_MAX,
    DOCUMENT_BYTES_MAX,
    READ_PATHS_MAX,
    CollectionTarget,
    Create,
    Delete,
    Put,
    Target,
    Write,
)

NAME_BYTES_MAX = 1500
DEPTH_MAX = 20
INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1

_PLAIN_NAME = re.compile(r"[a-z][a-z_]*")
_RESERVED = re.compile(r"__.*__", re.DOTALL)


def split_path(path: str) -> tuple[str, str]:
    """A path's parent and last segment: a document's collection and id, or a collection's document and name."""
    parent, _, name = path.rpartition("/")
    return parent, name


def kind_of(path: str) -> str:
    """The kind of a document, for counting: `head` for meshes/m1/consensus/head, `log` for meshes/m1/log/000000000001.

    A document outside any mesh counts as its top collection; the mesh document itself as `mesh`.
    """
    segments = path.split("/")
    if segments[0] != "meshes":
        return segments[0]
    if len(segments) == 2:
        return "mesh"
    if len(segments) == 4 and segments[2] == "consensus":
        return segments[3]
    return segments[2] if len(segments) > 2 else "meshes"


def check_document_path(path: str) -> None:
    """Refuse a path that cannot name a document."""
    _check_path(path, parity=0, noun="document")


def check_collection_path(path: str) -> None:
    """Refuse a path that cannot name a collection."""
    _check_path(path, parity=1, noun="collection")


def check_target(target: Target) -> None:
    """Refuse a listener's target that makes no sense."""
    if isinstance(target, CollectionTarget):
        check_list(target.path, "", target.limit)
    else:
        check_document_path(target.path)


def check_read_paths(paths: Sequence[str]) -> None:
    """Refuse a batch read of nothing, of too much, or of malformed paths."""
    if not 1 <= len(paths) <= READ_PATHS_MAX:
        raise InvalidMessage(f"a read takes 1 to {READ_PATHS_MAX} paths, not {len(paths)}")
    for path in paths:
        check_document_path(path)


def check_list(collection: str, start_at: str, limit: int) -> None:
    """Refuse a malformed or unbounded listing."""
    check_collection_path(collection)
    if start_at:
        check_document_path(f"{collection}/{start_at}")
    if not 1 <= limit <= READ_PATHS_MAX:
        raise InvalidMessage(f"{collection}: limit must be 1 to {READ_PATHS_MAX}, not {limit}")


def check_writes(writes: Sequence[Write]) -> None:
    """Refuse a commit that no store may take. The message names the document and the field."""
    if not 1 <= len(writes) <= COMMIT_WRITES_MAX:
        raise InvalidMessage(f"a commit takes 1 to {COMMIT_WRITES_MAX} writes, not {len(writes)}")
    if len({write.path for write in writes}) != len(writes):
        raise InvalidMessage("a commit may hold each document once")
    total = 0
    for write in writes:
        check_document_path(write.path)
        if not isinstance(write, Delete):
            _check_stamp(write)
            total += _document_bytes(write.path, write.fields)
    if total > COMMIT_BYTES_MAX:
        raise InvalidMessage(f"a commit takes {COMMIT_BYTES_MAX} bytes, not {total}")


def _check_stamp(write: Create | Put) -> None:
    if write.stamp and (not _PLAIN_NAME.fullmatch(write.stamp) or write.stamp in write.fields):
        raise InvalidMessage(f"{write.path}: {write.stamp!r} is no field that the store could stamp")


def _check_path(path: str, *, parity: int, noun: str) -> None:
    segments = path.split("/")
    if len(segments) % 2 != parity:
        raise InvalidMessage(f"{path!r} does not name a {noun}")
    is_long = _utf8_length(path, path) > NAME_BYTES_MAX
    for segment in segments:
        if segment in ("", ".", "..") or _RESERVED.fullmatch(segment):
            raise InvalidMessage(f"{path!r} has a segment that no document may have")
        if is_long and len(segment.encode()) > NAME_BYTES_MAX:
            raise InvalidMessage(f"{path[:80]!r}... has a segment over {NAME_BYTES_MAX} bytes")


def _document_bytes(path: str, fields: Mapping[str, Any]) -> int:
    """The document's size as Firestore counts it: 16 + 32 bytes, its path, its fields.

    A path counts one byte more for each segment, which its slashes are all but one of.
    """
    size = 48 + len(path.encode()) + 1 + _map_bytes(fields, path, "", 1)
    if size > DOCUMENT_BYTES_MAX:
        raise InvalidMessage(f"{path}: {size} bytes; a document takes {DOCUMENT_BYTES_MAX}")
    return size


def _map_bytes(fields: Mapping[str, Any], path: str, prefix: str, depth: int) -> int:
    size = 0
    for name, value in fields.items():
        length = _name_bytes(name)
        if not 0 < length <= NAME_BYTES_MAX:
            raise _bad_name(name, path, f"{prefix}{name}")
        if isinstance(value, str) and value.isascii():
            size += length + 1 + len(value) + 1
        else:
            size += length + 1 + _value_bytes(value, path, f"{prefix}{name}", depth)
    return size


@lru_cache(maxsize=4096)
def _name_bytes(name: object) -> int:
    """How long a field's name is, 0 for what is none. Programs use few names, and the same in every document."""
    if not isinstance(name, str) or _RESERVED.fullmatch(name):
        return 0
    try:
        return len(name.encode())
    except UnicodeEncodeError:
        return 0


def _bad_name(name: object, path: str, where: str) -> InvalidMessage:
    if _name_bytes(name) > NAME_BYTES_MAX:
        return InvalidMessage(f"{path}: a field name exceeds {NAME_BYTES_MAX} bytes")
    return InvalidMessage(f"{path}: {where!a} is not a field name")


def _value_bytes(value: Any, path: str, where: str, depth: int) -> int:
    if isinstance(value, str):
        return _utf8_length(value, f"{path}: {where}") + 1
    if value is None or isinstance(value, bool):
        return 1
    if isinstance(value, int | float | datetime):
        _check_range(value, f"{path}: {where}")
        return 8
    if depth > DEPTH_MAX:
        raise InvalidMessage(f"{path}: {where} is nested deeper than {DEPTH_MAX}")
    if isinstance(value, dict | Mapping):
        return _map_bytes(value, path, f"{where}.", depth + 1)
    if isinstance(value, list | tuple):
        return sum(_item_bytes(item, path, f"{where}[{i}]", depth + 1) for i, item in enumerate(value))
    raise InvalidMessage(f"{path}: {where} is a {type(value).__name__}, which cannot be stored")


def _check_range(value: int | float | datetime, where: str) -> None:
    if isinstance(value, int) and not INTEGER_MIN <= value <= INTEGER_MAX:
        raise InvalidMessage(f"{where} does not fit 64 bits")
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidMessage(f"{where} is {value}, which JSON cannot hold")
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise InvalidMessage(f"{where} is a time without a time zone")
        try:
            value.astimezone(UTC)
        except OverflowError as error:
            raise InvalidMessage(f"{where} is a time outside the years 1 to 9999") from error


def _item_bytes(item: Any, path: str, where: str, depth: int) -> int:
    if isinstance(item, list | tuple):
        raise InvalidMessage(f"{path}: {where} is a list directly inside a list, which Firestore cannot store")
    return _value_bytes(item, path, where, depth)


def _utf8_length(text: str, where: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise InvalidMessage(f"{where!a} is not valid Unicode") from error
