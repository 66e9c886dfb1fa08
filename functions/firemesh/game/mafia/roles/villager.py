"""Villager: a voice and a ballot."""

from firemesh.game.mafia.role import Role
from firemesh.game.mafia.sides import Side

ROLE = Role("Villager", Side.TOWN, "You have no ability but your wits and your ballot.")
