"""The SDK's own client: its asynchronous `create` and `set`, and its `on_snapshot`, which there is with threads alone."""

import asyncio
import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore


class StockClient:
    """Both clients of the SDK, for one emulator; make it inside a running loop, and close it."""

    def __init__(self, project: str, host: str) -> None:
        credentials: Any = AnonymousCredentials()  # type: ignore[no-untyped-call]
        with _emulator(host):
            self._async_client = firestore.AsyncClient(project=project, credentials=credentials)
            self._client = firestore.Client(project=project, credentials=credentials)
        self._watches: list[Any] = []

    async def create(self, path: str, fields: Mapping[str, Any]) -> None:
        """Write a document that is not there yet."""
        await self._async_client.document(path).create(dict(fields))

    async def set(self, path: str, fields: Mapping[str, Any]) -> None:
        """Write a document."""
        await self._async_client.document(path).set(dict(fields))

    def listen(self, path: str) -> "asyncio.Queue[dict[str, Any]]":
        """What a document holds whenever it changes, handed to the loop as an asynchronous program would have to."""
        heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def hear(documents: Any, _changes: Any, _read_time: Any) -> None:
            fields = (documents[0].to_dict() or {}) if documents else {}
            loop.call_soon_threadsafe(heard.put_nowait, fields)

        self._watches.append(self._client.document(path).on_snapshot(hear))
        return heard

    def close(self) -> None:
        """Stop listening."""
        for watch in self._watches:
            watch.unsubscribe()


@contextlib.contextmanager
def _emulator(host: str) -> Iterator[None]:
    """A client of the SDK learns from the environment, when it is made, that there is an emulator."""
    name = "FIRESTORE_EMULATOR_HOST"
    before = os.environ.get(name)
    os.environ[name] = host
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before
