"""Seats that the mesh plays itself: who sits on them, and when they are given away."""

from dataclasses import replace

from firemesh.game.chance import shuffled
from firemesh.game.mafia.state import Seat, State
from firemesh.ids import is_program, program_id

PLAYER_NAMES = (
    "Ada", "Bruno", "Cleo", "Dario", "Edda", "Falk", "Greta", "Hugo", "Ines", "Jonas",
    "Kira", "Leo", "Mara", "Nils", "Olga", "Pavel", "Quinn", "Rosa", "Sami", "Tilda",
    "Uwe", "Vera", "Wanda", "Xenia", "Yuri", "Zora", "Anton", "Bella", "Carlo", "Dora",
)  # fmt: skip
"""As many as there can be seats."""


def with_programs(state: State, count: int) -> State:
    """So many programs more at the table, each under a name that nobody there has."""
    first = 1 + sum(is_program(seat.agent_id) for seat in state.seats)
    taken = {seat.name.strip(" ").lower() for seat in state.seats}
    drawn, _ = shuffled(f"names/{state.setup.seed}", 0, PLAYER_NAMES)
    names = [name for name in drawn if name.lower() not in taken][:count]
    programs = (Seat(program_id(first + n), name) for n, name in enumerate(names))
    return replace(state, seats=(*state.seats, *programs))


def filled_up(state: State) -> State:
    """The table when the lobby ends: programs take the seats that are left, if that was asked for and anybody came."""
    if not state.setup.fill_with_programs or not people_came(state):
        return state
    return with_programs(state, state.setup.seats - len(state.seats))


def people_came(state: State) -> bool:
    """Whether somebody sits there who is no program."""
    return not all(is_program(seat.agent_id) for seat in state.seats)
