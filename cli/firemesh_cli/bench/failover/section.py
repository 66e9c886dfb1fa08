"""The plan of the section, and what it concludes. Everything is measured on the `test` profile, whose lease lasts 1.5 s."""

import asyncio
import signal
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from firemesh.core.params import TEST
from firemesh_cli.bench.failover import race
from firemesh_cli.bench.failover.managers import Managers
from firemesh_cli.bench.failover.stall import STALL_SECONDS, Stall
from firemesh_cli.bench.load import FOREIGN_CORES_MAX, ForeignLoad
from firemesh_cli.bench.section import Section

if TYPE_CHECKING:
    from firemesh_cli.stack.supervisor import LocalStack

PROJECT = "demo-failover"
TTL_SECONDS = TEST.ttl_ms / 1000
KILLS = 20
"""Of the leader, with and without a hint each, at every phase of the renewal cycle; `--repeats` may ask for more."""
STOPS = 6
STALLS = 4

KILLED = "killed"
HINTED = "killed among neighbours"
STOPPED = "stopped in good order"
STALLED = f"its commits stall for {STALL_SECONDS:.0f} s"
RACED = f"{race.CANDIDATES} candidates at once"


@dataclass(frozen=True, slots=True)
class Trials:
    """What was found of one kind: seconds from the blow to the next leader's first commit, as seen from outside."""

    seconds: Sequence[float]
    two_leaders: int
    """How often two managers believed at the same moment that they led."""
    foreign_cores: float

    @property
    def p50_seconds(self) -> float:
        """The median."""
        return statistics.median(self.seconds)

    @property
    def worst_seconds(self) -> float:
        """The maximum. Of fewer than a hundred trials, this is what their 99th percentile is."""
        return max(self.seconds)


GOALS: Mapping[str, tuple[str, Callable[[Trials], bool]]] = {
    KILLED: (f"p99 <= ttl + 1 = {TTL_SECONDS + 1}", lambda trials: trials.worst_seconds <= TTL_SECONDS + 1),
    HINTED: ("p50 < 0.1", lambda trials: trials.p50_seconds < 0.1),
    STOPPED: ("p99 < 0.5", lambda trials: trials.worst_seconds < 0.5),
    RACED: ("p99 < 1", lambda trials: trials.worst_seconds < 1),
}
"""Of the times. Two leaders at one moment are never allowed, however busy the machine is."""


def measure(root: Path, repeats: int) -> Section:
    """Strike, and conclude. Raises LocalStackError when something does not start, and InvariantViolation for a broken mesh."""
    from firemesh_cli.stack.supervisor import LocalStack

    with LocalStack(root, project=PROJECT) as stack:
        return summary(asyncio.run(_measure(stack, max(KILLS, repeats))))


def summary(found: dict[str, Trials]) -> Section:
    """The section. A goal that is reached beside other work is reached; one that is not may be their fault."""
    slow = [name for name, (_, reached) in GOALS.items() if not reached(found[name])]
    busy = [name for name in slow if found[name].foreign_cores >= FOREIGN_CORES_MAX]
    doubled = [name for name, trials in found.items() if trials.two_leaders]
    missed = tuple(name for name in found if name in doubled or (name in slow and name not in busy))
    return Section(
        title="failover",
        about=f"from the blow to the next leader's first commit, with a lease of {TTL_SECONDS} s; p99 is the maximum; goals: "
        f"{'; '.join(f'{name}: {goal}' for name, (goal, _) in GOALS.items())}; never two leaders",
        columns=("times", "p50_seconds", "p99_seconds", "p99_of_ttl", "two_leaders", "foreign_cores"),
        rows={name: _row(trials) for name, trials in found.items()},
        missed=missed,
        not_judged=tuple(busy),
        headline={} if busy else {"failover": _headline(found)},
    )


def _row(trials: Trials) -> tuple[int | float, ...]:
    p50, worst = trials.p50_seconds, trials.worst_seconds
    times = len(trials.seconds)
    return times, round(p50, 4), round(worst, 4), round(worst / TTL_SECONDS, 3), trials.two_leaders, trials.foreign_cores


def _headline(found: dict[str, Trials]) -> dict[str, float]:
    return {
        "ttl_seconds": TTL_SECONDS,
        "kills": len(found[KILLED].seconds),
        "p50_seconds": round(found[KILLED].p50_seconds, 4),
        "p99_seconds": round(found[KILLED].worst_seconds, 4),
        "graceful_seconds": round(found[STOPPED].worst_seconds, 4),
        "hinted_p50_seconds": round(found[HINTED].p50_seconds, 4),
    }


async def _measure(stack: "LocalStack", kills: int) -> dict[str, Trials]:
    found = {}
    async with Managers.at_work(stack, "plain") as managers:
        found[KILLED] = await _strike(managers, signal.SIGKILL, kills)
        found[STOPPED] = await _strike(managers, signal.SIGTERM, STOPS)
    with tempfile.TemporaryDirectory(prefix="fm", dir="/tmp") as folder:  # a socket's path has to be short
        async with Managers.at_work(stack, "hinted", neighbours=Path(folder)) as managers:
            found[HINTED] = await _strike(managers, signal.SIGKILL, kills)
    async with Stall(stack.firestore_host) as stall, Managers.at_work(stack, "stalled", host=stall.host) as managers:
        found[STALLED] = await _stall(managers, stall)
    found[RACED] = await _race(stack)
    return {name: found[name] for name in (KILLED, HINTED, STOPPED, STALLED, RACED)}


async def _strike(managers: Managers, number: signal.Signals, times: int) -> Trials:
    load, before, seconds = ForeignLoad(), managers.moments_with_two_leaders(), []
    for trial in range(times):
        await managers.wait_for_phase((trial + 0.5) / times)
        seconds.append(await managers.strike(number))
        await managers.replace_the_fallen()
    return Trials(seconds, managers.moments_with_two_leaders() - before, load.cores())


async def _stall(managers: Managers, stall: Stall) -> Trials:
    load, seconds = ForeignLoad(), []
    for trial in range(STALLS):
        await managers.wait_for_phase((trial + 0.5) / STALLS)
        seconds.append(await managers.succession(lambda: stall.hold_back(managers.leading_process)))
        await stall.let_go()
        await managers.wait_for_phase(0)
    return Trials(seconds, managers.moments_with_two_leaders(), load.cores())


async def _race(stack: "LocalStack") -> Trials:
    load = ForeignLoad()
    races = await race.run(PROJECT, stack.firestore_host)
    return Trials([each.seconds for each in races], sum(each.winners - 1 for each in races), load.cores())
