"""The two stores under one contract."""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from firemesh.store.base import Put, Store
from firemesh.store.firestore import FirestoreStore
from firemesh.store.memory import MemoryStore

PROJECT = "demo-contract"
_MESHES = itertools.count()
_RUN = secrets.token_hex(4)


@dataclass(frozen=True)
class Backend:
    """One kind of store. `open` gives a client's store; `root` is a mesh path that no other test uses."""

    name: str
    open: Callable[..., AbstractAsyncContextManager[Store]]
    root: str


def _memory_backend() -> Backend:
    memory = MemoryStore()

    @asynccontextmanager
    async def open_store(client: str = "a") -> AsyncIterator[Store]:
        store = memory.client(client)
        try:
            yield store
        finally:
            await store.close()

    return Backend("memory", open_store, "meshes/m1")


@pytest.fixture(scope="session")
def warm_firestore(firestore_host: str) -> str:
    """The emulator's address, after its slow first write."""

    async def write() -> None:
        store = FirestoreStore(PROJECT, host=firestore_host)
        await store.commit([Put("warm/up", {"run": _RUN})], timeout_seconds=60)
        await store.close()

    asyncio.run(write())
    return firestore_host


@pytest.fixture
def emulator(warm_firestore: str) -> Backend:
    """The real store on the Firestore emulator."""

    @asynccontextmanager
    async def open_store(
        client: str = "a", *, host: str = warm_firestore, one_stream: bool | None = None
    ) -> AsyncIterator[Store]:
        store = FirestoreStore(PROJECT, host=host, client_name=client, one_stream=one_stream)
        try:
            yield store
        finally:
            await store.close()

    return Backend("firestore", open_store, f"meshes/t{_RUN}{next(_MESHES)}")


@pytest.fixture(params=["memory", "firestore"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each store in turn."""
    return _memory_backend() if request.param == "memory" else request.getfixturevalue("emulator")
