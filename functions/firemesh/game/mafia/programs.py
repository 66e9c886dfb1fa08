"""How the mesh plays the seats of programs: a scripted player looks at its own two views and nothing else.

A program keeps nothing in mind between two looks. What it has said and done it finds in its views, and what it would draw by
lot is the same at every look. So whoever leads, and in whatever instance, decides alike.

Thinking takes time, and every moment at which something happens may cost a wake. So programs act on the beats of a phase, four
of them, those of one beat together.
"""

from collections.abc import Mapping
from typing import Any

from firemesh.core.machine import Move
from firemesh.game.mafia.phases import ACT, BALLOT, SAY
from firemesh.game.mafia.scripted import Action, ScriptedPlayer
from firemesh.game.mafia.state import PhaseName, State
from firemesh.game.mafia.suspicion import Statements
from firemesh.game.mafia.views import private_view, public_view
from firemesh.ids import is_program

BEATS = 5
"""A phase is divided into so many parts; programs act between them."""
EARLY, LATE, LAST = 0.25, 0.55, 0.75
"""Shares of a phase, for what does not come out of a player's own thinking."""

ACTIVE_PHASES = frozenset({PhaseName.NIGHT, PhaseName.DAWN, PhaseName.DISCUSSION, PhaseName.BALLOT, PhaseName.REVOTE})
View = Mapping[str, Any]


def moves_of(state: State) -> tuple[Move, ...]:
    """What the living programs want in this phase, in the order of their seats."""
    programs = [seat for seat in state.living if is_program(seat.agent_id)]
    if not programs or state.phase not in ACTIVE_PHASES:
        return ()
    seed = f"programs/{state.setup.seed}"
    public = public_view(state)
    statements = Statements()
    statements.take_in(public)
    moves: dict[str, Move] = {}
    for seat in programs:
        for move in program_moves(seed, public, private_view(state, seat), statements):
            # Of two who would say the same, the second finds other words when it has heard the first.
            moves.setdefault(move.body["text"] if move.kind == SAY else f"{move.program} {move.kind}", move)
    return tuple(moves.values())


def program_moves(seed: str, public: View, own: View, statements: Statements) -> list[Move]:
    """What one program wants. `statements` is what has been said in the public view, which all have heard."""
    player = ScriptedPlayer(seed, own["you"]["id"])
    player.recall(public, own, statements)
    if public["phase"] == PhaseName.NIGHT and "faction" in own:
        return _plot(player, public, own)
    # Whoever has nothing to say at first may still have an answer.
    actions = player.decide(public, own) or player.decide(public, own)
    return [_move(action, _share(action, public, own, answers=player.answers), public, own) for action in actions]


def _share(action: Action, public: View, own: View, *, answers: bool) -> float:
    """When in its phase a player wants to act, from 0 to 1. Answers, and those who join the crowd, come last."""
    if answers or (action.kind == BALLOT and own["you"]["id"] in public.get("ballots", {})):
        return LAST
    window_ms: int = public["deadline_ms"] - public["started_ms"]
    return action.think_ms / max(1, window_ms)


def _plot(player: ScriptedPlayer, public: View, own: View) -> list[Move]:
    """The mafia's choice: programs follow a person among them, at any time; else the first of them chooses and the rest follow.

    A person gets time to choose first.
    """
    me, faction = own["you"]["id"], own["faction"]
    choices = faction["choices"] if faction["night"] == public["day"] else {}
    present = [seat["id"] for seat in public["seats"] if seat["alive"] and not seat["absent"] and seat["id"] in own["partners"]]
    people = [partner for partner in present if not is_program(partner)]
    asked = next((choices[person] for person in people if choices.get(person)), None)
    if asked is not None or me in choices:
        is_done = asked in (None, choices.get(me))
        return [] if is_done else [_move(Action(ACT, {"target": asked}, 0), LATE, public, own)]
    proposed = next((choice for choice in choices.values() if choice), None)
    if proposed is not None:
        return [_move(Action(ACT, {"target": proposed}, 0), LAST if people else LATE, public, own)]
    if me != min((me, *present), key=lambda each: (not is_program(each), each)):
        return []
    return [_move(action, LATE if people else EARLY, public, own) for action in player.propose_a_victim(public, own)]


def _move(action: Action, share: float, public: View, own: View) -> Move:
    started_ms, deadline_ms = public["started_ms"], public["deadline_ms"]
    beat = min(BEATS - 1, 1 + int(share * BEATS))
    return Move(own["you"]["id"], action.kind, action.body, started_ms + beat * (deadline_ms - started_ms) // BEATS)
