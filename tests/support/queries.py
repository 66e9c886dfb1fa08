"""The queries that really ran, and whether firestore.indexes.json has what each needs.

The emulator answers every query; Firestore refuses one whose index is missing. So each query that leaves this process is
noted where its request is made into bytes, and judged at the end of the run.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from firemesh.store.firestore import protos
from firemesh.store.firestore import store as firestore_store

NAME = "__name__"
ASCENDING, DESCENDING, CONTAINS = "ASCENDING", "DESCENDING", "CONTAINS"
EQUAL, ARRAY = ("EQUAL", "IN", "IS_NULL", "IS_NAN"), ("ARRAY_CONTAINS", "ARRAY_CONTAINS_ANY")
_SHAPES = ("unary_unary", "unary_stream", "stream_stream")


@dataclass(frozen=True)
class Query:
    """What of a query decides about its index. `filters` are (field, operator), `orders` (field, direction)."""

    collection: str
    everywhere: bool = False
    filters: frozenset[tuple[str, str]] = frozenset()
    orders: tuple[tuple[str, str], ...] = ()

    @property
    def scope(self) -> str:
        """The scope of the index it needs."""
        return "COLLECTION_GROUP" if self.everywhere else "COLLECTION"

    def needs(self) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
        """The fields of its index: those compared with a value, in any order, then those it goes along, in this order."""
        compared = tuple(sorted((field, CONTAINS if op in ARRAY else "") for field, op in self.filters if op in EQUAL + ARRAY))
        along = [each for each in self.orders if each[0] != NAME]
        ranges = sorted({field for field, op in self.filters if op not in EQUAL + ARRAY} - {field for field, _ in along})
        along = [(field, ASCENDING) for field in ranges] + along
        if self.orders[-1:] == ((NAME, DESCENDING),) and (not along or along[-1][1] != DESCENDING):
            along.append((NAME, DESCENDING))
        return compared, tuple(along)


def query_of(structured: Any) -> Query:
    """What a request asks for."""
    source = structured.from_[0]
    orders = tuple(
        (each.field.field_path, DESCENDING if each.direction == protos.StructuredQuery.DESCENDING else ASCENDING)
        for each in structured.order_by
    )
    return Query(source.collection_id, source.all_descendants, frozenset(_filters(structured.where)), orders)


def missing_index(query: Query, indexes: Mapping[str, Any]) -> str | None:
    """What an index file lacks for a query; None when it lacks nothing."""
    compared, along = query.needs()
    if not compared and not along:
        return None
    if _composite(query, indexes):
        return None
    if (len(along) == 0 or (len(along) == 1 and not compared)) and along[-1:] != ((NAME, DESCENDING),):
        wanted = [(field, how or ASCENDING) for field, how in (*compared, *along)]
        lacking = [each for each in wanted if not _single(query, *each, indexes)]
        return f"{query}: no single-field index for {lacking}" if lacking else None
    return f"{query}: no composite index over {[*compared, *along]}"


@contextmanager
def recorded() -> Iterator[set[Query]]:
    """Note every query of every store that is opened meanwhile in this process."""
    seen: set[Query] = set()
    opened = firestore_store.open_channel

    def open_channel(*arguments: Any, **named: Any) -> Any:
        return _Noting(opened(*arguments, **named), seen)

    with mock.patch.object(firestore_store, "open_channel", open_channel):
        yield seen


class _Noting:
    """A channel that notes the queries among the messages it sends."""

    def __init__(self, channel: Any, seen: set[Query]) -> None:
        self._channel = channel
        self._seen = seen

    def __getattr__(self, name: str) -> Any:
        made = getattr(self._channel, name)
        if name not in _SHAPES:
            return made

        def method(path: str, *, request_serializer: Any, **named: Any) -> Any:
            def serialize(message: Any) -> bytes:
                self._note(message)
                encoded: bytes = request_serializer(message)
                return encoded

            return made(path, request_serializer=serialize, **named)

        return method

    def _note(self, message: Any) -> None:
        kind = type(message).__name__
        if kind == "RunQueryRequest":
            self._seen.add(query_of(message.structured_query))
        elif kind == "ListenRequest" and message.add_target.HasField("query"):
            self._seen.add(query_of(message.add_target.query.structured_query))


def _filters(where: Any) -> Iterator[tuple[str, str]]:
    kind = where.WhichOneof("filter_type")
    if kind == "composite_filter":
        for each in where.composite_filter.filters:
            yield from _filters(each)
    elif kind is not None:
        found = getattr(where, kind)
        operator = type(found).DESCRIPTOR.fields_by_name["op"].enum_type.values_by_number[found.op].name
        if found.field.field_path != NAME:
            yield found.field.field_path, operator


def _single(query: Query, field: str, how: str, indexes: Mapping[str, Any]) -> bool:
    """Firestore indexes every field by itself, both ways, within a collection; an override replaces that."""
    for wanted in (field, "*"):
        for each in indexes["fieldOverrides"]:
            if (each["collectionGroup"], each["fieldPath"]) == (query.collection, wanted):
                offered = {(i.get("queryScope", "COLLECTION"), i.get("order") or i["arrayConfig"]) for i in each["indexes"]}
                return (query.scope, how) in offered
    return not query.everywhere


def _composite(query: Query, indexes: Mapping[str, Any]) -> bool:
    compared, along = query.needs()
    for each in indexes["indexes"]:
        fields = [(field["fieldPath"], field.get("order") or field["arrayConfig"]) for field in each["fields"]]
        head, tail = fields[: len(compared)], tuple(fields[len(compared) :])
        fits = sorted((field, how if how == CONTAINS else "") for field, how in head) == list(compared)
        if (each["collectionGroup"], each["queryScope"]) == (query.collection, query.scope) and fits and tail == along:
            return True
    return False
