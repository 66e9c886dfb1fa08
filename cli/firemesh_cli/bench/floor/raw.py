"""The floor: a commit and a multiplexed listener with nothing around them but gRPC and protobuf.

It checks nothing, survives nothing and knows one shape of document, so no client in Python that could be used is cheaper.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self

import grpc
from google.cloud.firestore_v1.types import firestore

_SERVICE = "/google.firestore.v1.Firestore/"
_CommitRequest: Any = firestore.CommitRequest.pb()
_CommitResponse: Any = firestore.CommitResponse.pb()
_ListenRequest: Any = firestore.ListenRequest.pb()
_ListenResponse: Any = firestore.ListenResponse.pb()

Fields = Mapping[str, str | int]


class RawClient:
    """One connection to an emulator: `async with RawClient(project, host) as raw: await raw.set("a/b", {"n": 1})`."""

    def __init__(self, project: str, host: str) -> None:
        self._database = f"projects/{project}/databases/(default)"
        headers = (("google-cloud-resource-prefix", self._database), ("authorization", "Bearer owner"))
        self._metadata = grpc.aio.Metadata(*headers)
        self._channel = grpc.aio.insecure_channel(host)
        self._readings: list[asyncio.Task[None]] = []
        self._commit = self._channel.unary_unary(
            f"{_SERVICE}Commit", _CommitRequest.SerializeToString, _CommitResponse.FromString
        )
        self._listen = self._channel.stream_stream(
            f"{_SERVICE}Listen", _ListenRequest.SerializeToString, _ListenResponse.FromString
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for reading in self._readings:
            reading.cancel()
        await asyncio.gather(*self._readings, return_exceptions=True)
        await self._channel.close()

    async def set(self, path: str, fields: Fields, *, create: bool = False) -> None:
        """Write a document."""
        await self.commit({path: fields}, create=create)

    async def commit(self, documents: Mapping[str, Fields | None], *, create: bool = False) -> None:
        """Write documents together, and delete those without content."""
        request = _CommitRequest(database=self._database)
        for path, fields in documents.items():
            write, name = request.writes.add(), f"{self._database}/documents/{path}"
            if fields is None:
                write.delete = name
                continue
            write.update.name = name
            values = write.update.fields
            for field, value in fields.items():
                if isinstance(value, str):
                    values[field].string_value = value
                else:
                    values[field].integer_value = value
            if create:
                write.current_document.exists = False
        await self._commit(request, metadata=self._metadata, timeout=10.0)

    async def listen(self, *paths: str) -> list["asyncio.Queue[dict[str, Any]]"]:
        """Over one stream, by path, what each document, or each of a collection, holds whenever it changes."""
        requests: asyncio.Queue[Any] = asyncio.Queue()
        heard: list[asyncio.Queue[dict[str, Any]]] = [asyncio.Queue() for _ in paths]
        for number, path in enumerate(paths):
            request = _ListenRequest(database=self._database)
            request.add_target.target_id = number + 1
            name = f"{self._database}/documents/{path}"
            if not is_collection(path):
                request.add_target.documents.documents.append(name)
            else:
                request.add_target.query.parent, _, collection = name.rpartition("/")
                request.add_target.query.structured_query.from_.add().collection_id = collection
            requests.put_nowait(request)
        call = self._listen(_all(requests), metadata=self._metadata)
        self._readings.append(asyncio.create_task(_read(call, heard)))
        return heard


def is_collection(path: str) -> bool:
    """Whether a path names a collection; else it names a document."""
    return path.count("/") % 2 == 0


async def _read(call: Any, heard: list["asyncio.Queue[dict[str, Any]]"]) -> None:
    changed: list[tuple[int, dict[str, Any]]] = []
    async for response in call:
        if response.HasField("document_change"):
            fields = _decoded(response.document_change.document.fields)
            changed += [(target_id - 1, fields) for target_id in response.document_change.target_ids]
        elif changed and response.HasField("target_change") and response.target_change.HasField("read_time"):
            for number, fields in changed:
                heard[number].put_nowait(fields)
            changed.clear()


def _decoded(fields: Any) -> dict[str, Any]:
    return {name: getattr(value, value.WhichOneof("value_type")) for name, value in fields.items()}


async def _all(requests: "asyncio.Queue[Any]") -> AsyncIterator[Any]:
    while True:
        yield await requests.get()
