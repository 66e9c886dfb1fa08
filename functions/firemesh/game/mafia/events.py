"""What happened, for logs and live displays: only what the public view shows too."""

from collections.abc import Mapping
from typing import Any

from firemesh.game.mafia.state import State

Event = Mapping[str, Any]


def events_between(before: State, after: State) -> tuple[Event, ...]:
    """The deaths, the new phase and the end of the game that lie between two states, in this order."""
    if before.phase is after.phase and before.day == after.day:
        return ()
    events: list[Event] = [_death(after, seat.agent_id) for seat in before.living if not _lives(after, seat.agent_id)]
    events.append({"event": "phase", "phase": after.phase.value, "day": after.day, "deadline_ms": after.deadline_ms})
    if after.outcome is not None:
        events.append({"event": "over", "winner": after.outcome.winner, "why": after.outcome.why})
    return tuple(events)


def _lives(state: State, agent_id: str) -> bool:
    seat = state.seat_of(agent_id)
    return seat is None or seat.alive


def _death(state: State, agent_id: str) -> Event:
    seat = state.seat_of(agent_id)
    cause = seat.death.cause.value if seat is not None and seat.death is not None else ""
    event = {"event": "death", "player": agent_id, "cause": cause}
    if seat is not None and state.setup.reveal_role_on_death:
        event["role"] = seat.role_name
    return event
