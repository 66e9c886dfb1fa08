"""The sides a role can be on."""

from enum import StrEnum


class Side(StrEnum):
    """Whose victory a role shares."""

    TOWN = "town"
    MAFIA = "mafia"
