"""Every section there is."""

from collections.abc import Callable, Mapping
from pathlib import Path

from firemesh_cli.bench import (
    browser,
    cold_start,
    footprint,
    game,
    latency,
    mesh_operations,
    operations,
    processor,
    soak,
    start,
)
from firemesh_cli.bench.failover import section as failover
from firemesh_cli.bench.section import Section

SECTIONS: Mapping[str, Callable[[Path, int], Section]] = {
    "cold-start": cold_start.measure,
    "mesh-operations": mesh_operations.measure,
    "game": game.measure,
    "operations": operations.measure,
    "start": start.measure,
    "footprint": footprint.measure,
    "processor": processor.measure,
    "latency": latency.measure,
    "failover": failover.measure,
    "browser": browser.measure,
    "soak": soak.measure,
}
"""By name, what measures a section of the checkout at a path. The number says how often to repeat what varies."""
