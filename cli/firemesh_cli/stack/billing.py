"""What Firestore would bill for each call, told from the messages that pass. No network here, no clock.

- A commit bills one write or delete per write in it; a refused commit bills nothing and counts as failed writes. A
  commit that got no answer counts as billed, because it may have landed.
- A read bills one per document asked for, found or not; a query one per document and at least one.
- A listener bills its first result like a query, then one per change it is told of; a deletion is told for nothing. The
  emulator, unlike Firestore, sends a query's whole result again at each change: a version already billed to that
  listener is not billed again, also after it has reconnected with a resume token.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable
from enum import Enum
from typing import Any, Literal

from firemesh.store.documents import kind_of
from firemesh.store.firestore import protos
from firemesh.store.firestore.protos import nanoseconds
from firemesh_cli.stack.reading import Billed, MeterReading

Operation = Literal["reads", "writes", "deletes", "failed_writes"]
Versions = dict[str, int]

LISTENERS_MAX = 10_000
"""Listeners whose last billed versions are remembered for a reconnection; beyond it the oldest is forgotten."""

_REMOVE_TARGET, _CURRENT_TARGET = 2, 3


class Outcome(Enum):
    """How a call ended."""

    ANSWERED = "answered"
    REFUSED = "refused"
    UNANSWERED = "unanswered"


class Ledger:
    """All counts of one meter."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Counter[Operation]] = {}
        self._rpcs: Counter[str] = Counter()
        self._bytes_sent = 0
        self._bytes_received = 0
        self._listeners: OrderedDict[tuple[str, bytes], Versions] = OrderedDict()

    def open_bill(self, method: str, client: str) -> "Bill":
        """Start counting one call."""
        self._rpcs[method] += 1
        return _BILLS.get(method, Bill)(self, client)

    def add(self, client: str, operation: Operation, names: Iterable[str]) -> None:
        """Count one operation for each full document name."""
        for name in names:
            key = (client, kind_of(_path(name)))
            self._rows.setdefault(key, Counter())[operation] += 1

    def add_bytes(self, *, sent: int = 0, received: int = 0) -> None:
        """Count the bytes of a message from or to a client."""
        self._bytes_sent += sent
        self._bytes_received += received

    def versions(self, client: str, target: bytes, *, resumed: bool) -> Versions:
        """The versions billed to a listener so far: none for a new one, the remembered ones for a resumed one."""
        key = (client, target)
        known = self._listeners.pop(key, None) if resumed else None
        self._listeners[key] = known if known is not None else {}
        if len(self._listeners) > LISTENERS_MAX:
            self._listeners.popitem(last=False)
        return self._listeners[key]

    def reading(self) -> MeterReading:
        """The counts so far."""
        rows = {key: Billed(**{str(op): n for op, n in row.items()}) for key, row in self._rows.items()}
        return MeterReading(rows, dict(self._rpcs), self._bytes_sent, self._bytes_received)


class Bill:
    """The count of one call; this one of a call that costs nothing."""

    def __init__(self, ledger: Ledger, client: str) -> None:
        self._ledger = ledger
        self._client = client

    def sent(self, message: bytes) -> None:
        """The client has sent a message."""
        self._ledger.add_bytes(sent=len(message))

    def received(self, message: bytes) -> None:
        """The server has answered with a message."""
        self._ledger.add_bytes(received=len(message))

    def ended(self, outcome: Outcome) -> None:
        """The call is over."""

    def _add(self, operation: Operation, names: Iterable[str]) -> None:
        self._ledger.add(self._client, operation, names)

    def _add_writes(self, writes: Iterable[Any], outcome: Outcome) -> None:
        for write in writes:
            deletes = write.WhichOneof("operation") == "delete"
            operation: Operation = "deletes" if deletes else "writes"
            name = write.delete or write.update.name or write.transform.document
            self._add("failed_writes" if outcome is Outcome.REFUSED else operation, [name])


class CommitBill(Bill):
    """Commit."""

    def __init__(self, ledger: Ledger, client: str) -> None:
        super().__init__(ledger, client)
        self._writes: list[Any] = []

    def sent(self, message: bytes) -> None:
        """See `Bill`."""
        super().sent(message)
        self._writes.extend(protos.CommitRequest.FromString(message).writes)

    def ended(self, outcome: Outcome) -> None:
        """See `Bill`."""
        self._add_writes(self._writes, outcome)


class BatchWriteBill(Bill):
    """BatchWrite: each write succeeds or fails by itself."""

    def __init__(self, ledger: Ledger, client: str) -> None:
        super().__init__(ledger, client)
        self._writes: list[Any] = []

    def sent(self, message: bytes) -> None:
        """See `Bill`."""
        super().sent(message)
        self._writes.extend(protos.BatchWriteRequest.FromString(message).writes)

    def received(self, message: bytes) -> None:
        """See `Bill`."""
        super().received(message)
        for write, status in zip(self._writes, protos.BatchWriteResponse.FromString(message).status, strict=True):
            self._add_writes([write], Outcome.ANSWERED if status.code == 0 else Outcome.REFUSED)
        self._writes.clear()

    def ended(self, outcome: Outcome) -> None:
        """See `Bill`."""
        self._add_writes(self._writes, outcome)


class WriteStreamBill(Bill):
    """Write: a stream of commits, answered in order."""

    def __init__(self, ledger: Ledger, client: str) -> None:
        super().__init__(ledger, client)
        self._waiting: deque[Any] = deque()

    def sent(self, message: bytes) -> None:
        """See `Bill`."""
        super().sent(message)
        self._waiting.append(protos.WriteRequest.FromString(message))

    def received(self, message: bytes) -> None:
        """See `Bill`."""
        super().received(message)
        if self._waiting:
            self._add_writes(self._waiting.popleft().writes, Outcome.ANSWERED)

    def ended(self, outcome: Outcome) -> None:
        """See `Bill`."""
        for request in self._waiting:
            self._add_writes(request.writes, outcome)


class SingleWriteBill(Bill):
    """CreateDocument, UpdateDocument, DeleteDocument."""

    operation: Operation = "writes"
    request: Any = protos.UpdateDocumentRequest

    def __init__(self, ledger: Ledger, client: str) -> None:
        super().__init__(ledger, client)
        self._name = ""

    def sent(self, message: bytes) -> None:
        """See `Bill`."""
        super().sent(message)
        self._name = self._document(self.request.FromString(message))

    def ended(self, outcome: Outcome) -> None:
        """See `Bill`."""
        self._add("failed_writes" if outcome is Outcome.REFUSED else self.operation, [self._name])

    def _document(self, request: Any) -> str:
        return str(request.document.name)


class CreateBill(SingleWriteBill):
    """CreateDocument."""

    request = protos.CreateDocumentRequest

    def _document(self, request: Any) -> str:
        return f"{request.parent}/{request.collection_id}/{request.document_id or '-'}"


class DeleteBill(SingleWriteBill):
    """DeleteDocument."""

    operation: Operation = "deletes"
    request = protos.DeleteDocumentRequest

    def _document(self, request: Any) -> str:
        return str(request.name)


class GetBill(Bill):
    """GetDocument: one read, found or not."""

    def sent(self, message: bytes) -> None:
        """See `Bill`."""
        super().sent(message)
        self._add("reads", [protos.GetDocumentRequest.FromString(message).name])


class BatchGetBill(Bill):
    """BatchGetDocuments."""

    def received(self, message: bytes) -> None:
        """See `Bill`."""
        super().received(message)
        response = protos.BatchGetDocumentsResponse.FromString(message)
        result = response.WhichOneof("result")
        if result is not None:
            self._add("reads", [response.found.name if result == "found" else response.missing])


class QueryBill(Bill):
    """RunQuery."""

    def __init__(self, ledger: Ledger, client: str) -> None:
        super().__init__(ledger, client)
        self._collection = ""
        self._found = 0

    def sent(self, message: bytes) -> None:
        """See `Bill`."""
        super().sent(message)
        request = protos.RunQueryRequest.FromString(message)
        self._collection = _collection(request.parent, request.structured_query)

    def received(self, message: bytes) -> None:
        """See `Bill`."""
        super().received(message)
        response = protos.RunQueryResponse.FromString(message)
        if response.HasField("document"):
            self._found += 1
            self._add("reads", [response.document.name])

    def ended(self, outcome: Outcome) -> None:
        """See `Bill`."""
        if self._found == 0 and outcome is Outcome.ANSWERED:
            self._add("reads", [self._collection])


class ListBill(Bill):
    """ListDocuments."""

    def __init__(self, ledger: Ledger, client: str) -> None:
        super().__init__(ledger, client)
        self._collection = ""

    def sent(self, message: bytes) -> None:
        """See `Bill`."""
        super().sent(message)
        request = protos.ListDocumentsRequest.FromString(message)
        self._collection = f"{request.parent}/{request.collection_id}/-"

    def received(self, message: bytes) -> None:
        """See `Bill`."""
        super().received(message)
        found = protos.ListDocumentsResponse.FromString(message).documents
        self._add("reads", [document.name for document in found] or [self._collection])


class _Listener:
    """One target of a Listen stream."""

    def __init__(self, name: str, versions: Versions, *, resumed: bool) -> None:
        self.name = name
        self.versions = versions
        self.owes_minimum = not resumed


class ListenBill(Bill):
    """Listen: several targets on one stream."""

    def __init__(self, ledger: Ledger, client: str) -> None:
        super().__init__(ledger, client)
        self._listeners: dict[int, _Listener] = {}

    def sent(self, message: bytes) -> None:
        """See `Bill`."""
        super().sent(message)
        request = protos.ListenRequest.FromString(message)
        change = request.WhichOneof("target_change")
        if change == "add_target":
            self._listen(request.add_target)
        elif change == "remove_target":
            self._listeners.pop(request.remove_target, None)

    def received(self, message: bytes) -> None:
        """See `Bill`."""
        super().received(message)
        response = protos.ListenResponse.FromString(message)
        kind = response.WhichOneof("response_type")
        if kind == "document_change":
            document = response.document_change.document
            for listener in self._named(response.document_change.target_ids):
                self._changed(listener, document.name, nanoseconds(document.update_time))
            self._removed(document.name, response.document_change.removed_target_ids)
        elif kind == "document_remove":
            self._removed(response.document_remove.document, response.document_remove.removed_target_ids)
        elif kind == "document_delete":
            for listener in self._named(response.document_delete.removed_target_ids):
                listener.versions.pop(response.document_delete.document, None)
        elif kind == "target_change":
            self._target_change(response.target_change)

    def _listen(self, target: Any) -> None:
        target_id, resumed = target.target_id, bool(target.resume_token)
        target.ClearField("target_id")
        target.ClearField("resume_type")
        if target.WhichOneof("target_type") == "documents":
            name = next(iter(target.documents.documents), "")
        else:
            name = _collection(target.query.parent, target.query.structured_query)
        versions = self._ledger.versions(self._client, target.SerializeToString(deterministic=True), resumed=resumed)
        self._listeners[target_id] = _Listener(name, versions, resumed=resumed)

    def _changed(self, listener: _Listener, name: str, update_time: int) -> None:
        if listener.versions.get(name) != update_time:
            listener.versions[name] = update_time
            listener.owes_minimum = False
            self._add("reads", [name])

    def _removed(self, name: str, target_ids: Iterable[int]) -> None:
        """A document that changed so that it no longer matches is told, and billed, like any change."""
        for listener in self._named(target_ids):
            if listener.versions.pop(name, None) is not None:
                self._add("reads", [name])

    def _target_change(self, change: Any) -> None:
        if change.target_change_type == _CURRENT_TARGET:
            for listener in self._named(change.target_ids):
                if listener.owes_minimum:
                    listener.owes_minimum = False
                    self._add("reads", [listener.name])
        elif change.target_change_type == _REMOVE_TARGET:
            for target_id in change.target_ids:
                self._listeners.pop(target_id, None)

    def _named(self, target_ids: Iterable[int]) -> list[_Listener]:
        return [self._listeners[target_id] for target_id in target_ids if target_id in self._listeners]


_BILLS: dict[str, type[Bill]] = {
    "BatchGetDocuments": BatchGetBill,
    "BatchWrite": BatchWriteBill,
    "Commit": CommitBill,
    "CreateDocument": CreateBill,
    "DeleteDocument": DeleteBill,
    "GetDocument": GetBill,
    "ListDocuments": ListBill,
    "Listen": ListenBill,
    "RunQuery": QueryBill,
    "UpdateDocument": SingleWriteBill,
    "Write": WriteStreamBill,
}


def _collection(parent: str, query: Any) -> str:
    """A document name that stands for a query's collection."""
    names = [selector.collection_id for selector in query.from_]
    return f"{parent}/{names[0] if names else '-'}/-"


def _path(name: str) -> str:
    """The path of a full name: projects/p/databases/d/documents/meshes/m1 -> meshes/m1."""
    return name.partition("/documents/")[2] or name
