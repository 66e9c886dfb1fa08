"""What a role is made of. A role is data plus, at most, one small pure handler."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from firemesh.game.mafia.sides import Side
from firemesh.game.mafia.stages import Night, Stage


class Reading(StrEnum):
    """What an investigation says about a player."""

    GUILTY = "guilty"
    INNOCENT = "innocent"


class TargetRule(StrEnum):
    """Whom an ability or a ballot may choose among the living."""

    OTHERS = "others"  # everybody but oneself
    OUTSIDERS = "outsiders"  # everybody but oneself and one's partners
    CANDIDATES = "candidates"  # ballots: others; in a revote only those who led

    def among(self, living: Iterable[str], me: str, partners: Iterable[str]) -> tuple[str, ...]:
        """The legal targets, in the order of the living."""
        barred = {me, *partners} if self is TargetRule.OUTSIDERS else {me}
        return tuple(player for player in living if player not in barred)


@dataclass(frozen=True, slots=True)
class Ability:
    """What a role does at night. `resolve(night, actor, target)` gives the night with the deed done.

    A shared ability is one deed of the whole faction: its living members choose one target by plurality.
    """

    stage: Stage
    targets: TargetRule
    resolve: Callable[[Night, str, str], Night]
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Role:
    """A role. `faction`: its members know each other and share a channel of that name; empty for loners."""

    name: str
    side: Side
    about: str
    reads: Reading = Reading.INNOCENT
    ability: Ability | None = None
    faction: str = ""
    ballot_weight: int = 1
