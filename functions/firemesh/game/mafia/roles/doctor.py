"""Doctor: keeps one other player alive each night, the same one as often as wanted, but never the doctor."""

from dataclasses import replace

from firemesh.game.mafia.role import Ability, Role, TargetRule
from firemesh.game.mafia.sides import Side
from firemesh.game.mafia.stages import Night, Stage


def protect(night: Night, actor: str, target: str) -> Night:
    """Whoever attacks the target this night does so in vain."""
    return replace(night, protected=night.protected | {target})


ROLE = Role(
    "Doctor",
    Side.TOWN,
    "Each night you protect one other player: an attack on them fails.",
    ability=Ability(Stage.PROTECT, TargetRule.OTHERS, protect),
)
