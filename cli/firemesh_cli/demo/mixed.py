"""Mixed hosting: every manager process is killed, the functions carry on, and one process takes the mesh back."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from firemesh.core.params import Params
from firemesh_cli.demo.fleet import Fleet
from firemesh_cli.demo.observer import Observer
from firemesh_cli.demo.strike import in_the_middle, seconds_after

PHASE = "ballot"
WHOLE_PHASES = 2
"""Phases that the functions lead from beginning to end: dusk and night."""


@dataclass(slots=True)
class Loss:
    """The death of all managers, and what came after. Times are on the monotonic clock; 0: it has not come yet."""

    leader: str
    managers: tuple[str, ...]
    term: int
    struck_at: float
    started_again: str = ""
    started_at: float = 0.0
    taken_back_at: float = 0.0


async def kill_managers(observer: Observer, fleet: Fleet) -> Loss:
    """Wait for the middle of a ballot that a manager process leads, then SIGKILL the processes of all managers."""
    victims = [member for member in fleet.members if member.is_manager]
    managers = tuple(agent for member in victims for agent in member.agents)
    await observer.until(lambda: in_the_middle(observer, PHASE) and observer.head.leader in managers)
    loss = Loss(observer.head.leader, managers, observer.head.term, time.monotonic())
    for member in victims:
        fleet.kill(member)
    observer.note(f"SIGKILL to {', '.join(member.name for member in victims)}: no manager process is left")
    return loss


async def bring_one_back(observer: Observer, fleet: Fleet, loss: Loss) -> None:
    """Wait until the functions have led through some whole phases, then start one manager process and see it lead."""
    await observer.until(lambda: observer.head.term > loss.term and bool(observer.head.leader))
    for _ in range(1 + WHOLE_PHASES):
        await _end_of_phase(observer)
    member = next(member for member in fleet.members if member.is_manager)
    loss.started_again, loss.started_at = member.agents[0], time.monotonic()
    observer.note(f"{member.name} is started again")
    await fleet.start_again(member)
    await observer.until(lambda: observer.head.leader in loss.managers)
    loss.taken_back_at = time.monotonic()


async def _end_of_phase(observer: Observer) -> None:
    """Wait until the present phase has ended; the last one does not."""
    present = observer.phase
    await observer.until(lambda: observer.phase != present or present == "over")


def report(loss: Loss | None, observer: Observer, params: Params) -> Mapping[str, Any] | None:
    """The `mixed` member of the report; None when no managers were killed."""
    if loss is None:
        return None
    back = round(loss.taken_back_at - loss.started_at, 3) if loss.taken_back_at else None
    return {
        "phase": PHASE,
        "leader": loss.leader,
        "killed": list(loss.managers),
        "ttl_seconds": params.ttl_ms / 1000,
        "takeover_seconds": seconds_after(loss.struck_at, loss.term, observer.term_seen),
        "first_commit_seconds": seconds_after(loss.struck_at, loss.term, observer.command_seen),
        "started_again": loss.started_again,
        "taken_back_seconds": back,
    }
