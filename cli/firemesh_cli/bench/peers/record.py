"""What a run has found, as it is kept beside the plots, and the tables made of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from firemesh_cli.bench.load import FOREIGN_CORES_MAX
from firemesh_cli.bench.section import Figure, Section

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
    """One run. `left_out` says why a system is missing."""

    ttl_seconds: float
    failover: dict[str, Failover] = field(default_factory=dict)
    messages: dict[str, Messages] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The record as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        failover = {name: _failover(each) for name, each in data["failover"].items()}
        messages = {name: _messages(each) for name, each in data["messages"].items()}
        return cls(data["ttl_seconds"], failover, messages, dict(data["left_out"]))


def _failover(data: Mapping[str, Any]) -> Failover:
    return Failover(data["version"], data["kept"], tuple(data["seconds"]), data["foreign_cores"])


def _messages(data: Mapping[str, Any]) -> Messages:
    def deliveries(each: Mapping[str, Any]) -> Deliveries:
        return Deliveries(tuple(each["milliseconds"]), each["lost"], each["foreign_cores"])

    return Messages(data["version"], data["kept"], deliveries(data["to_one"]), deliveries(data["to_thirty"]))


def failover_section(record: Record) -> Section:
    """Who leads again, and when."""
    rows = {name: _failover_row(each, record.ttl_seconds) for name, each in record.failover.items()}
    return Section(
        title="failover",
        about=f"seconds without a leader after its SIGKILL, three candidates, ttl {record.ttl_seconds:g} s",
        columns=("version", "kills", "p50_s", "p90_s", "max_s", "p50_per_ttl", "foreign_cores", "kept"),
        rows=rows,
        not_judged=tuple(name for name, each in record.failover.items() if each.foreign_cores > FOREIGN_CORES_MAX),
    )


def _failover_row(each: Failover, ttl_seconds: float) -> tuple[Figure, ...]:
    p50, p90 = quantile(each.seconds, 0.5), quantile(each.seconds, 0.9)
    shown = (round(p50, 3), round(p90, 3), round(max(each.seconds), 3), round(p50 / ttl_seconds, 3))
    return (each.version, len(each.seconds), *shown, each.foreign_cores, each.kept)


def messages_section(record: Record) -> Section:
    """How long a message takes."""
    found = {name: _messages_rows(name, each) for name, each in record.messages.items()}
    return Section(
        title="messages",
        about="milliseconds from sender to listener, 200 characters, 40 a second",
        columns=("p50_ms", "p90_ms", "p99_ms", "max_ms", "lost", "foreign_cores", "kept"),
        rows={row: figures for rows in found.values() for row, (figures, _) in rows.items()},
        not_judged=tuple(row for rows in found.values() for row, (_, busy) in rows.items() if busy),
    )


def _messages_rows(name: str, each: Messages) -> Mapping[str, tuple[tuple[Figure, ...], bool]]:
    """By its name, each row and whether the machine was too busy for it to say much."""
    return {
        f"{name}, 1:{listeners}": (
            (
                *(deliveries.milliseconds[percent] for percent in (50, 90, 99, 100)),
                deliveries.lost,
                deliveries.foreign_cores,
                each.kept,
            ),
            deliveries.foreign_cores > FOREIGN_CORES_MAX,
        )
        for listeners, deliveries in ((1, each.to_one), (30, each.to_thirty))
    }
