"""The wire messages of the Firestore API, as plain protobuf classes.

They are made from a description of the API that lies beside this file (`tools/firestore_wire.py` writes it from the SDK). The
SDK itself wraps each of them in a second class that costs more than the RPC, and importing it takes longer than all the rest of
an agent's start. The description is kept apart from the SDK's own, so a program may use both.
"""

from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

Message = Any
"""A protobuf message: the classes are made at import and have no static types."""

_POOL = DescriptorPool()
for _file in FileDescriptorSet.FromString(Path(__file__).with_name("firestore_v1.binpb").read_bytes()).file:
    _POOL.Add(_file)


def _class(name: str) -> Any:
    return GetMessageClass(_POOL.FindMessageTypeByName(f"google.firestore.v1.{name}"))


BatchGetDocumentsRequest = _class("BatchGetDocumentsRequest")
BatchGetDocumentsResponse = _class("BatchGetDocumentsResponse")
BatchWriteRequest = _class("BatchWriteRequest")
BatchWriteResponse = _class("BatchWriteResponse")
CommitRequest = _class("CommitRequest")
CommitResponse = _class("CommitResponse")
DeleteDocumentRequest = _class("DeleteDocumentRequest")
GetDocumentRequest = _class("GetDocumentRequest")
ListDocumentsRequest = _class("ListDocumentsRequest")
ListDocumentsResponse = _class("ListDocumentsResponse")
ListenRequest = _class("ListenRequest")
ListenResponse = _class("ListenResponse")
RunQueryRequest = _class("RunQueryRequest")
RunQueryResponse = _class("RunQueryResponse")
StoredDocument = _class("Document")
StructuredQuery = _class("StructuredQuery")
UpdateDocumentRequest = _class("UpdateDocumentRequest")
CreateDocumentRequest = _class("CreateDocumentRequest")
WriteRequest = _class("WriteRequest")
WriteResponse = _class("WriteResponse")

REQUEST_TIME = 1
"""The value of a transform's `set_to_server_value`."""
SERVICE = "/google.firestore.v1.Firestore/"


def nanoseconds(timestamp: Message) -> int:
    """A protobuf timestamp as nanoseconds since the epoch."""
    return int(timestamp.seconds) * 1_000_000_000 + int(timestamp.nanos)


def set_timestamp(timestamp: Message, at_ns: int) -> None:
    """The inverse of `nanoseconds`, into an existing message."""
    timestamp.seconds, timestamp.nanos = divmod(at_ns, 1_000_000_000)
