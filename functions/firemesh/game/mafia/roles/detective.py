"""Detective: learns each night how one player reads."""

from dataclasses import replace

from firemesh.game.mafia.role import Ability, Role, TargetRule
from firemesh.game.mafia.sides import Side
from firemesh.game.mafia.stages import Finding, Night, Stage


def investigate(night: Night, actor: str, target: str) -> Night:
    """Note the target's reading for the detective. The reading arrives even if the detective dies this night."""
    finding = Finding(actor, target, night.readings[target])
    return replace(night, findings=(*night.findings, finding))


ROLE = Role(
    "Detective",
    Side.TOWN,
    "Each night you check one player and learn at dawn whether they read guilty or innocent.",
    ability=Ability(Stage.INVESTIGATE, TargetRule.OTHERS, investigate),
)
