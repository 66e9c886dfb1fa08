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
    programs = (Seat(program_id(first + n), name) for n, name in enumerate(_free_names(state)[:count]))
    return replace(state, seats=(*state.seats, *programs))


def without_program_called(state: State, name: str) -> State:
    """The table after a program of this name, if there is one, has taken another: people choose their names first."""
    for seat in state.seats:
        if is_program(seat.agent_id) and same_name(seat.name, name):
            return state.with_seat(replace(seat, name=_free_names(state)[0]))
    return state


def same_name(one: str, other: str) -> bool:
    """Whether people would take these names for one."""
    # bytes.lower() knows ASCII only, and so is the same in every Python.
    return one.strip(" ").encode().lower() == other.strip(" ").encode().lower()


def _free_names(state: State) -> list[str]:
    """Names for programs, in an order drawn for this game. There are as many as seats, so one is left for every free seat."""
    drawn, _ = shuffled(f"names/{state.setup.seed}", 0, PLAYER_NAMES)
    return [name for name in drawn if not any(same_name(name, seat.name) for seat in state.seats)]


def filled_up(state: State) -> State:
    """The table when the lobby ends: programs take the seats that are left, if that was asked for and anybody came."""
    if not state.setup.fill_with_programs or not people_came(state):
        return state
    return with_programs(state, state.setup.seats - len(state.seats))


def people_came(state: State) -> bool:
    """Whether somebody sits there who is no program."""
    return not all(is_program(seat.agent_id) for seat in state.seats)
