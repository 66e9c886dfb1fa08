"""Deaths in batches, and who has won: evaluated once after every batch, in the order of the table."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from firemesh.game.mafia.sides import Side
from firemesh.game.mafia.state import NOBODY, Cause, Death, Outcome, Seat, State


@dataclass(frozen=True, slots=True)
class WinCondition:
    """A way for the game to end. `holds` looks at the seats of the living."""

    winner: str
    why: str
    holds: Callable[[Collection[Seat]], bool]


def _on_side(living: Collection[Seat], side: Side) -> int:
    return sum(seat.role.side is side for seat in living)


def _nobody_lives(living: Collection[Seat]) -> bool:
    return not living


def _mafia_is_gone(living: Collection[Seat]) -> bool:
    return _on_side(living, Side.MAFIA) == 0


def _mafia_has_parity(living: Collection[Seat]) -> bool:
    return 2 * _on_side(living, Side.MAFIA) >= len(living)


WIN_CONDITIONS: tuple[WinCondition, ...] = (
    WinCondition(NOBODY, "everybody is dead", _nobody_lives),
    WinCondition(Side.TOWN, "no mafia is left alive", _mafia_is_gone),
    WinCondition(Side.MAFIA, "the mafia is as many as the rest", _mafia_has_parity),
)


def outcome_for(living: Collection[Seat]) -> Outcome | None:
    """The first condition that holds; None while the game goes on."""
    for condition in WIN_CONDITIONS:
        if condition.holds(living):
            return Outcome(str(condition.winner), condition.why)
    return None


def bury(state: State, dying: Collection[str], cause: Cause) -> State:
    """One batch of deaths, and its consequence. An empty batch changes nothing and is not evaluated."""
    if not dying:
        return state
    death = Death(state.day, cause)
    seats = tuple(replace(seat, death=death) if seat.agent_id in dying else seat for seat in state.seats)
    buried = replace(state, seats=seats)
    return replace(buried, outcome=outcome_for(buried.living))
