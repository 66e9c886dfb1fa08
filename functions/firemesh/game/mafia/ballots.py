"""Counting ballots."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from firemesh.game.mafia.deal import drawn_from
from firemesh.game.mafia.setup import BallotRule, TieRule
from firemesh.game.mafia.state import NOBODY, How, PhaseName, State, Verdict


@dataclass(frozen=True, slots=True)
class Count:
    """The result of one count: who is chosen (perhaps "nobody"), why, and who led together when it was a tie."""

    chosen: str
    how: How
    leaders: tuple[str, ...] = ()


def tally(state: State) -> Mapping[str, int]:
    """The weight of the ballots for each choice. Every living seat has one ballot; the dead have none."""
    totals: dict[str, int] = {}
    for seat in state.living:
        choice = state.ballots.get(seat.agent_id)
        if choice is not None:
            totals[choice] = totals.get(choice, 0) + seat.role.ballot_weight
    return totals


def count(state: State) -> Count:
    """Who leads, by the rule of this game, before ties are settled."""
    totals = tally(state)
    if not totals:
        return Count(NOBODY, How.SILENCE)
    most = max(totals.values())
    leaders = tuple(sorted(choice for choice, weight in totals.items() if weight == most))
    if len(leaders) > 1:
        return Count(NOBODY, How.TIE, leaders)
    if state.setup.ballot.rule is BallotRule.PLURALITY:
        return Count(leaders[0], How.MOST)
    living_weight = sum(seat.role.ballot_weight for seat in state.living)
    if 2 * most > living_weight:
        return Count(leaders[0], How.MAJORITY)
    return Count(NOBODY, How.NO_MAJORITY)


def conclude(state: State) -> tuple[State, Verdict]:
    """Count, settle a tie by lot where the rules say so, and keep the verdict in the history."""
    result = count(state)
    if result.how is How.TIE and state.setup.ballot.ties is TieRule.RANDOM:
        chosen, state = drawn_from(state, result.leaders)
        result = Count(chosen, How.DRAWN)
    verdict = Verdict(
        day=state.day,
        round=2 if state.phase is PhaseName.REVOTE else 1,
        chosen=result.chosen,
        how=result.how,
        tally=tally(state),
        ballots=state.ballots,
    )
    return replace(state, verdicts=(*state.verdicts, verdict)), verdict


def revote_candidates(state: State) -> tuple[str, ...]:
    """The players to choose among once more after a tie; empty when the rules know no second ballot or it was one."""
    if state.phase is PhaseName.REVOTE or state.setup.ballot.ties is not TieRule.REVOTE:
        return ()
    return tuple(leader for leader in count(state).leaders if leader != NOBODY)
