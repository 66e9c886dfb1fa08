"""What is stored by the consensus protocol and what agents ask for. Frozen, validated, closed models.

These models are the gateway: a document read from the store is validated here once and trusted inside.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from firemesh.ids import AgentId, Incarnation

PAYLOAD_BYTES_MAX = 4096
BATCH_COMMANDS_MAX = 64
TAIL_ENTRIES_MAX = 16
TAIL_BYTES_MAX = 3072

NonNegative = Annotated[int, Field(ge=0)]


class StoredModel(BaseModel):
    """Base of every stored document: immutable, strictly typed, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Command(StoredModel):
    """Something an agent asks the mesh to do. (agent_id, inc, seq) identifies it for ever.

    `payload` is the text of a JSON object of at most 4 KiB: immutable, hashable and cheap to bound in a security rule.
    Commands of the mesh itself carry an empty agent_id, an empty inc and seq 0, and are idempotent by content.
    """

    agent_id: AgentId | Annotated[str, StringConstraints(max_length=0)]
    inc: Incarnation | Annotated[str, StringConstraints(max_length=0)]
    seq: NonNegative
    kind: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$", max_length=40)]
    payload: str = "{}"

    @field_validator("payload")
    @classmethod
    def _is_a_json_object(cls, text: str) -> str:
        if len(text.encode()) > PAYLOAD_BYTES_MAX:
            raise ValueError(f"payload exceeds {PAYLOAD_BYTES_MAX} bytes")
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError("payload is not JSON") from error
        if not isinstance(value, dict):
            raise ValueError("payload is not a JSON object")
        return text

    @property
    def client(self) -> str:
        """The session this command belongs to."""
        return f"{self.agent_id}~{self.inc}"

    @property
    def body(self) -> Mapping[str, Any]:
        """The payload as an object."""
        return cast(Mapping[str, Any], json.loads(self.payload))


def mesh_command(kind: str, body: Mapping[str, Any]) -> Command:
    """A command of the mesh itself or of its operator: no session, idempotent by content."""
    return Command(agent_id="", inc="", seq=0, kind=kind, payload=canonical_json(body))


def canonical_json(value: object) -> str:
    """The one JSON text of a value: sorted keys, no spaces. Equal values give equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class MeshStatus(StrEnum):
    """Whether the mesh takes commands."""

    ACTIVE = "active"
    CLOSED = "closed"


class Voters(StoredModel):
    """The managers whose votes count, and how often that set has changed."""

    version: NonNegative = 0
    managers: Annotated[tuple[AgentId, ...], Field(strict=False)] = ()

    @property
    def majority(self) -> int:
        """How many votes are more than half."""
        return len(self.managers) // 2 + 1


class Entry(StoredModel):
    """One position of the replicated log: the commands ordered there, or none (the first entry of a term).

    `at_ms` is the leader's estimate of the store's clock, never decreasing. `state_hash` covers the replicated state
    after this entry and, through the hash before it, all history.
    """

    index: Annotated[int, Field(ge=1)]
    term: Annotated[int, Field(ge=1)]
    prev_term: NonNegative
    at_ms: NonNegative
    batch: Annotated[tuple[Command, ...], Field(strict=False, max_length=BATCH_COMMANDS_MAX)]
    nonce: str
    state_hash: str


class Head(StoredModel):
    """The one hot document: lease, term, log cursor and voters. Every consensus change replaces it conditionally.

    `seq` and `nonce` change with every commit: a write that changes nothing would not advance the document's update
    time, and the nonce tells a manager whether a commit of unknown outcome was its own.
    """

    term: NonNegative = 0
    leader: str = ""
    leader_inc: str = ""
    ttl_ms: NonNegative = 0
    seq: NonNegative = 0
    nonce: str = ""
    first_index: Annotated[int, Field(ge=1)] = 1
    last_index: NonNegative = 0
    last_term: NonNegative = 0
    snapshot_index: NonNegative = 0
    voters: Voters = Voters()
    tail: Annotated[tuple[Entry, ...], Field(strict=False, max_length=TAIL_ENTRIES_MAX)] = ()
    status: Annotated[MeshStatus, Field(strict=False)] = MeshStatus.ACTIVE
    transfer_to: str = ""

    @property
    def released(self) -> bool:
        """Nobody holds the lease: the leader stepped down, or there never was one."""
        return self.leader == ""


class Vote(StoredModel):
    """Evidence that one manager saw the lease expired at one version of the head. Create-only."""

    term: Annotated[int, Field(ge=1)]
    voter: AgentId
    candidate: AgentId
    applied: NonNegative
    head_version: NonNegative


class Snapshot(StoredModel):
    """The whole replicated state after entry `index`, as canonical JSON text, with its sha256."""

    index: Annotated[int, Field(ge=1)]
    term: Annotated[int, Field(ge=1)]
    sha256: str
    state: str
