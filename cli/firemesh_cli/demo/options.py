"""What the demo is asked to do, and the game that follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from firemesh.core.params import TEST, Params
from firemesh.errors import InvalidParameters
from firemesh.store.mesh_store import Hosting

MANAGER_PROCESSES = 3
WORKER_PROCESSES = 3
PAGES = 4
"""Seats that pages in a browser play with --serverless."""
DRAIN_SECONDS_MAX = 60.0
"""How long after the end of the game the inbox may still hold commands."""
SPEED_MIN, SPEED_MAX = 0.1, 10.0

# Seconds at speed 1. A ballot outlasts a failover by far: players should notice nothing.
PHASE_SECONDS: Mapping[str, float] = {
    "lobby": 60,
    "reveal": 2,
    "night": 10,
    "dawn": 2,
    "discussion": 10,
    "ballot": 12,
    "revote": 8,
    "dusk": 2,
}
NIGHT_FLOOR_SECONDS = 2.0
LOBBY_SECONDS_MIN = 180.0
"""The lobby is no shorter than this: processes and browsers need time to start. It ends when all are there."""
UNHURRIED = 0.4
"""The speed at which people can play along."""


class Kill(StrEnum):
    """When the leader's process is killed."""

    BALLOT = "ballot"
    NIGHT = "night"
    NONE = "none"


class Managers(StrEnum):
    """Who manages the mesh of the demo."""

    PROCESSES = "processes"
    """Three processes."""
    FUNCTIONS = "functions"
    """No process: activations of the Cloud Functions."""
    MIXED = "mixed"
    """Three processes, and the functions when they are gone: all three are killed in a ballot, one is started again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """Options of one demo.

    Raises:
        InvalidParameters: a value is out of range; the message names it.
    """

    seats: int = 12
    seed: int = 7
    kill: Kill = Kill.BALLOT
    pause: bool = False
    hosting: Managers = Managers.PROCESSES
    speed: float = 1.0
    json: bool = False
    keep: bool = False
    serverless: bool = False
    params: Params = TEST

    def __post_init__(self) -> None:
        if not 5 <= self.seats <= 30:
            raise InvalidParameters(f"--seats must be from 5 to 30, not {self.seats}")
        if not 0 <= self.seed < 2**53:
            raise InvalidParameters(f"--seed must be from 0 to 2^53 - 1, not {self.seed}")
        if not SPEED_MIN <= self.speed <= SPEED_MAX:
            raise InvalidParameters(f"--speed must be from {SPEED_MIN} to {SPEED_MAX}, not {self.speed}")
        if self.serverless and self.hosting is not Managers.FUNCTIONS:
            raise InvalidParameters(f"--serverless: functions manage such a mesh, so not with --hosting {self.hosting}")
        if self.hosting is not Managers.PROCESSES and self.strikes_in():
            raise InvalidParameters(
                f"--kill and --pause strike the process that leads; with --hosting {self.hosting} there is none to choose"
            )

    @property
    def manager_processes(self) -> int:
        """How many processes with a manager the demo starts."""
        return 0 if self.hosting is Managers.FUNCTIONS else MANAGER_PROCESSES

    @property
    def pages(self) -> int:
        """How many seats are played by pages in a browser."""
        return PAGES if self.serverless else 0

    @property
    def mesh_hosting(self) -> Hosting:
        """What the mesh document says about it."""
        return Hosting.PROCESSES if self.hosting is Managers.PROCESSES else Hosting.FUNCTIONS

    @property
    def setup(self) -> Mapping[str, Any]:
        """The setup of the game."""
        durations = {phase: int(1000 * seconds / self.speed) for phase, seconds in PHASE_SECONDS.items()}
        durations["lobby"] = max(durations["lobby"], int(1000 * LOBBY_SECONDS_MIN))
        return {
            "seats": self.seats,
            "seed": self.seed,
            "durations_ms": durations,
            "night_floor_ms": int(1000 * NIGHT_FLOOR_SECONDS / self.speed),
        }

    @property
    def pace(self) -> float:
        """What the players' thinking is multiplied with."""
        return 0.4 / self.speed

    def strikes_in(self) -> str:
        """The phase in which the leader is struck; empty for never."""
        if self.pause:
            return "ballot"
        return "" if self.kill is Kill.NONE else self.kill.value

    def seconds_max(self) -> float:
        """How long the whole game may take at the most: so many rounds as there are seats, and the lobby."""
        return 120 + 2 * self.seats * sum(PHASE_SECONDS.values()) / self.speed
