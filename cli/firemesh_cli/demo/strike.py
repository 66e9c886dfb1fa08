"""What befalls the leader in the middle of the game: SIGKILL, or SIGSTOP for two lease times."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from firemesh.core.params import Params
from firemesh_cli.demo.fleet import Fleet, Member
from firemesh_cli.demo.observer import Observer

BALLOTS_SHARE = 1 / 3
"""Share of the living that must have cast a ballot before the leader is struck: the middle of the ballot."""
NIGHT_DELAY_SECONDS = 1.0
TAKEOVER_ALLOWANCE_SECONDS = 2.0
"""How much longer than one ttl a takeover from a paused leader may take."""
FOLLOW_SECONDS = 3.0
"""How long the woken leader is watched for harm."""


@dataclass(slots=True)
class Strike:
    """What was done to which leader and when, and how the mesh recovered. Times are on the monotonic clock."""

    phase: str
    leader: str
    term: int
    struck_at: float
    paused_seconds: float = 0.0


async def strike_leader(observer: Observer, fleet: Fleet, phase: str, *, pause: bool, params: Params) -> Strike:
    """Wait for the middle of `phase`, then kill or pause the process of whoever leads."""
    await observer.until(lambda: in_the_middle(observer, phase))
    if phase == "night":
        await asyncio.sleep(NIGHT_DELAY_SECONDS)
    await observer.until(lambda: bool(observer.head.leader))
    victim = fleet.by_agent(observer.head.leader)
    strike = Strike(phase, observer.head.leader, observer.head.term, time.monotonic())
    if pause:
        await _pause(observer, fleet, victim, strike, 2 * params.ttl_ms / 1000)
    else:
        fleet.kill(victim)
        observer.note(f"SIGKILL to {victim.name} (pid {victim.child.pid}), where {strike.leader} led")
    return strike


async def _pause(observer: Observer, fleet: Fleet, victim: Member, strike: Strike, seconds: float) -> None:
    fleet.pause(victim)
    observer.note(f"SIGSTOP to {victim.name} (pid {victim.child.pid}), where {strike.leader} led, for {seconds} s")
    await asyncio.sleep(seconds)
    fleet.wake(victim)
    strike.paused_seconds = seconds
    observer.note(f"SIGCONT to {victim.name}: it believes it leads, and must do no harm")
    await asyncio.sleep(FOLLOW_SECONDS)


def in_the_middle(observer: Observer, phase: str) -> bool:
    """Whether the phase is on, and of a ballot a good part is cast."""
    if observer.phase != phase:
        return False
    if phase != "ballot":
        return True
    living = [seat for seat in observer.public.get("seats", []) if seat["alive"]]
    return len(observer.public.get("ballots", {})) >= BALLOTS_SHARE * len(living)


def kill_report(strike: Strike | None, observer: Observer, params: Params) -> Mapping[str, Any] | None:
    """The `kill` member of the report; None when nobody was killed."""
    if strike is None or strike.paused_seconds:
        return None
    return {
        "phase": strike.phase,
        "leader": strike.leader,
        "ttl_seconds": params.ttl_ms / 1000,
        "takeover_seconds": seconds_after(strike.struck_at, strike.term, observer.term_seen),
        "first_commit_seconds": seconds_after(strike.struck_at, strike.term, observer.command_seen),
    }


def pause_report(strike: Strike | None, observer: Observer, params: Params) -> Mapping[str, Any] | None:
    """The `pause` member of the report; None when nobody was paused."""
    if strike is None or not strike.paused_seconds:
        return None
    takeover = seconds_after(strike.struck_at, strike.term, observer.term_seen)
    allowed = params.ttl_ms / 1000 + TAKEOVER_ALLOWANCE_SECONDS
    return {
        "phase": strike.phase,
        "leader": strike.leader,
        "ttl_seconds": params.ttl_ms / 1000,
        "paused_seconds": strike.paused_seconds,
        "takeover_seconds": takeover,
        "takeover_in_time": takeover is not None and takeover <= allowed,
        "first_commit_seconds": seconds_after(strike.struck_at, strike.term, observer.command_seen),
    }


def seconds_after(struck_at: float, struck_term: int, seen: Mapping[int, float]) -> float | None:
    """Seconds from a strike to the first thing seen in a term after the one it struck; None when nothing was."""
    later = [moment for term, moment in seen.items() if term > struck_term]
    return round(min(later) - struck_at, 3) if later else None
