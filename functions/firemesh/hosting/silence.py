"""Who has been silent for too long, when nobody has listened: judged from the signs of life as they lie. Pure.

A process manager hears every beat and suspects before it judges (`core.health`). An activation hears nothing between two
looks, so it goes by the age of what it finds, measured by the store's clock alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from firemesh.core.health import Beat, HealthPolicy, run_of
from firemesh.core.membership import Member

LOOK_EVERY_MS = 15_000
"""Nobody looks more often than this, however quickly processes beat: a look costs a read for each."""
UNHEARD_GRACE_MS = 30_000
"""How long after its join a run may be without any sign of life; its first one is written before."""

LastBeat = tuple[Beat, int]
"""A sign of life and its update time in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Members whose runs are dead, those heard of lately, and when it is worth looking again."""

    dead: tuple[Member, ...]
    heard: tuple[Member, ...]
    look_again_ms: int


def judge(
    policy: HealthPolicy,
    living: Iterable[Member],
    beats: Mapping[str, LastBeat],
    joined_ms: Mapping[str, int],
    now_ms: int,
) -> Judgement:
    """Judge every living member by its run's last sign of life, at store time `now_ms`.

    `beats` are the last ones by run. `joined_ms` says when those runs joined that have none. When more than half of
    several runs look dead, an outage is likelier: they get a second window.
    """
    members: dict[str, list[Member]] = {}
    for member in living:
        members.setdefault(run_of(member.process, member.inc), []).append(member)
    used = {run: _patience_used(policy, beats.get(run), joined_ms.get(run, 0), now_ms) for run in members}
    silent = sum(1 for share in used.values() if share >= 1)
    enough = 2 if silent > 1 and silent > policy.mass_silence_share * len(used) else 1
    shortest = min((_patience_ms(policy, beats[run][0]) for run in members if run in beats), default=LOOK_EVERY_MS)
    return Judgement(
        dead=tuple(member for run, those in members.items() if used[run] >= enough for member in those),
        heard=tuple(member for run, those in members.items() if used[run] < 1 for member in those),
        look_again_ms=now_ms + max(LOOK_EVERY_MS, shortest),
    )


def deserters(voters: Iterable[Member], beats: Mapping[str, LastBeat], silent_since_ms: int) -> tuple[Member, ...]:
    """Voters of whom nothing has been heard since the head fell silent: none of them took over, so they are gone."""
    last = {member: beats.get(run_of(member.process, member.inc)) for member in voters}
    return tuple(member for member, beat in last.items() if beat is None or beat[1] // 1_000_000 <= silent_since_ms)


def _patience_used(policy: HealthPolicy, last: LastBeat | None, joined_ms: int, now_ms: int) -> float:
    """How many times over the patience with a run is used up."""
    if last is None:
        return (now_ms - joined_ms) / UNHEARD_GRACE_MS
    beat, written = last
    return (now_ms - written // 1_000_000) / _patience_ms(policy, beat)


def _patience_ms(policy: HealthPolicy, beat: Beat) -> int:
    return policy.dead_after_ms(beat.interval_ms, beat.lateness)
