"""Random histories: the in-memory store and the emulator answer every operation alike."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firemesh.errors import MeshError
from firemesh.store.base import Create, Delete, Put, Store, Write
from firemesh.store.firestore import FirestoreStore
from firemesh.store.memory import MemoryStore
from tests.contract.conftest import PROJECT
from tests.support.patient import PATIENCE_SECONDS

NAMES = ("a", "b", "c")
values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 0.5]) | st.sampled_from(["", "é", "x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["k", "ключ"]), inner, max_size=2),
    max_leaves=4,
)
documents = st.dictionaries(st.sampled_from(["p", "q"]), values, max_size=2)
# The last field says which of the versions seen so far a precondition names; None is no precondition.
writes = st.tuples(
    st.sampled_from(["create", "put", "delete"]), st.sampled_from(NAMES), documents, st.none() | st.integers(0, 5)
)
steps = st.lists(writes, min_size=1, max_size=3) | st.sampled_from(["get", "list"])


class Player:
    """Plays a history on one store. Times are replaced by the order of their first appearance, so answers compare."""

    def __init__(self, store: Store, root: str) -> None:
        self._store = store
        self._root = root
        self._times: list[int] = []

    async def play(self, step: Any) -> Any:
        try:
            if step == "get":
                paths = [f"{self._root}/states/{name}" for name in NAMES]
                read = await self._store.get_all(paths, timeout_seconds=PATIENCE_SECONDS)
            elif step == "list":
                read = await self._store.list_documents(f"{self._root}/states", timeout_seconds=PATIENCE_SECONDS)
            else:
                return await self._commit([self._write(*write) for write in step])
        except MeshError as error:
            return type(error)
        return {
            document.id: (repr(_sorted(document.fields)), self._rank(document.update_time))
            for document in read.documents.values()
        }

    async def _commit(self, batch: Sequence[Write]) -> Any:
        result = await self._store.commit(batch, timeout_seconds=PATIENCE_SECONDS)
        return [self._rank(result.commit_time), *map(self._rank, result.update_times)]

    def _write(self, kind: str, name: str, fields: dict[str, Any], version: int | None) -> Write:
        path = f"{self._root}/states/{name}"
        if kind == "create":
            return Create(path, fields)
        known = version is not None and version < len(self._times)
        condition = self._times[version] if known and version is not None else None
        return Delete(path, condition) if kind == "delete" else Put(path, fields, condition)

    def _rank(self, time: int) -> int:
        if time not in self._times:
            self._times.append(time)
        return self._times.index(time)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((key, _sorted(item)) for key, item in value.items())
    return [_sorted(item) for item in value] if isinstance(value, list) else value


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(history=st.lists(steps, min_size=3, max_size=15))
def test_memory_and_emulator_answer_every_history_alike(warm_firestore: str, history: list[Any]) -> None:
    async def compare() -> None:
        real = FirestoreStore(PROJECT, host=warm_firestore)
        root = f"meshes/h{secrets.token_hex(6)}"
        players = [Player(MemoryStore().client("a"), root), Player(real, root)]
        for step in history:
            modelled, true = [await player.play(step) for player in players]
            assert modelled == true, step
        await real.close()

    asyncio.run(compare())
