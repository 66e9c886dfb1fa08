"""A query without its index is found out; the emulator would answer it all the same."""

from typing import Any

import pytest

from firemesh.store.firestore import protos
from tests.support.queries import ASCENDING, CONTAINS, DESCENDING, NAME, Query, missing_index, query_of

UP, DOWN = ("at", ASCENDING), ("at", DESCENDING)
INDEXES: dict[str, list[Any]] = {
    "indexes": [
        {
            "collectionGroup": "audit",
            "queryScope": "COLLECTION",
            "fields": [{"fieldPath": "who", "order": ASCENDING}, {"fieldPath": "at", "order": DESCENDING}],
        }
    ],
    "fieldOverrides": [
        {"collectionGroup": "hot", "fieldPath": "*", "indexes": []},
        {"collectionGroup": "votes", "fieldPath": "term", "indexes": [{"order": ASCENDING, "queryScope": "COLLECTION_GROUP"}]},
        {"collectionGroup": "tags", "fieldPath": "name", "indexes": [{"arrayConfig": CONTAINS}]},
    ],
}


def asks(*fields: str, op: str = "EQUAL") -> frozenset[tuple[str, str]]:
    return frozenset((field, op) for field in fields)


def named(query: Query) -> str:
    return f"{query.scope} {query.collection} {sorted(query.filters)} {query.orders}"


@pytest.mark.parametrize(
    "query",
    [
        Query("hot"),
        Query("hot", orders=((NAME, ASCENDING),)),
        Query("free", orders=(UP,)),
        Query("free", orders=(DOWN,)),
        Query("free", orders=(DOWN, (NAME, DESCENDING))),
        Query("free", filters=asks("a")),
        Query("free", filters=asks("a", "b")),
        Query("free", filters=asks("at", op="GREATER_THAN"), orders=(UP,)),
        Query("audit", filters=asks("who"), orders=(DOWN,)),
        Query("votes", everywhere=True, filters=asks("term")),
        Query("tags", filters=asks("name", op="ARRAY_CONTAINS")),
    ],
    ids=named,
)
def test_a_query_that_has_its_index_passes(query: Query) -> None:
    assert missing_index(query, INDEXES) is None


@pytest.mark.parametrize(
    "query",
    [
        Query("hot", orders=(UP,)),
        Query("hot", filters=asks("a")),
        Query("free", orders=((NAME, DESCENDING),)),
        Query("free", filters=asks("a"), orders=(UP,)),
        Query("free", filters=asks("a", "b", op="GREATER_THAN")),
        Query("free", orders=(UP, ("b", ASCENDING))),
        Query("audit", filters=asks("who"), orders=(UP,)),
        Query("audit", filters=asks("role"), orders=(DOWN,)),
        Query("audit", everywhere=True, filters=asks("who"), orders=(DOWN,)),
        Query("free", everywhere=True, filters=asks("a")),
        Query("votes", filters=asks("term")),
        Query("tags", filters=asks("name")),
    ],
    ids=named,
)
def test_a_query_without_its_index_is_told(query: Query) -> None:
    assert str(query) in str(missing_index(query, INDEXES))


def test_a_request_is_read_with_all_that_decides() -> None:
    asked = protos.StructuredQuery()
    asked.from_.add(collection_id="audit", all_descendants=True)
    both = asked.where.composite_filter
    one = both.filters.add().field_filter
    one.field.field_path, one.op = "who", type(one).DESCRIPTOR.fields_by_name["op"].enum_type.values_by_name["EQUAL"].number
    asked.order_by.add(direction=protos.StructuredQuery.DESCENDING).field.field_path = "at"
    assert query_of(asked) == Query("audit", True, asks("who"), (DOWN,))
