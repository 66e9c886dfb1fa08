"""What the demo knows at one moment: the data between the observer, who gathers it, and the screen, which shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from firemesh_cli.stack.reading import MeterReading


@dataclass(frozen=True, slots=True)
class ProcessLine:
    """One process of the mesh: `state` is running, killed or paused; `health` is the leader's opinion (healthy, suspect,
    dead) or empty; `beat_age_seconds` is the age of its last sign of life.
    """

    name: str
    pid: int
    state: str
    agents: tuple[str, ...]
    leads: bool = False
    health: str = ""
    beat_age_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """One moment of the demo. `public` is the content of the public view, empty before the game begins.

    `notes` are things worth a line, oldest first, as (seconds since start, text): elections, the kill, the takeover.
    `public_seconds` is when `public` was seen to change, None for just now. `now_ms` is the store's clock, to show how long
    a phase still lasts. `addresses` are where people watch and operate, empty before
    anybody can.
    """

    mesh_id: str
    seed: int
    elapsed_seconds: float
    term: int
    leader: str
    last_index: int
    ttl_seconds: float
    now_ms: int
    public: Mapping[str, Any] = field(default_factory=dict)
    public_seconds: float | None = None
    processes: tuple[ProcessLine, ...] = ()
    notes: tuple[tuple[float, str], ...] = ()
    billed: MeterReading | None = None
    dollars: float = 0.0
    addresses: tuple[str, ...] = ()
