"""What agents and the mesh may ask, and the rules for obeying. A handler gives the next state, or a reason to refuse.

The shape of a payload is checked before any rule, so that one fault gives the same reason on every manager.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from firemesh.core.messages import Command
from firemesh.game.mafia.channels import CHANNELS, TEXT_CHARS_MAX, Channel
from firemesh.game.mafia.phases import (
    ACT,
    BALLOT,
    LEAVE,
    PHASES,
    SAY,
    SIT,
    WILL,
    Who,
    end_phase,
    open_lobby,
    settle,
)
from firemesh.game.mafia.program_seats import same_name, without_program_called
from firemesh.game.mafia.reasons import Reason
from firemesh.game.mafia.rights import ballot_targets, night_targets
from firemesh.game.mafia.state import NOBODY, Message, PhaseName, Seat, State, Talk

NAME_CHARS_MAX = 24

# Control characters, lone surrogates (they have no UTF-8) and direction overrides (they disguise who speaks). A fixed
# list: str.isprintable() differs between Python versions, and all managers must agree.
_UNFIT_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]")

Body = Mapping[str, Any]
Result = State | Reason
TEXT = (str,)
CHOICE = (str, type(None))


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of command: the types of its fields, and its handler."""

    fields: Mapping[str, tuple[type, ...]]
    handle: Callable[[State, str, Body], Result]

    def fits(self, body: Body) -> bool:
        """Whether the body has exactly these fields with these types."""
        return body.keys() == self.fields.keys() and all(type(body[name]) in self.fields[name] for name in body)


def obey(state: State, command: Command, at_ms: int) -> Result:
    """Apply one command at store time `at_ms`. Total: any command gives a state or a reason."""
    body = command.body
    if not command.agent_id:
        return _obey_mesh(state, command.kind, body, at_ms)
    result = _obey_agent(open_lobby(state, at_ms), command, body)
    if isinstance(result, Reason):
        return result
    return settle(_marked(result, command.agent_id, absent=False), at_ms)


def _obey_agent(state: State, command: Command, body: Body) -> Result:
    kind = KINDS.get(command.kind)
    if kind is None:
        return Reason.NOT_THE_MESH if command.kind.startswith("mesh.") else Reason.UNKNOWN_KIND
    if not kind.fits(body):
        return Reason.MALFORMED
    if state.phase is PhaseName.OVER:
        return Reason.GAME_OVER
    return kind.handle(state, command.agent_id, body)


def _obey_mesh(state: State, kind: str, body: Body, at_ms: int) -> Result:
    if kind == "mesh.deadline":
        return _deadline(state, body.get("deadline_ms"), at_ms)
    if kind not in {"mesh.member_dead", "mesh.member_left"}:
        return Reason.UNKNOWN_KIND
    agent_id = body.get("agent")
    if not isinstance(agent_id, str):
        return Reason.MALFORMED
    return _gone(state, agent_id, at_ms)


def _deadline(state: State, deadline_ms: object, at_ms: int) -> Result:
    """End the phase whose deadline this is. Sent twice, or late, it is refused: it ends no other phase.

    The next phase starts at the deadline or later, even if a new leader's clock lags: no two share a deadline.
    """
    if type(deadline_ms) is not int:
        return Reason.MALFORMED
    if state.deadline_ms is None or deadline_ms != state.deadline_ms:
        return Reason.STALE_DEADLINE
    if deadline_ms == 0:
        return open_lobby(state, at_ms)
    return end_phase(state, max(at_ms, deadline_ms))


def _gone(state: State, agent_id: str, at_ms: int) -> State:
    """Nobody waits for an agent that is gone. In the lobby its seat is free again; later it may come back to it."""
    if state.phase is PhaseName.OVER or state.seat_of(agent_id) is None:
        return state
    if state.phase is PhaseName.LOBBY:
        return replace(state, seats=tuple(seat for seat in state.seats if seat.agent_id != agent_id))
    marked = _marked(state, agent_id, absent=True)
    return state if marked is state else settle(marked, at_ms)


def _marked(state: State, agent_id: str, *, absent: bool) -> State:
    seat = state.seat_of(agent_id)
    return state if seat is None or seat.absent is absent else state.with_seat(replace(seat, absent=absent))


def _permitted(state: State, agent_id: str, kind: str) -> Seat | Reason:
    """The seat that may use this command now, or why it may not."""
    seat = state.seat_of(agent_id)
    if seat is None:
        return Reason.NOT_SEATED
    who = PHASES[state.phase].commands.get(kind)
    if who is None:
        return Reason.WRONG_PHASE
    if who.includes(seat):
        return seat
    return Reason.NOT_YOUR_ROLE if seat.alive and who is Who.ACTORS else Reason.NOT_ALIVE


def _text_fault(text: str, chars_max: int, *, may_be_empty: bool = False) -> Reason | None:
    """What is wrong with a text that others will read; None when it is fit."""
    if _UNFIT_TEXT.search(text):
        return Reason.MALFORMED
    if not may_be_empty and not text.strip(" "):
        return Reason.EMPTY
    return Reason.TOO_LONG if len(text) > chars_max else None


def _sit(state: State, agent_id: str, body: Body) -> Result:
    """Take a seat; from an agent that has one: "I am here again", whatever the name and the phase."""
    name: str = body["name"]
    if state.seat_of(agent_id) is not None:
        return state
    if fault := _text_fault(name, NAME_CHARS_MAX):
        return fault
    if state.phase is not PhaseName.LOBBY:  # the lobby ends with the last free seat
        return Reason.SEATS_TAKEN
    if agent_id == NOBODY:
        return Reason.RESERVED_ID
    state = without_program_called(state, name)
    if any(same_name(name, seat.name) for seat in state.seats):
        return Reason.NAME_TAKEN
    return replace(state, seats=(*state.seats, Seat(agent_id, name)))


def _leave(state: State, agent_id: str, body: Body) -> Result:
    seat = _permitted(state, agent_id, LEAVE)
    if isinstance(seat, Reason):
        return seat
    return replace(state, seats=tuple(other for other in state.seats if other is not seat))


def _act(state: State, agent_id: str, body: Body) -> Result:
    """Choose tonight's target, or change the choice; null is "nobody", explicitly."""
    seat = _permitted(state, agent_id, ACT)
    if isinstance(seat, Reason):
        return seat
    target = body["target"]
    if target is not None and target not in night_targets(state, seat):
        return _wrong_target(state, target)
    return replace(state, actions={**state.actions, agent_id: target})


def _ballot(state: State, agent_id: str, body: Body) -> Result:
    """Cast a ballot, change it, or withdraw it with null."""
    seat = _permitted(state, agent_id, BALLOT)
    if isinstance(seat, Reason):
        return seat
    target = body["target"]
    if target is None:
        return replace(state, ballots={who: whom for who, whom in state.ballots.items() if who != agent_id})
    if target == NOBODY and not state.setup.ballot.abstain:
        return Reason.ABSTAIN_FORBIDDEN
    if target != NOBODY and target not in ballot_targets(state, seat):
        return _wrong_target(state, target)
    return replace(state, ballots={**state.ballots, agent_id: target})


def _wrong_target(state: State, target: str) -> Reason:
    return Reason.UNKNOWN_TARGET if state.seat_of(target) is None else Reason.ILLEGAL_TARGET


def _say(state: State, agent_id: str, body: Body) -> Result:
    """Speak in a channel, within the budget of the phase."""
    text: str = body["text"]
    seat = state.seat_of(agent_id)
    if seat is None:
        return Reason.NOT_SEATED
    channel = CHANNELS.get(body["channel"])
    if channel is None:
        return Reason.UNKNOWN_CHANNEL
    if fault := _text_fault(text, TEXT_CHARS_MAX) or _may_speak(state, seat, channel):
        return fault
    return _spoken(state, channel, agent_id, text)


def _may_speak(state: State, seat: Seat, channel: Channel) -> Reason | None:
    if not channel.admits(seat):
        return Reason.NOT_YOUR_CHANNEL if seat.alive else Reason.NOT_ALIVE
    if state.phase not in channel.phases:
        return Reason.WRONG_PHASE
    if state.spoken.get(seat.agent_id, 0) >= state.setup.messages_per_phase:
        return Reason.TOO_MANY_MESSAGES
    return None


def _spoken(state: State, channel: Channel, agent_id: str, text: str) -> State:
    talk = state.talks.get(channel.name, Talk())
    message = Message(talk.count + 1, state.day, agent_id, text)
    talk = Talk(message.n, (*talk.messages, message)[-channel.kept :])
    spoken = {**state.spoken, agent_id: state.spoken.get(agent_id, 0) + 1}
    return replace(state, talks={**state.talks, channel.name: talk}, spoken=spoken)


def _will(state: State, agent_id: str, body: Body) -> Result:
    """Leave a text that is published when its author dies; an empty one takes it back."""
    text: str = body["text"]
    seat = _permitted(state, agent_id, WILL)
    if isinstance(seat, Reason):
        return seat
    if fault := _text_fault(text, TEXT_CHARS_MAX, may_be_empty=True):
        return fault
    return state.with_seat(replace(seat, will=text))


KINDS: Mapping[str, Kind] = {
    SIT: Kind({"name": TEXT}, _sit),
    LEAVE: Kind({}, _leave),
    ACT: Kind({"target": CHOICE}, _act),
    BALLOT: Kind({"target": CHOICE}, _ballot),
    SAY: Kind({"channel": TEXT, "text": TEXT}, _say),
    WILL: Kind({"text": TEXT}, _will),
}
