"""The phases as a table: who may do what, when a phase may end early, and what follows.

How long each lasts stands in the setup. Every phase but the last has an armed deadline, an absolute store time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from firemesh.game.mafia.ballots import conclude, revote_candidates
from firemesh.game.mafia.deal import dealt
from firemesh.game.mafia.guide import SEATS_MIN
from firemesh.game.mafia.night import end_night, everybody_acted
from firemesh.game.mafia.program_seats import filled_up, people_came
from firemesh.game.mafia.state import NOBODY, Cause, Outcome, PhaseName, Seat, State
from firemesh.game.mafia.victory import bury

SIT = "mafia.sit"
LEAVE = "mafia.leave"
ACT = "mafia.act"
SAY = "mafia.say"
BALLOT = "mafia.ballot"
WILL = "mafia.will"


class Who(StrEnum):
    """Which seats may use a command in a phase."""

    SEATED = "seated"
    LIVING = "living"
    ACTORS = "actors"

    def includes(self, seat: Seat) -> bool:
        """Whether this seat is one of them."""
        if self is Who.SEATED:
            return True
        return seat.alive and (self is Who.LIVING or seat.role.ability is not None)


def _never(state: State) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase. `finish` settles what the phase decided and names the next.

    `commands` says who may use which; sitting down is always heard, and talk follows the table of channels. `done`: it
    may end before its deadline. `has_floor`: even then it lasts as long as the setup's `night_floor_ms`.
    """

    name: PhaseName
    finish: Callable[[State], tuple[State, PhaseName]]
    commands: Mapping[str, Who] = field(default_factory=dict)
    done: Callable[[State], bool] = _never
    has_floor: bool = False


def _then(name: PhaseName) -> Callable[[State], tuple[State, PhaseName]]:
    return lambda state: (state, name)


def _all_seats_taken(state: State) -> bool:
    return len(state.seats) == state.setup.seats


def _finish_lobby(state: State) -> tuple[State, PhaseName]:
    state = filled_up(state)
    if not people_came(state) and not _all_seats_taken(state):
        return replace(state, outcome=Outcome(NOBODY, "abandoned: nobody came")), PhaseName.OVER
    if len(state.seats) >= SEATS_MIN:
        return dealt(state), PhaseName.REVEAL
    why = f"abandoned: {len(state.seats)} came, {SEATS_MIN} are needed"
    return replace(state, outcome=Outcome(NOBODY, why)), PhaseName.OVER


def _finish_night(state: State) -> tuple[State, PhaseName]:
    state = end_night(state)
    return state, PhaseName.OVER if state.outcome else PhaseName.DAWN


def _all_balloted(state: State) -> bool:
    present = [seat for seat in state.living if not seat.absent]
    return bool(present) and all(seat.agent_id in state.ballots for seat in present)


def _finish_ballot(state: State) -> tuple[State, PhaseName]:
    candidates = revote_candidates(state)
    state, verdict = conclude(state)
    if candidates:
        return replace(state, candidates=candidates), PhaseName.REVOTE
    state = bury(state, () if verdict.chosen == NOBODY else (verdict.chosen,), Cause.EXECUTED)
    return state, PhaseName.OVER if state.outcome else PhaseName.DUSK


def _finish_dusk(state: State) -> tuple[State, PhaseName]:
    if state.day < state.days_max:
        return state, PhaseName.NIGHT
    return replace(state, outcome=Outcome(NOBODY, f"stalemate: day {state.day} was the last")), PhaseName.OVER


_LIFE = {WILL: Who.LIVING}
_BALLOT = {WILL: Who.LIVING, BALLOT: Who.LIVING}

PHASES: Mapping[PhaseName, Phase] = {
    phase.name: phase
    for phase in (
        Phase(PhaseName.LOBBY, _finish_lobby, {LEAVE: Who.SEATED}, _all_seats_taken),
        Phase(PhaseName.REVEAL, _then(PhaseName.NIGHT), _LIFE),
        Phase(PhaseName.NIGHT, _finish_night, {WILL: Who.LIVING, ACT: Who.ACTORS}, everybody_acted, has_floor=True),
        Phase(PhaseName.DAWN, _then(PhaseName.DISCUSSION), _LIFE),
        Phase(PhaseName.DISCUSSION, _then(PhaseName.BALLOT), _LIFE),
        Phase(PhaseName.BALLOT, _finish_ballot, _BALLOT, _all_balloted),
        Phase(PhaseName.REVOTE, _finish_ballot, _BALLOT, _all_balloted),
        Phase(PhaseName.DUSK, _finish_dusk, _LIFE),
        Phase(PhaseName.OVER, _then(PhaseName.OVER)),
    )
}


def open_lobby(state: State, at_ms: int) -> State:
    """Start the lobby's clock with the first store time that the machine is given."""
    if state.deadline_ms != 0:
        return state
    at_ms = max(at_ms, 0)
    return replace(state, started_ms=at_ms, deadline_ms=at_ms + state.setup.duration_ms(PhaseName.LOBBY))


def end_phase(state: State, at_ms: int) -> State:
    """Settle the present phase and enter the next. `at_ms` is not before the present phase's start."""
    state, name = PHASES[state.phase].finish(state)
    return _enter(state, name, at_ms)


def _enter(state: State, name: PhaseName, at_ms: int) -> State:
    return replace(
        state,
        phase=name,
        day=state.day + (name is PhaseName.NIGHT),
        started_ms=at_ms,
        deadline_ms=None if name is PhaseName.OVER else at_ms + state.setup.duration_ms(name),
        actions={},
        ballots={},
        candidates=state.candidates if name is PhaseName.REVOTE else (),
        spoken={},
    )


def settle(state: State, at_ms: int) -> State:
    """After a command: end the phase early when it is done, or move its deadline up to its floor.

    Time never goes back: under the lagging clock of a new leader the floor is not reached, and the deadline decides.
    """
    phase = PHASES[state.phase]
    if state.deadline_ms is None or not phase.done(state):
        return state
    floor_ms = state.started_ms + (state.setup.night_floor_ms if phase.has_floor else 0)
    if at_ms >= floor_ms:
        return end_phase(state, at_ms)
    return replace(state, deadline_ms=min(state.deadline_ms, floor_ms))
