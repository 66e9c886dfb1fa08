"""Who seems alive: phi-accrual suspicion over the arrival of signs of life. Pure; times are handed in.

Suspicion is only an opinion. A member is dead when the log says so, and the leader has that ordered only after a strong
read has confirmed the silence by the store's own clock.

The phi of Hayashibara et al. (2004): -log10 of the probability that a sign of life is still to come, given how the
earlier ones arrived. A slow observer distrusts itself: its own lateness stretches every verdict (Lifeguard, arXiv
1707.00788). So does the lateness that a process tells of itself.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from firemesh.core.messages import StoredModel
from firemesh.ids import Incarnation, ProcessId

ARRIVALS_KEPT = 32
AGENTS_PER_PROCESS_MAX = 30
LATENESS_MAX = 8


class Beat(StoredModel):
    """The sign of life of one process and all its agents. `seq` changes with every beat, else the write says nothing.

    `interval_ms` announces when the next one is due. `agents` maps each agent to its state in the process: `running`,
    `late` or `failed`. `applied` maps each manager of the process to the last entry it applied; it is there for people to
    look at. `lateness` (0 to 8) grows with each beat before which the process itself ran late, and shrinks with each other.
    """

    process: ProcessId
    inc: Incarnation
    seq: Annotated[int, Field(ge=0)]
    interval_ms: Annotated[int, Field(ge=50, le=600_000)]
    agents: Annotated[dict[str, str], Field(max_length=AGENTS_PER_PROCESS_MAX)]
    applied: Annotated[dict[str, int], Field(max_length=AGENTS_PER_PROCESS_MAX, default_factory=dict)]
    lateness: Annotated[int, Field(ge=0, le=LATENESS_MAX)] = 0

    @property
    def run(self) -> str:
        """Which run of which process this is a sign of: what lives and dies is a run, not a name."""
        return run_of(self.process, self.inc)


def run_of(process: str, inc: str) -> str:
    """The name of one run of a process."""
    return f"{process}~{inc}"


class Health(StrEnum):
    """What an observer thinks of a process."""

    HEALTHY = "healthy"
    SUSPECT = "suspect"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthPolicy:
    """How silence becomes suspicion and suspicion a verdict. Times in milliseconds."""

    phi_threshold: float = 8.0
    deviation_share: float = 0.25
    """Least standard deviation, as a share of the announced interval."""
    pause_intervals: float = 1.0
    """Announced intervals of silence that never count against a process."""
    dead_after_intervals: float = 3.0
    """Silence, in announced intervals, after which a suspect may be declared dead."""
    dead_after_floor_ms: int = 2000
    suspect_at_least_ms: int = 500
    """How long a process is publicly suspected, and may refute it, before it may be declared dead."""
    outage_grace_ms: int = 5000
    """After the observer itself was cut off nobody is declared dead for this long."""
    mass_silence_share: float = 0.5
    """More than this share silent at once looks like the observer's fault: wait one more window."""

    def dead_after_ms(self, interval_ms: int, lateness: int = 0) -> int:
        """The silence after which a process with this rhythm may be declared dead; longer by whoever runs late."""
        return max(self.dead_after_floor_ms, int(self.dead_after_intervals * interval_ms)) * (1 + lateness)


@dataclass(frozen=True, slots=True)
class Pulse:
    """The arrivals of one run of a process, on the observer's monotonic clock."""

    seq: int
    interval_ms: int
    heard_ms: int
    gaps_ms: tuple[int, ...] = ()
    suspected_ms: int | None = None
    lateness: int = 0
    """How late the process runs, by its own account."""


@dataclass(frozen=True, slots=True)
class HealthMonitor:
    """One observer's knowledge, by run (`process~inc`). Every method that changes something returns a new monitor."""

    policy: HealthPolicy
    pulses: Mapping[str, Pulse]
    grace_until_ms: int = 0
    lateness: int = 0

    def expecting(self, runs: Iterable[str], interval_ms: int, now_ms: int) -> "HealthMonitor":
        """Watch exactly these runs: silence of one that was never heard counts from now, others are forgotten."""
        fresh = Pulse(seq=-1, interval_ms=interval_ms, heard_ms=now_ms)
        return replace(self, pulses={run: self.pulses.get(run, fresh) for run in runs})

    def heard(self, beat: Beat, now_ms: int) -> "HealthMonitor":
        """A beat arrived: it refutes any suspicion of its run. A repeated one, or one of a run not watched, says nothing."""
        known = self.pulses.get(beat.run)
        if known is None:
            return self
        if known.seq < 0:
            pulse = Pulse(beat.seq, beat.interval_ms, now_ms, lateness=beat.lateness)
        elif beat.seq <= known.seq:
            return self
        else:
            gaps = (*known.gaps_ms, now_ms - known.heard_ms)[-ARRIVALS_KEPT:]
            if beat.interval_ms != known.interval_ms:
                gaps = ()  # another rhythm: the old gaps say nothing about it
            pulse = Pulse(beat.seq, beat.interval_ms, now_ms, gaps, lateness=beat.lateness)
        return replace(self, pulses={**self.pulses, beat.run: pulse})

    def after_outage(self, now_ms: int) -> "HealthMonitor":
        """The observer was cut off: silence until now is nobody's fault."""
        return replace(self, grace_until_ms=now_ms + self.policy.outage_grace_ms)

    def with_lateness(self, lateness: int) -> "HealthMonitor":
        """How late the observer itself runs, 0 to 8: every verdict takes (1 + lateness) times as long."""
        return replace(self, lateness=max(0, min(LATENESS_MAX, lateness)))

    def judged(self, now_ms: int) -> "HealthMonitor":
        """Suspect those whose phi has passed the threshold."""
        pulses = {name: self._judged_one(pulse, now_ms) for name, pulse in self.pulses.items()}
        return replace(self, pulses=pulses)

    def phi(self, run: str, now_ms: int) -> float:
        """How suspicious the present silence of a run is."""
        return self._phi(self.pulses[run], now_ms)

    def health(self) -> Mapping[str, Health]:
        """The opinion on every run that is watched."""
        return {name: Health.HEALTHY if pulse.suspected_ms is None else Health.SUSPECT for name, pulse in self.pulses.items()}

    def to_confirm(self, now_ms: int) -> tuple[str, ...]:
        """Suspects whose silence is long enough for a strong read to decide. Empty during grace and mass silence."""
        if now_ms < self.grace_until_ms:
            return ()
        suspects = [name for name, pulse in self.pulses.items() if pulse.suspected_ms is not None]
        overdue = tuple(sorted(name for name in suspects if self._is_overdue(self.pulses[name], now_ms)))
        many = len(suspects) > 1 and len(suspects) > self.policy.mass_silence_share * len(self.pulses)
        if many:
            return tuple(name for name in overdue if self._is_overdue(self.pulses[name], now_ms, windows=2))
        return overdue

    def dead_after_ms(self, interval_ms: int, lateness: int = 0) -> int:
        """The silence, by any clock, after which a process with this rhythm and lateness may be declared dead."""
        return self.policy.dead_after_ms(interval_ms, self.lateness + lateness)

    def _judged_one(self, pulse: Pulse, now_ms: int) -> Pulse:
        if pulse.suspected_ms is None and self._phi(pulse, now_ms) >= self.policy.phi_threshold:
            return replace(pulse, suspected_ms=now_ms)
        return pulse

    def _is_overdue(self, pulse: Pulse, now_ms: int, windows: int = 1) -> bool:
        if pulse.suspected_ms is None or now_ms - pulse.suspected_ms < self.policy.suspect_at_least_ms:
            return False
        return now_ms - pulse.heard_ms >= windows * self.dead_after_ms(pulse.interval_ms, pulse.lateness)

    def _phi(self, pulse: Pulse, now_ms: int) -> float:
        usual = [*pulse.gaps_ms, pulse.interval_ms]
        mean = sum(usual) / len(usual)
        spread = math.sqrt(sum((gap - mean) ** 2 for gap in usual) / len(usual))
        deviation = max(spread, self.policy.deviation_share * pulse.interval_ms)
        pause = self.policy.pause_intervals * pulse.interval_ms
        silence = (now_ms - pulse.heard_ms) / (1 + self.lateness + pulse.lateness)
        return _phi_of_normal((silence - pause - mean) / deviation)


def _phi_of_normal(z: float) -> float:
    """-log10 of the upper tail of the standard normal distribution."""
    tail = 0.5 * math.erfc(z / math.sqrt(2))
    return 300.0 if tail < 1e-300 else -math.log10(tail)
