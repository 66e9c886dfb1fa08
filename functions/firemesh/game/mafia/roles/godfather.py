"""Godfather: a mafioso whom the detective takes for innocent."""

from firemesh.game.mafia.role import Reading, Role
from firemesh.game.mafia.roles.mafioso import KILL
from firemesh.game.mafia.sides import Side

ROLE = Role(
    "Godfather",
    Side.MAFIA,
    "You lead the mafia, and a detective who checks you reads innocent.",
    reads=Reading.INNOCENT,
    ability=KILL,
    faction="mafia",
)
