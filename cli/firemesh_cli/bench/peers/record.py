"""What a run has found, as it is kept beside the plots."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from firemesh_cli.bench.peers.system import TTL_SECONDS

PERCENT = range(101)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them do not exceed. There is at least one value."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class Failover:
    """Seconds without a leader, by kill, and where a lease is kept."""

    version: str
    kept: str
    seconds: tuple[float, ...]
    foreign_cores: float


@dataclass(frozen=True, slots=True)
class Deliveries:
    """How messages to so many listeners fared: their time in milliseconds at each percent from 0 to 100, and the lost."""

    milliseconds: tuple[float, ...]
    lost: int
    foreign_cores: float

    @classmethod
    def of(cls, seconds: Sequence[float], lost: int, foreign_cores: float) -> Self:
        """Reduced to a curve. At least one message has come."""
        return cls(tuple(round(1000 * quantile(seconds, each / 100), 3) for each in PERCENT), lost, foreign_cores)


@dataclass(frozen=True, slots=True)
class Messages:
    """Deliveries to one listener and to thirty, and where a message is kept."""

    version: str
    kept: str
    to_one: Deliveries
    to_thirty: Deliveries


@dataclass(slots=True)
class Record:
    """One run: what was found by the name of the system, and why a system is missing.

    `cost` is dollars for an hour: by how a mesh lives, and then by its agents.
    """

    failover: dict[str, Failover] = field(default_factory=dict)
    messages: dict[str, Messages] = field(default_factory=dict)
    cost: dict[str, dict[int, float]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    ttl_seconds: float = TTL_SECONDS

    def updated(self, later: "Record") -> "Record":
        """This one, with the parts that another one has."""
        failover, messages = later.failover or self.failover, later.messages or self.messages
        return Record(failover, messages, later.cost or self.cost)

    def as_json(self) -> dict[str, Any]:
        """The record as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        return cls(
            {name: _failover(each) for name, each in data["failover"].items()},
            {name: _messages(each) for name, each in data["messages"].items()},
            {name: {int(agents): each[agents] for agents in each} for name, each in data["cost"].items()},
            dict(data["left_out"]),
            data["ttl_seconds"],
        )


def _failover(data: Mapping[str, Any]) -> Failover:
    return Failover(data["version"], data["kept"], tuple(data["seconds"]), data["foreign_cores"])


def _messages(data: Mapping[str, Any]) -> Messages:
    def deliveries(each: Mapping[str, Any]) -> Deliveries:
        return Deliveries(tuple(each["milliseconds"]), each["lost"], each["foreign_cores"])

    return Messages(data["version"], data["kept"], deliveries(data["to_one"]), deliveries(data["to_thirty"]))
