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


