"""The roles, one file each: a module here that defines ROLE is a role of the game."""

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

from firemesh.game.mafia.role import Role


def _discover() -> Mapping[str, Role]:
    names = sorted(module.name for module in iter_modules(__path__))
    roles: list[Role] = [import_module(f"{__name__}.{name}").ROLE for name in names]
    return {role.name: role for role in roles}


ROLES: Mapping[str, Role] = _discover()
