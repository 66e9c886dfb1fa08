"""A record as tables."""

from collections.abc import Iterator, Mapping

from firemesh_cli.bench.load import FOREIGN_CORES_MAX
from firemesh_cli.bench.peers.record import Failover, Messages, Record, quantile
from firemesh_cli.bench.section import Figure, Section


def sections(record: Record) -> Iterator[Section]:
    """A table for each part that was measured."""
    if record.failover:
        yield failover_section(record)
    if record.messages:
        yield messages_section(record)
    if record.cost:
        yield cost_section(record)


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


def cost_section(record: Record) -> Section:
    """What an hour of a mesh costs."""
    sizes = sorted({agents for each in record.cost.values() for agents in each})
    return Section(
        title="cost",
        about="dollars for an hour of a mesh with so many agents, at list price",
        columns=tuple(f"{agents}_agents" for agents in sizes),
        rows={name: tuple(each[agents] for agents in sizes) for name, each in record.cost.items()},
    )
