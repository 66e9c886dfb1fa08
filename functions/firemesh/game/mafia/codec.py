"""The state as a JSON object and back. No list stands directly in a list: Firestore forbids it.

Maps are written in sorted order, so that equal states have equal texts.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from firemesh.errors import CorruptDocument
from firemesh.game.mafia.setup import Setup
from firemesh.game.mafia.state import (
    Cause,
    Death,
    How,
    Message,
    NightRecord,
    Outcome,
    PhaseName,
    Result,
    Seat,
    State,
    Talk,
    Verdict,
)

Json = Mapping[str, Any]


def encode_state(state: State) -> Json:
    """The whole state, secrets included."""
    return {
        "setup": state.setup.as_json,
        "phase": state.phase.value,
        "day": state.day,
        "started_ms": state.started_ms,
        "deadline_ms": state.deadline_ms,
        "draws": state.draws,
        "seats": [_seat(seat) for seat in state.seats],
        "actions": _sorted(state.actions),
        "ballots": _sorted(state.ballots),
        "candidates": list(state.candidates),
        "spoken": _sorted(state.spoken),
        "talks": {name: _talk(talk) for name, talk in sorted(state.talks.items())},
        "nights": [encode_night(night) for night in state.nights],
        "verdicts": [_verdict(verdict) for verdict in state.verdicts],
        "outcome": None if state.outcome is None else {"winner": state.outcome.winner, "why": state.outcome.why},
    }


def decode_state(data: Json) -> State:
    """The inverse of `encode_state`. Raises CorruptDocument when the object is not one of ours."""
    try:
        return _decode(data)
    except (KeyError, TypeError, ValueError, AttributeError, ValidationError) as error:
        raise CorruptDocument("a stored game does not fit its model") from error


def _decode(data: Json) -> State:
    outcome = data["outcome"]
    return State(
        setup=Setup.model_validate(data["setup"]),
        phase=PhaseName(data["phase"]),
        day=data["day"],
        started_ms=data["started_ms"],
        deadline_ms=data["deadline_ms"],
        draws=data["draws"],
        seats=tuple(_seat_from(seat) for seat in data["seats"]),
        actions=dict(data["actions"]),
        ballots=dict(data["ballots"]),
        candidates=tuple(data["candidates"]),
        spoken=dict(data["spoken"]),
        talks={name: _talk_from(talk) for name, talk in data["talks"].items()},
        nights=tuple(_night_from(night) for night in data["nights"]),
        verdicts=tuple(_verdict_from(verdict) for verdict in data["verdicts"]),
        outcome=None if outcome is None else Outcome(outcome["winner"], outcome["why"]),
    )


def _sorted(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return dict(sorted(mapping.items()))


def _seat(seat: Seat) -> Json:
    death = seat.death
    return {
        "agent_id": seat.agent_id,
        "name": seat.name,
        "role": seat.role_name,
        "absent": seat.absent,
        "death": None if death is None else {"day": death.day, "cause": death.cause.value},
        "will": seat.will,
        "results": [encode_result(result) for result in seat.results],
    }


def _seat_from(data: Json) -> Seat:
    death = data["death"]
    return Seat(
        agent_id=data["agent_id"],
        name=data["name"],
        role_name=data["role"],
        absent=data["absent"],
        death=None if death is None else Death(death["day"], Cause(death["cause"])),
        will=data["will"],
        results=tuple(Result(result["night"], result["target"], result["says"]) for result in data["results"]),
    )


def encode_result(result: Result) -> Json:
    """One investigation: {night, target, says}."""
    return {"night": result.night, "target": result.target, "says": result.says}


def encode_message(message: Message) -> Json:
    """One line of talk: {n, day, by, text}."""
    return {"n": message.n, "day": message.day, "by": message.by, "text": message.text}


def _talk(talk: Talk) -> Json:
    return {"count": talk.count, "messages": [encode_message(message) for message in talk.messages]}


def _talk_from(data: Json) -> Talk:
    messages = (Message(each["n"], each["day"], each["by"], each["text"]) for each in data["messages"])
    return Talk(data["count"], tuple(messages))


def encode_night(night: NightRecord) -> Json:
    """One night: {day, actions: {actor: target or null}, died, saved}."""
    return {
        "day": night.day,
        "actions": _sorted(night.actions),
        "died": list(night.died),
        "saved": list(night.saved),
    }


def _night_from(data: Json) -> NightRecord:
    return NightRecord(data["day"], dict(data["actions"]), tuple(data["died"]), tuple(data["saved"]))


def _verdict(verdict: Verdict) -> Json:
    return {**encode_count(verdict), "ballots": _sorted(verdict.ballots)}


def encode_count(verdict: Verdict) -> Json:
    """What a count of ballots decided, without who chose whom: {day, round, chosen, how, tally}."""
    return {
        "day": verdict.day,
        "round": verdict.round,
        "chosen": verdict.chosen,
        "how": verdict.how.value,
        "tally": _sorted(verdict.tally),
    }


def _verdict_from(data: Json) -> Verdict:
    return Verdict(data["day"], data["round"], data["chosen"], How(data["how"]), dict(data["tally"]), dict(data["ballots"]))
