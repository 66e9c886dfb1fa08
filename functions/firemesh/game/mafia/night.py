"""The night: who must act, what the factions decided, and the stages in order."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from firemesh.game.mafia.deal import drawn_from
from firemesh.game.mafia.roles import ROLES
from firemesh.game.mafia.stages import NIGHT_ORDER, Night, NightOutcome
from firemesh.game.mafia.state import Cause, NightRecord, Result, Seat, State
from firemesh.game.mafia.victory import bury


@dataclass(frozen=True, slots=True)
class Resolution:
    """A night that is over: what the stages left, and the one outcome of each player who was alive at nightfall."""

    night: Night
    outcomes: Mapping[str, NightOutcome]


def actors(state: State) -> tuple[Seat, ...]:
    """The living whose role has a night ability."""
    return tuple(seat for seat in state.living if seat.role.ability is not None)


def everybody_acted(state: State) -> bool:
    """Whether the night need not go on: all present actors have chosen, and no faction is divided.

    The absent are not waited for. A table with nobody present keeps to the clock.
    """
    present = [seat for seat in actors(state) if not seat.absent]
    if not present or any(seat.agent_id not in state.actions for seat in present):
        return False
    return all(len(set(choices)) <= 1 for choices in _faction_choices(state).values())


def _faction_choices(state: State) -> dict[str, list[str | None]]:
    choices: dict[str, list[str | None]] = {}
    for seat in actors(state):
        if seat.role.ability is not None and seat.role.ability.shared and seat.agent_id in state.actions:
            choices.setdefault(seat.faction, []).append(state.actions[seat.agent_id])
    return choices


def choose_deeds(state: State) -> tuple[Mapping[str, str], State]:
    """Each actor's target; of a faction, one member carries out what most of it chose. A tie is settled by lot."""
    deeds: dict[str, str] = {}
    for seat in actors(state):
        target = state.actions.get(seat.agent_id)
        if target is not None and seat.role.ability is not None and not seat.role.ability.shared:
            deeds[seat.agent_id] = target
    for faction, choices in sorted(_faction_choices(state).items()):
        target, state = _faction_target(state, choices)
        if target:
            carriers = (seat for seat in actors(state) if seat.faction == faction)
            carrier = next(seat for seat in carriers if state.actions.get(seat.agent_id) == target)
            deeds[carrier.agent_id] = target
    return deeds, state


def _faction_target(state: State, choices: list[str | None]) -> tuple[str, State]:
    """What most members chose; empty for nobody."""
    totals = Counter(choice or "" for choice in choices)
    most = max(totals.values())
    leaders = sorted(choice for choice, votes in totals.items() if votes == most)
    if len(leaders) == 1:
        return leaders[0], state
    return drawn_from(state, leaders)


def resolve(state: State, deeds: Mapping[str, str]) -> Resolution:
    """Let the deeds take effect, stage by stage and within a stage in seat order."""
    readings = {seat.agent_id: seat.role.reads.value for seat in state.living}
    night = Night(deeds, readings)
    for stage in NIGHT_ORDER:
        for seat in state.living:
            ability = ROLES[seat.role_name].ability
            if ability is not None and ability.stage is stage and seat.agent_id in night.deeds:
                night = ability.resolve(night, seat.agent_id, night.deeds[seat.agent_id])
    return Resolution(night, {player: night.outcome_of(player) for player in readings})


def end_night(state: State) -> State:
    """Resolve the night: findings reach their finders, the dead are buried, the night is kept in the history."""
    deeds, state = choose_deeds(state)
    resolution = resolve(state, deeds)
    for finding in resolution.night.findings:
        finder = state.seat_of(finding.finder)
        if finder is not None:
            result = Result(state.day, finding.target, finding.says)
            state = state.with_seat(replace(finder, results=(*finder.results, result)))
    died = tuple(player for player, outcome in resolution.outcomes.items() if outcome is NightOutcome.DIED)
    saved = tuple(player for player, outcome in resolution.outcomes.items() if outcome is NightOutcome.SAVED)
    record = NightRecord(state.day, state.actions, died, saved)
    return bury(replace(state, nights=(*state.nights, record)), died, Cause.KILLED)
