"""The wire messages of the Firestore API, as plain protobuf classes.

The SDK wraps each of them in a second class that costs more than the RPC itself; these are the wrapped ones.
"""

from typing import Any

from google.cloud.firestore_v1.types import document, firestore, query

Message = Any
"""A protobuf message: the classes are made at import and have no static types."""

BatchGetDocumentsRequest: Any = firestore.BatchGetDocumentsRequest.pb()
BatchGetDocumentsResponse: Any = firestore.BatchGetDocumentsResponse.pb()
BatchWriteRequest: Any = firestore.BatchWriteRequest.pb()
BatchWriteResponse: Any = firestore.BatchWriteResponse.pb()
CommitRequest: Any = firestore.CommitRequest.pb()
CommitResponse: Any = firestore.CommitResponse.pb()
DeleteDocumentRequest: Any = firestore.DeleteDocumentRequest.pb()
GetDocumentRequest: Any = firestore.GetDocumentRequest.pb()
ListDocumentsRequest: Any = firestore.ListDocumentsRequest.pb()
ListDocumentsResponse: Any = firestore.ListDocumentsResponse.pb()
ListenRequest: Any = firestore.ListenRequest.pb()
ListenResponse: Any = firestore.ListenResponse.pb()
RunQueryRequest: Any = firestore.RunQueryRequest.pb()
RunQueryResponse: Any = firestore.RunQueryResponse.pb()
StoredDocument: Any = document.Document.pb()
StructuredQuery: Any = query.StructuredQuery.pb()
UpdateDocumentRequest: Any = firestore.UpdateDocumentRequest.pb()
CreateDocumentRequest: Any = firestore.CreateDocumentRequest.pb()
WriteRequest: Any = firestore.WriteRequest.pb()
WriteResponse: Any = firestore.WriteResponse.pb()

REQUEST_TIME = 1
"""The value of a transform's `set_to_server_value`."""
SERVICE = "/google.firestore.v1.Firestore/"


def nanoseconds(timestamp: Message) -> int:
    """A protobuf timestamp as nanoseconds since the epoch."""
    return int(timestamp.seconds) * 1_000_000_000 + int(timestamp.nanos)


def set_timestamp(timestamp: Message, at_ns: int) -> None:
    """The inverse of `nanoseconds`, into an existing message."""
    timestamp.seconds, timestamp.nanos = divmod(at_ns, 1_000_000_000)
