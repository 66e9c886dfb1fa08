"""What goes wrong in one simulated run: drawn from the seed, so that the seed is the run."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from firemesh.store.base import Write
from firemesh.store.memory import ACK_LOST, LANDS, LOST, CommitFate, Faults, Operation, duplicated, late


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How rough the run is: shares of commits with a bad fate, and seconds between two mishaps (None for never)."""

    lost: float = 0.03
    late: float = 0.03
    ack_lost: float = 0.03
    duplicated: float = 0.02
    slow: float = 0.02
    """Share of calls that take longer than their timeout."""
    mishap_seconds: float | None = 3.0


CALM = Weather(lost=0, late=0, ack_lost=0, duplicated=0, slow=0, mishap_seconds=None)
DEAF = Weather(lost=0, late=0, ack_lost=0.2, duplicated=0, slow=0, mishap_seconds=None)
"""Every fifth commit lands unheard, and nothing else is wrong."""
CLIMATES = (
    Weather(),
    Weather(lost=0, late=0, ack_lost=0.2, duplicated=0.05, mishap_seconds=5.0),
    Weather(lost=0.02, late=0.15, ack_lost=0, duplicated=0.05),
    Weather(lost=0.1, late=0.01, ack_lost=0.01, slow=0.1),
    Weather(lost=0, late=0, ack_lost=0, duplicated=0, slow=0, mishap_seconds=1.0),
)
"""Rough in different ways: a bit of everything, unheard, late, slow, and sound but full of mishaps."""


class Luck:
    """The faults of one client of the store. `healed` ends them."""

    def __init__(self, weather: Weather, rng: random.Random) -> None:
        self.weather = weather
        self._rng = rng

    def faults(self) -> Faults:
        return Faults(latency_seconds=self._latency, commit_fate=self._fate)

    def heal(self) -> None:
        self.weather = CALM

    def _latency(self, operation: Operation) -> float:
        if self._rng.random() < self.weather.slow:
            return self._rng.uniform(0.4, 3.0)
        return self._rng.uniform(0.005, 0.06)

    def _fate(self, writes: Sequence[Write]) -> CommitFate:
        weather, drawn = self.weather, self._rng.random()
        for share, fate in (
            (weather.lost, LOST),
            (weather.ack_lost, ACK_LOST),
            (weather.late, late(self._rng.uniform(0, 6))),
            (weather.duplicated, duplicated(self._rng.uniform(0, 6))),
        ):
            if drawn < share:
                return fate
            drawn -= share
        return LANDS
