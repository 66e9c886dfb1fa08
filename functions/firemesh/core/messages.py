"""What is stored by the consensus protocol and what agents ask for. Frozen, validated, closed models.

These models are the gateway: a document read from the store is validated here once and trusted inside.
"""

import json
import math
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from firemesh.ids import AgentId, Incarnation, ProgramId

PAYLOAD_BYTES_MAX = 4096
PAYLOAD_DEPTH_MAX = 32
"""Objects and lists within each other: far below what any parser, on any stack, gives up on."""
BATCH_COMMANDS_MAX = 64
TAIL_ENTRIES_MAX = 16
TAIL_BYTES_MAX = 3072

_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
"""Strings, to be passed over, and what opens and closes objects and lists."""

NonNegative = Annotated[int, Field(ge=0)]


class StoredModel(BaseModel):
    """Base of every stored document: immutable, strictly typed, no unknown fields, and no word of its content in an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Command(StoredModel):
    """Something an agent asks the mesh to do, or a program of it does. (agent_id, inc, seq) identifies it for ever.

    `payload` is the text of a JSON object of at most 4 KiB: immutable, hashable and cheap to bound in a security rule.
    All managers must agree whether it is one, so this depends on the text alone, not on a parser's patience: at most 32
    objects and lists lie within each other, and numbers are finite.
    Commands of the mesh itself carry an empty agent_id, an empty inc and seq 0, and are idempotent by content.
    """

    agent_id: AgentId | ProgramId | Annotated[str, StringConstraints(max_length=0)]
    inc: Incarnation | Annotated[str, StringConstraints(max_length=0)]
    seq: NonNegative
    kind: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$", max_length=40)]
    payload: str = "{}"

    @field_validator("payload")
    @classmethod
    def _is_a_json_object(cls, text: str) -> str:
        if len(text.encode()) > PAYLOAD_BYTES_MAX:
            raise ValueError(f"payload exceeds {PAYLOAD_BYTES_MAX} bytes")
        if _depth(text) > PAYLOAD_DEPTH_MAX:
            raise ValueError(f"payload is nested deeper than {PAYLOAD_DEPTH_MAX}")
        try:
            value = _PAYLOADS.decode(text)
        except ValueError as error:
            raise ValueError("payload is not JSON with finite numbers") from error
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


def _depth(text: str) -> int:
    """How many objects and lists lie within each other, or at most lie; meaningful for JSON only."""
    if (opened := text.count("{") + text.count("[")) <= PAYLOAD_DEPTH_MAX:
        return opened  # no need to look closer
    depth = deepest = 0
    for token in _BRACKETS.findall(text):
        if token in ("{", "["):
            depth += 1
            deepest = max(deepest, depth)
        elif token in ("}", "]"):
            depth -= 1
    return deepest


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no finite number")
    return number


_PAYLOADS = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def mesh_command(kind: str, body: Mapping[str, Any]) -> Command:
    """A command of the mesh itself or of its operator: no session, idempotent by content."""
    return Command(agent_id="", inc="", seq=0, kind=kind, payload=canonical_json(body))


def canonical_json(value: object) -> str:
    """The one JSON text of a value: sorted keys, no spaces. Equal values give equal texts."""
    return _CANONICAL.encode(value)


class Voters(StoredModel):
    """The managers whose votes count, and how often that set has changed."""

    version: NonNegative = 0
    managers: Annotated[tuple[AgentId, ...], Field(strict=False)] = ()

    @property
    def majority(self) -> int:
        """How many votes are more than half."""
        return len(self.managers) // 2 + 1


class MeshStatus(StrEnum):
    """How far a mesh has come on its way to its end. It never goes back."""

    OPEN = "open"
    DRAINING = "draining"
    """Nobody new takes part any more; the rest goes on."""
    CLOSED = "closed"
    """Everybody has been let go; nothing is ordered any more, and nobody leads."""


class Entry(StoredModel):
    """One position of the replicated log: the commands ordered there, or none (the first entry of a term).

    `at_ms` is the leader's estimate of the store's clock, never decreasing. `state_hash` covers the replicated state
    after this entry and, through the hash before it, all history. `asked_ms` is the store's time at which the oldest request
    of the batch reached the inbox; 0 where none came from there.
    """

    index: Annotated[int, Field(ge=1)]
    term: Annotated[int, Field(ge=1)]
    prev_term: NonNegative
    at_ms: NonNegative
    batch: Annotated[tuple[Command, ...], Field(strict=False, max_length=BATCH_COMMANDS_MAX)]
    nonce: str
    state_hash: str
    asked_ms: NonNegative = 0


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
    transfer_to: str = ""
    deposed_inc: str = ""
    """The run that led before, when this term began before its lease had run out, on word that its process has ended."""
    status: Annotated[MeshStatus, Field(strict=False)] = MeshStatus.OPEN

    @property
    def closed(self) -> bool:
        """The mesh is over: nobody leads it, and nobody may try."""
        return self.status is MeshStatus.CLOSED

    @property
    def released(self) -> bool:
        """Nobody holds the lease: the leader stepped down, or there never was one."""
        return self.leader == ""

    @property
    def reserved_for(self) -> str:
        """The voter that a released lease is for; empty when it is for whoever comes first."""
        return self.transfer_to if self.transfer_to in self.voters.managers else ""


NOBODY_LEADS: Mapping[str, Any] = {"leader": "", "leader_inc": "", "ttl_ms": 0}
"""The fields of a head whose lease is released."""


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
