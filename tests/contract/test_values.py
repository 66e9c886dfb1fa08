"""What may be stored in every store, and comes back as it was."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from firemesh.errors import InvalidMessage
from firemesh.store.base import (
    Create,
    Delete,
    DocumentTarget,
    Put,
)
from tests.contract.conftest import Backend
from tests.support.patient import PATIENCE_SECONDS, anything, commit, fields, get, until

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
JUST_NOW = datetime(2026, 11, 22, 12, 34, 56, 789_012, tzinfo=UTC)
STORABLE = {
    "unicode": {"text": "Zażółć 🕵🏽 \u0000 \u2028", "ключ": "значение", "a.b`c": 1},
    "integers": {"big": 2**63 - 1, "small": -(2**63), "zero": 0},
    "floats": {"tenth": 0.1, "whole": 3.0, "tiny": 5e-324, "huge": 1.7976931348623157e308},
    "empty": {"list": [], "map": {}, "text": ""},
    "nothing": {},
    "none": {"none": None, "yes": True, "no": False},
    "times": {"first": datetime(1, 1, 1, tzinfo=UTC), "last": datetime.max.replace(tzinfo=UTC), "in": [{"a": JUST_NOW}]},
    "nested": {"a": {"b": {"c": [{"d": [1, "two", None, {"e": []}]}, {}]}}},
}


@pytest.mark.parametrize("kind", STORABLE)
async def test_document_comes_back_as_it_was_stored(backend: Backend, kind: str) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/states/{kind}"
        await commit(store, Put(path, STORABLE[kind]))
        stored = await fields(store, path)
        assert stored == STORABLE[kind]
        assert repr(sorted(stored.items())) == repr(sorted(STORABLE[kind].items())), "types differ"


async def test_a_point_in_time_is_the_same_value_in_every_zone(backend: Backend) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/states/a"
        first = await commit(store, Put(path, {"at": JUST_NOW}))
        again = await commit(store, Put(path, {"at": JUST_NOW.astimezone(timezone(timedelta(hours=5)))}))
        assert again.update_times == first.update_times, "nothing has changed"
        assert repr(await fields(store, path)) == repr({"at": JUST_NOW})


@pytest.mark.parametrize("write", [Create, Put])
async def test_a_stamp_is_the_time_of_the_commit_to_the_millisecond(backend: Backend, write: type[Create] | type[Put]) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/liveness/{write.__name__}"
        result = await commit(store, write(path, {"seq": 1}, stamp="at"))
        stored = await fields(store, path)
        assert set(stored) == {"seq", "at"}
        assert stored["at"].microsecond % 1000 == 0
        late_us = result.update_times[0] // 1000 - (stored["at"] - EPOCH) // timedelta(microseconds=1)
        assert 0 <= late_us < PATIENCE_SECONDS * 1_000_000


async def test_a_put_that_changes_its_stamp_alone_moves_the_update_time(backend: Backend) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/liveness/p"
        first = await commit(store, Put(path, {"seq": 1}, stamp="at"))
        await asyncio.sleep(0.002)
        second = await commit(store, Put(path, {"seq": 1}, stamp="at"))
        assert second.update_times[0] > first.update_times[0]


@pytest.mark.parametrize("stamp", ["seq", "a.b", "__at__"])
async def test_a_stamp_goes_into_a_field_of_its_own(backend: Backend, stamp: str) -> None:
    async with backend.open() as store:
        with pytest.raises(InvalidMessage, match="stamp"):
            await store.commit([Put(f"{backend.root}/liveness/p", {"seq": 1}, stamp=stamp)])


async def test_a_document_given_out_is_the_readers_own(backend: Backend) -> None:
    async with backend.open() as store:
        path, given = f"{backend.root}/states/a", {"list": [1]}
        await commit(store, Put(path, given))
        given["list"].append(2)
        (await fields(store, path))["list"].append(3)
        assert await fields(store, path) == {"list": [1]}


UNSTORABLE: dict[str, tuple[dict[Any, Any], str]] = {
    "a list in a list": ({"a": {"b": [1, [2]]}}, "a.b[1]"),
    "a set": ({"a": {1}}, "a"),
    "bytes": ({"a": [{"b": b"x"}]}, "a[0].b"),
    "an integer over 64 bits": ({"a": 2**63}, "a"),
    "not a number": ({"a": float("nan")}, "a"),
    "infinity": ({"a": float("inf")}, "a"),
    "a time without a zone": ({"a": {"b": JUST_NOW.replace(tzinfo=None)}}, "a.b"),
    "a time before the year 1": ({"a": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))}, "a"),
    "half a surrogate pair": ({"a": "\ud800"}, "a"),
    "a number as field name": ({"a": {1: 2}}, "a.1"),
    "an empty field name": ({"a": {"": 2}}, "a."),
    "a reserved field name": ({"__a__": 2}, "__a__"),
    "too large": ({"a": "x" * 1_000_000}, "1000000"),
    "too deep": ({"a": __import__("functools").reduce(lambda inner, _: {"a": inner}, range(30), 1)}, "deeper"),
}


@pytest.mark.parametrize("kind", UNSTORABLE)
async def test_unstorable_fields_are_refused_by_name_and_nothing_lands(backend: Backend, kind: str) -> None:
    bad, named = UNSTORABLE[kind]
    async with backend.open() as store:
        good_path, bad_path = f"{backend.root}/states/good", f"{backend.root}/states/bad"
        with pytest.raises(InvalidMessage) as refusal:
            await commit(store, Put(good_path, {}), Put(bad_path, bad))
        assert named in str(refusal.value)
        assert (await get(store, good_path, bad_path)).documents == {}


@pytest.mark.parametrize("path", ["", "a", "a//b", "a/b/c", "/a/b", "a/..", "a/.", "a/__b__", "a/" + "b" * 1501])
async def test_malformed_document_path_is_refused(backend: Backend, path: str) -> None:
    async with backend.open() as store:
        with pytest.raises(InvalidMessage):
            await commit(store, Put(path, {}))
        with pytest.raises(InvalidMessage):
            await get(store, path)
        with pytest.raises(InvalidMessage):
            await until(store.watch(DocumentTarget(path)), anything)


async def test_commit_of_nothing_of_too_much_or_of_one_document_twice_is_refused(backend: Backend) -> None:
    async with backend.open() as store:
        path = f"{backend.root}/states/a"
        with pytest.raises(InvalidMessage):
            await commit(store)
        with pytest.raises(InvalidMessage, match="501"):
            await commit(store, *(Put(f"{path}{n}", {}) for n in range(501)))
        with pytest.raises(InvalidMessage, match="once"):
            await commit(store, Put(path, {"n": 1}), Delete(path))
        with pytest.raises(InvalidMessage, match="9000000"):
            await commit(store, *(Put(f"{path}{n}", {"a": "x" * 900_000}) for n in range(11)))
