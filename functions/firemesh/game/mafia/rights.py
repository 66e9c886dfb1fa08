"""What a player may do: legal targets, and the table of rights that each private view carries."""

from collections.abc import Iterator, Mapping
from functools import cache

from firemesh.game.mafia.channels import CHANNELS
from firemesh.game.mafia.phases import ACT, BALLOT, LEAVE, PHASES, SAY, Phase
from firemesh.game.mafia.role import TargetRule
from firemesh.game.mafia.state import Cause, Death, PhaseName, Seat, State

Rights = Mapping[str, list[Mapping[str, str]]]


def night_targets(state: State, seat: Seat) -> tuple[str, ...]:
    """Whom this seat's ability may choose tonight."""
    ability = seat.role.ability
    if ability is None:
        return ()
    partners = [partner.agent_id for partner in state.partners_of(seat)]
    return ability.targets.among(_living(state), seat.agent_id, partners)


def ballot_targets(state: State, seat: Seat) -> tuple[str, ...]:
    """Whom this seat's ballot may name, besides nobody."""
    eligible = [player for player in _living(state) if not state.candidates or player in state.candidates]
    return TargetRule.CANDIDATES.among(eligible, seat.agent_id, ())


def _living(state: State) -> list[str]:
    return [seat.agent_id for seat in state.living]


def rights_of(seat: Seat) -> Rights:
    """What this seat may do in each phase: {phase: [{kind, targets?, channel?}]}.

    It depends on the role and on being alive alone, not on the present phase, so that a private view need not be
    written again when the phase changes. `targets` is a TargetRule. The result is shared: do not change it.
    """
    return _rights(seat.role_name, seat.alive)


@cache
def _rights(role_name: str, alive: bool) -> Rights:
    if not role_name:
        return {PhaseName.LOBBY.value: [{"kind": LEAVE}]}
    seat = Seat("", "", role_name, death=None if alive else Death(0, Cause.KILLED))
    in_play = (phase for phase in PHASES.values() if phase.name is not PhaseName.LOBBY)
    table = {phase.name.value: [*_commands(phase, seat), *_channels(phase, seat)] for phase in in_play}
    return {phase: rights for phase, rights in table.items() if rights}


def _commands(phase: Phase, seat: Seat) -> Iterator[Mapping[str, str]]:
    for kind, who in phase.commands.items():
        if not who.includes(seat):
            continue
        if kind == ACT and seat.role.ability is not None:
            yield {"kind": ACT, "targets": seat.role.ability.targets.value}
        elif kind == BALLOT:
            yield {"kind": BALLOT, "targets": TargetRule.CANDIDATES.value}
        else:
            yield {"kind": kind}


def _channels(phase: Phase, seat: Seat) -> Iterator[Mapping[str, str]]:
    for channel in CHANNELS.values():
        if phase.name in channel.phases and channel.admits(seat):
            yield {"kind": SAY, "channel": channel.name}
