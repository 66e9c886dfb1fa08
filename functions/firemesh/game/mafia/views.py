"""What each audience sees. Every view is built from nothing for its audience; no secret is ever taken out of a copy.

A view is written to the store whenever it changes, so each fact stands in one view only. What all may see stands in
`public`: a ballot or a line of town talk changes that view alone. A private view changes only when something changes
for its owner; a driver reads the public view and its own. Spectators read `public` too: a `spectator` view comes into
being when watching can be delayed.

What a night shows: nothing but its deadline until it ends. It may end early once all who can act have acted, and not
before its floor; who they are, how many, and in which order they acted is in no other player's view.
"""

from collections.abc import Mapping
from typing import Any

from firemesh.core.machine import PUBLIC_AUDIENCE, agent_audience
from firemesh.game.mafia.channels import CHANNELS
from firemesh.game.mafia.codec import encode_count, encode_message, encode_night, encode_result
from firemesh.game.mafia.guide import counted
from firemesh.game.mafia.rights import rights_of
from firemesh.game.mafia.state import PhaseName, Seat, State, Talk, Verdict
from firemesh.ids import is_program

View = dict[str, Any]


def views_of(state: State) -> Mapping[str, View]:
    """The public view, and one for each seat that somebody plays. The leader looks for programs by itself; see `programs`."""
    views = {PUBLIC_AUDIENCE: public_view(state)}
    for seat in state.seats:
        if not is_program(seat.agent_id):
            views[agent_audience(seat.agent_id)] = private_view(state, seat)
    return views


def public_view(state: State) -> View:
    """What everybody may see."""
    setup = state.setup
    dealt = state.phase is not PhaseName.LOBBY and bool(state.seats) and bool(state.seats[0].role_name)
    view: View = {
        "game": "mafia",
        "phase": state.phase.value,
        "day": state.day,
        "started_ms": state.started_ms,
        "deadline_ms": state.deadline_ms,
        "rules": _rules(state),
        "roles": counted(setup.roles_dealt(len(state.seats))) if dealt else {},
        "seats": [_public_seat(state, seat) for seat in state.seats],
        "verdicts": [_public_verdict(state, verdict) for verdict in state.verdicts],
        "chat": _chat(state, "town"),
        "chat_count": state.talks["town"].count if "town" in state.talks else 0,
    }
    if state.phase in (PhaseName.BALLOT, PhaseName.REVOTE):
        view |= _open_ballot(state)
    if state.outcome is not None:
        view["winner"] = state.outcome.winner
        view["why"] = state.outcome.why
        view["nights"] = [encode_night(night) for night in state.nights]
    return view


def _rules(state: State) -> View:
    setup = state.setup
    filled = {"fill_with_programs": True} if setup.fill_with_programs else {}
    return {
        **filled,
        "seats": setup.seats,
        "ballot": setup.ballot.rule.value,
        "ties": setup.ballot.ties.value,
        "secret": setup.ballot.secret,
        "abstain": setup.ballot.abstain,
        "reveal_role_on_death": setup.reveal_role_on_death,
        "messages_per_phase": setup.messages_per_phase,
    }


def _public_seat(state: State, seat: Seat) -> View:
    """A seat as all see it: the role only after death, if the rules say so, and after the game."""
    shown: View = {"id": seat.agent_id, "name": seat.name, "alive": seat.alive, "absent": seat.absent}
    if is_program(seat.agent_id):
        shown["program"] = True
    if seat.death is not None:
        shown["death"] = {"day": seat.death.day, "cause": seat.death.cause.value}
        if seat.will:
            shown["will"] = seat.will
    if seat.role_name and (state.outcome or (seat.death and state.setup.reveal_role_on_death)):
        shown["role"] = seat.role_name
        shown["side"] = seat.role.side.value
    return shown


def _open_ballot(state: State) -> View:
    """The ballots cast so far; under a secret ballot only who has cast one."""
    shown: View = {"candidates": list(state.candidates)}
    if state.setup.ballot.secret:
        return shown | {"balloted": sorted(state.ballots)}
    return shown | {"ballots": dict(sorted(state.ballots.items()))}


def _public_verdict(state: State, verdict: Verdict) -> View:
    shown = dict(encode_count(verdict))
    if not state.setup.ballot.secret:
        shown["ballots"] = dict(sorted(verdict.ballots.items()))
    return shown


def _chat(state: State, channel: str) -> list[Mapping[str, Any]]:
    return [encode_message(message) for message in state.talks.get(channel, Talk()).messages]


def private_view(state: State, seat: Seat) -> View:
    """What one seat's driver may see besides the public view."""
    view: View = {"you": {"id": seat.agent_id, "name": seat.name}, "may": rights_of(seat)}
    if not seat.role_name:
        return view
    role = seat.role
    view["you"] |= {"role": role.name, "side": role.side.value, "about": role.about, "alive": seat.alive}
    if seat.will:
        view["will"] = seat.will
    if seat.results:
        view["results"] = [encode_result(result) for result in seat.results]
    if role.ability is not None:
        view |= _own_action(state, seat)
    if state.setup.ballot.secret and seat.agent_id in state.ballots:
        view["ballot"] = state.ballots[seat.agent_id]
    if seat.faction:
        view["partners"] = {partner.agent_id: partner.role_name for partner in state.partners_of(seat)}
        if seat.alive:
            view["faction"] = _faction(state, seat)
    if not seat.alive:
        view["dead_chat"] = _chat(state, "dead")
    return view


def _own_action(state: State, seat: Seat) -> View:
    """The latest night's choice. It stays in view by day, so that nightfall need not write every private view."""
    night, actions = _latest_actions(state, (seat.agent_id,))
    if seat.agent_id not in actions:
        return {}
    return {"action": {"night": night, "target": actions[seat.agent_id]}}


def _latest_actions(state: State, members: tuple[str, ...]) -> tuple[int, Mapping[str, str | None]]:
    """The choices of these members this night, or else in the last finished one; night 0 stands for none at all."""
    nights = [(state.day, state.actions), *((night.day, night.actions) for night in state.nights[-1:])]
    for day, actions in nights:
        chosen = {member: actions[member] for member in members if member in actions}
        if chosen:
            return day, chosen
    return 0, {}


def _faction(state: State, seat: Seat) -> View:
    """What the living of a faction share: who chose whom, and their talk."""
    members = tuple(sorted((seat.agent_id, *(partner.agent_id for partner in state.partners_of(seat)))))
    night, choices = _latest_actions(state, members)
    channels = [channel.name for channel in CHANNELS.values() if channel.faction == seat.faction]
    return {
        "name": seat.faction,
        "night": night,
        "choices": dict(choices),
        "chat": [line for channel in channels for line in _chat(state, channel)],
    }
