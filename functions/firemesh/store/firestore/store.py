"""`FirestoreStore`: the store port on raw protobuf and one asynchronous gRPC channel."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import grpc
from grpc.aio import AioRpcError

from firemesh.errors import OutcomeUnknown, StoreUnavailable
from firemesh.store.base import (
    CALL_SECONDS,
    CommitResult,
    Create,
    Delete,
    Document,
    DocumentTarget,
    Put,
    ReadResult,
    Target,
    Write,
)
from firemesh.store.documents import check_list, check_read_paths, check_writes, split_path
from firemesh.store.feed import SnapshotFeed
from firemesh.store.firestore import protos
from firemesh.store.firestore.channel import (
    TokenSource,
    as_metadata,
    bearer,
    client_metadata,
    database_metadata,
    open_channel,
)
from firemesh.store.firestore.codec import decode_fields, encode_fields
from firemesh.store.firestore.failures import commit_error, read_error
from firemesh.store.firestore.listen import ListenerPool
from firemesh.store.firestore.protos import REQUEST_TIME, SERVICE, Message, nanoseconds, set_timestamp


def connect(
    project: str, host: str | None = None, *, client_name: str = "", token: TokenSource | None = None
) -> "FirestoreStore":
    """The store of a project: the emulator at `host` or where the environment says there is one, else Firestore.

    FIREMESH_FIRESTORE_HOST goes before FIRESTORE_EMULATOR_HOST, which the functions emulator sets itself: it is the way
    to put the billing meter between the functions and the emulator.
    """
    for name in ("FIREMESH_FIRESTORE_HOST", "FIRESTORE_EMULATOR_HOST"):
        host = host or os.environ.get(name)
    return FirestoreStore(project, host=host or None, client_name=client_name, token=token)


def _is_guarded(write: Write) -> bool:
    """Whether a write goes last in its commit.

    Firestore shows a commit's writes together. Its emulator shows them one after the other to a read that comes meanwhile
    (measured: one read of three documents in ten, under a constant load of commits of all three). The guarded document
    is the one that leads readers to the others, so it must not be seen before them.
    """
    return isinstance(write, Put) and write.if_update_time is not None


class FirestoreStore:
    """A `Store` on one Firestore database. Make one per process, inside a running event loop.

    `host` is an emulator's `127.0.0.1:port`; None means Firestore itself. With `token` every call is that user's, whom the
    security rules bind. Without, Firestore is entered with the machine's application default credentials, and the emulator
    as its owner, whom no rule binds. What `token` takes comes on top of a call's timeout, and what it raises, the call raises.
    `client_name` says to the billing meter who asks.

    `one_stream`: all watches share one Listen stream, and what it says is trusted. So it is by default, except on the
    emulator, which loses changes (see `listen`).

    Raises PermissionDenied when no credentials are found.
    """

    def __init__(
        self,
        project: str,
        *,
        host: str | None = None,
        database: str = "(default)",
        token: TokenSource | None = None,
        client_name: str = "",
        one_stream: bool | None = None,
    ) -> None:
        self._database = f"projects/{project}/databases/{database}"
        self._prefix = f"{self._database}/documents/"
        self._token = token
        emulated = host is not None
        as_owner = bearer("owner") if emulated and token is None else ()
        self._headers_of_all = database_metadata(self._database) + (client_metadata(client_name) if emulated else ()) + as_owner
        self._metadata = as_metadata(self._headers_of_all)
        self._channel = open_channel(host, as_user=token is not None)
        self._commit = self._method("unary_unary", "Commit", protos.CommitRequest, protos.CommitResponse)
        self._batch_get = self._method(
            "unary_stream", "BatchGetDocuments", protos.BatchGetDocumentsRequest, protos.BatchGetDocumentsResponse
        )
        self._run_query = self._method("unary_stream", "RunQuery", protos.RunQueryRequest, protos.RunQueryResponse)
        self._listen = self._method("stream_stream", "Listen", protos.ListenRequest, protos.ListenResponse)
        shared = not emulated if one_stream is None else one_stream
        confirm = None if shared else self._read_target
        self._listeners = ListenerPool(self._open_listen, self._database, shared=shared, confirm=confirm)
        self._closed = False

    @property
    def streams_opened(self) -> int:
        """How many Listen streams this store has opened: one, plus one for each reconnection."""
        return self._listeners.opened

    async def commit(self, writes: Sequence[Write], *, timeout_seconds: float = CALL_SECONDS) -> CommitResult:
        """See `Store`."""
        self._require_open()
        check_writes(writes)
        request = protos.CommitRequest(database=self._database)
        sent = sorted(writes, key=_is_guarded)
        for write in sent:
            self._encode_write(request.writes.add(), write)
        headers = await self._headers()
        try:
            response = await self._commit(request, timeout=timeout_seconds, metadata=headers)
        except AioRpcError as error:
            raise commit_error(error) from error
        except asyncio.CancelledError:
            if not self._cancelled_by_close():
                raise
            raise OutcomeUnknown("the store was closed before the answer came") from None
        commit_time = nanoseconds(response.commit_time)
        times = {
            write.path: nanoseconds(result.update_time) or commit_time
            for write, result in zip(sent, response.write_results, strict=True)
        }
        return CommitResult(commit_time, tuple([times[write.path] for write in writes]))

    async def get_all(self, paths: Sequence[str], *, timeout_seconds: float = CALL_SECONDS) -> ReadResult:
        """See `Store`."""
        self._require_open()
        check_read_paths(paths)
        request = protos.BatchGetDocumentsRequest(database=self._database)
        request.documents.extend(self._prefix + path for path in paths)
        call = self._batch_get(request, timeout=timeout_seconds, metadata=await self._headers())
        return await self._collect(call, "found")

    async def list_documents(
        self, collection: str, *, start_at: str = "", limit: int = 300, timeout_seconds: float = CALL_SECONDS
    ) -> ReadResult:
        """See `Store`."""
        self._require_open()
        check_list(collection, start_at, limit)
        parent, name = split_path(collection)
        request = protos.RunQueryRequest(parent=(self._prefix + parent).rstrip("/"))
        query = request.structured_query
        query.from_.add().collection_id = name
        query.order_by.add(direction=protos.StructuredQuery.ASCENDING).field.field_path = "__name__"
        query.limit.value = limit
        if start_at:
            query.start_at.before = True
            query.start_at.values.add().reference_value = f"{self._prefix}{collection}/{start_at}"
        call = self._run_query(request, timeout=timeout_seconds, metadata=await self._headers())
        return await self._collect(call, "document")

    def watch(self, target: Target) -> SnapshotFeed:
        """See `Store`."""
        return self._listeners.watch(target)

    async def close(self) -> None:
        """See `Store`."""
        if not self._closed:
            self._closed = True
            await self._listeners.close()
            await self._channel.close()

    async def _collect(self, call: Any, document_field: str) -> ReadResult:
        """Gather a streamed read. All its documents are as of the last read time that the server names."""
        read_time = 0
        documents: dict[str, Document] = {}
        try:
            async for response in call:
                read_time = max(read_time, nanoseconds(response.read_time))
                if response.HasField(document_field):
                    document = self._decode_document(getattr(response, document_field))
                    documents[document.path] = document
        except AioRpcError as error:
            raise read_error(error) from error
        except asyncio.CancelledError:
            if not self._cancelled_by_close():
                raise
            raise StoreUnavailable("the store was closed before the answer came") from None
        return ReadResult(read_time, documents)

    def _decode_document(self, stored: Message) -> Document:
        path = stored.name.removeprefix(self._prefix)
        return Document(path, decode_fields(stored.fields), nanoseconds(stored.update_time))

    def _encode_write(self, target: Message, write: Write) -> None:
        if isinstance(write, Delete):
            target.delete = self._prefix + write.path
        else:
            target.update.name = self._prefix + write.path
            encode_fields(target.update.fields, write.fields)
            if write.stamp:
                target.update_transforms.add(field_path=write.stamp, set_to_server_value=REQUEST_TIME)
        if isinstance(write, Create):
            target.current_document.exists = False
        elif write.if_update_time is not None:
            set_timestamp(target.current_document.update_time, write.if_update_time)

    async def _read_target(self, target: Target) -> Mapping[str, Document]:
        if isinstance(target, DocumentTarget):
            return (await self.get_all([target.path])).documents
        return (await self.list_documents(target.path, limit=target.limit)).documents

    def _method(self, shape: str, name: str, request: Any, response: Any) -> Any:
        return getattr(self._channel, shape)(
            SERVICE + name, request_serializer=request.SerializeToString, response_deserializer=response.FromString
        )

    async def _open_listen(self, requests: AsyncIterator[Message]) -> Any:
        return self._listen(requests, metadata=await self._headers())

    async def _headers(self) -> grpc.aio.Metadata:
        """With a user's token, if there is one; to Firestore the channel itself adds this machine's credentials."""
        if self._token is None:
            return self._metadata
        return as_metadata(self._headers_of_all + bearer(await self._token()))

    def _require_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")

    def _cancelled_by_close(self) -> bool:
        """A closing channel cancels its calls; that must not look like a cancellation of the caller's task."""
        task = asyncio.current_task()
        return self._closed and not (task is not None and task.cancelling())
