"""What the billing meter has counted: plain figures that add, subtract and travel as JSON."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import reduce
from typing import Self


@dataclass(frozen=True, slots=True)
class Billed:
    """Operations as Firestore bills them. Writes of a failed commit are not billed, and counted apart."""

    reads: int = 0
    writes: int = 0
    deletes: int = 0
    failed_writes: int = 0

    def __add__(self, other: Self) -> "Billed":
        return Billed(
            self.reads + other.reads,
            self.writes + other.writes,
            self.deletes + other.deletes,
            self.failed_writes + other.failed_writes,
        )

    def __sub__(self, other: Self) -> "Billed":
        return Billed(
            self.reads - other.reads,
            self.writes - other.writes,
            self.deletes - other.deletes,
            self.failed_writes - other.failed_writes,
        )


NOTHING = Billed()


@dataclass(frozen=True, slots=True)
class MeterReading:
    """All that a meter has counted up to some moment. `later - earlier` is what happened in between.

    `by_client_kind` has a key (client, kind of document) for each pair that was billed anything; a client that does not
    say who it is counts as "". `rpcs` counts started calls by method; bytes are those of the messages, without framing.
    """

    by_client_kind: Mapping[tuple[str, str], Billed] = field(default_factory=dict)
    rpcs: Mapping[str, int] = field(default_factory=dict)
    bytes_sent: int = 0
    bytes_received: int = 0

    @property
    def total(self) -> Billed:
        """Everything billed."""
        return _sum(self.by_client_kind.values())

    @property
    def reads(self) -> int:
        """Billed document reads."""
        return self.total.reads

    @property
    def writes(self) -> int:
        """Billed document writes."""
        return self.total.writes

    @property
    def deletes(self) -> int:
        """Billed document deletes."""
        return self.total.deletes

    @property
    def failed_writes(self) -> int:
        """Writes in commits that failed; not billed."""
        return self.total.failed_writes

    @property
    def by_kind(self) -> Mapping[str, Billed]:
        """What was billed for each kind of document: head, log, votes, liveness, inbox, views and so on."""
        kinds = sorted({kind for _, kind in self.by_client_kind})
        return {kind: _sum(b for (_, k), b in self.by_client_kind.items() if k == kind) for kind in kinds}

    @property
    def by_client(self) -> Mapping[str, Billed]:
        """What was billed to each client."""
        clients = sorted({client for client, _ in self.by_client_kind})
        return {client: _sum(b for (c, _), b in self.by_client_kind.items() if c == client) for client in clients}

    def __sub__(self, earlier: Self) -> "MeterReading":
        rows = {key: b - earlier.by_client_kind.get(key, NOTHING) for key, b in self.by_client_kind.items()}
        calls = {method: n - earlier.rpcs.get(method, 0) for method, n in self.rpcs.items()}
        return MeterReading(
            {key: billed for key, billed in rows.items() if billed != NOTHING},
            {method: n for method, n in calls.items() if n},
            self.bytes_sent - earlier.bytes_sent,
            self.bytes_received - earlier.bytes_received,
        )

    def to_json(self) -> bytes:
        """The reading as text, for another process."""
        rows = [[client, kind, asdict(billed)] for (client, kind), billed in sorted(self.by_client_kind.items())]
        sizes = {"bytes_sent": self.bytes_sent, "bytes_received": self.bytes_received}
        return json.dumps({"billed": rows, "rpcs": dict(self.rpcs), **sizes}).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "MeterReading":
        """The inverse of `to_json`."""
        data = json.loads(text)
        rows = {(client, kind): Billed(**billed) for client, kind, billed in data["billed"]}
        return MeterReading(rows, data["rpcs"], data["bytes_sent"], data["bytes_received"])


def _sum(rows: Iterable[Billed]) -> Billed:
    return reduce(lambda total, billed: total + billed, rows, NOTHING)
