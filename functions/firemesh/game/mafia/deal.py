"""The deal and every other use of chance in the game. Chance comes from the seed and a counter in the state."""

from collections.abc import Sequence
from dataclasses import replace

from firemesh.game.chance import draw, shuffled
from firemesh.game.mafia.state import State


def dealt(state: State) -> State:
    """Everybody at the table gets a role. Who sat down first makes no difference: the same players, the same deal."""
    setup = state.setup
    deck, draws = shuffled(setup.seed, state.draws, setup.roles_dealt(len(state.seats)))
    roles = dict(zip(sorted(seat.agent_id for seat in state.seats), deck, strict=True))
    seats = tuple(replace(seat, role_name=roles[seat.agent_id]) for seat in state.seats)
    return replace(state, seats=seats, draws=draws)


def drawn_from(state: State, choices: Sequence[str]) -> tuple[str, State]:
    """One of the choices, and the state with one draw used up."""
    chosen = choices[draw(state.setup.seed, state.draws, len(choices))]
    return chosen, replace(state, draws=state.draws + 1)
