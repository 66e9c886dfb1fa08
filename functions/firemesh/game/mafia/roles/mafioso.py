"""Mafioso: one of those who choose a victim together."""

from firemesh.game.mafia.role import Ability, Reading, Role, TargetRule
from firemesh.game.mafia.sides import Side
from firemesh.game.mafia.stages import Night, Stage


def kill(night: Night, actor: str, target: str) -> Night:
    """Attack the chosen victim."""
    return night.attack(target)


KILL = Ability(Stage.KILL, TargetRule.OUTSIDERS, kill, shared=True)
ROLE = Role(
    "Mafioso",
    Side.MAFIA,
    "Each night you and your partners choose one victim. You win when you are as many as the rest.",
    reads=Reading.GUILTY,
    ability=KILL,
    faction="mafia",
)
