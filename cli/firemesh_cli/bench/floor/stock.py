"""The SDK's own client: its asynchronous `create`, and its `on_snapshot`, which there is with threads alone."""

import asyncio
import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any, Self

from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore


class StockClient:
    """Both clients of the SDK, for one emulator; make it inside a running loop."""

    def __init__(self, project: str, host: str) -> None:
        credentials: Any = AnonymousCredentials()  # type: ignore[no-untyped-call]
        with _emulator(host):
            self._async_client = firestore.AsyncClient(project=project, credentials=credentials)
            self._client = firestore.Client(project=project, credentials=credentials)
        self._loop = asyncio.get_running_loop()

    async def create(self, path: str, fields: Mapping[str, Any]) -> None:
        """Write a document that is not there yet."""
        await self._async_client.document(path).create(dict(fields))

    def listen(self, path: str) -> "StockListener":
        """Listen to a document."""
        return StockListener(self._client.document(path), self._loop)


class StockListener:
    """The contents that one `on_snapshot` hears, handed to the loop as an asynchronous program would have to."""

    def __init__(self, document: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._loop = loop
        self._watch = document.on_snapshot(self._hear)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> dict[str, Any]:
        return await self._heard.get()

    def close(self) -> None:
        """Stop listening."""
        self._watch.unsubscribe()

    def _hear(self, documents: Any, _changes: Any, _read_time: Any) -> None:
        fields = (documents[0].to_dict() or {}) if documents else {}
        self._loop.call_soon_threadsafe(self._heard.put_nowait, fields)


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
