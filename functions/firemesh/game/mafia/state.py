"""The whole state of one game. Immutable: every change makes a new state.

Bounds: at most 30 seats, `messages_kept` messages per channel, two counts of ballots and one night per day, and at most
two days per seat.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from firemesh.game.mafia.role import Role
from firemesh.game.mafia.roles import ROLES
from firemesh.game.mafia.setup import Setup

NOBODY = "nobody"
DAYS_PER_SEAT = 2


class PhaseName(StrEnum):
    """The phases of a game, in the order in which they first occur."""

    LOBBY = "lobby"
    REVEAL = "reveal"
    NIGHT = "night"
    DAWN = "dawn"
    DISCUSSION = "discussion"
    BALLOT = "ballot"
    REVOTE = "revote"
    DUSK = "dusk"
    OVER = "over"


class Cause(StrEnum):
    """How a player died."""

    KILLED = "killed"
    EXECUTED = "executed"


class How(StrEnum):
    """What decided a count of ballots."""

    MOST = "most"  # one choice led, and the rule was plurality
    MAJORITY = "majority"  # one choice had more than half of the living
    NO_MAJORITY = "no_majority"  # one choice led, but had not more than half of the living
    TIE = "tie"  # several led
    DRAWN = "drawn"  # several led, and the seed chose
    SILENCE = "silence"  # no ballots at all


@dataclass(frozen=True, slots=True)
class Death:
    """When and how a player died."""

    day: int
    cause: Cause


@dataclass(frozen=True, slots=True)
class Result:
    """What an investigator learnt on one night."""

    night: int
    target: str
    says: str


@dataclass(frozen=True, slots=True)
class Seat:
    """A place at the table, bound to an agent id for the whole game, whatever process runs the agent."""

    agent_id: str
    name: str
    role_name: str = ""
    absent: bool = False
    death: Death | None = None
    will: str = ""
    results: tuple[Result, ...] = ()

    @property
    def alive(self) -> bool:
        """Whether this player is still in the game."""
        return self.death is None

    @property
    def role(self) -> Role:
        """The role dealt. Only after the deal."""
        return ROLES[self.role_name]

    @property
    def faction(self) -> str:
        """The faction whose members know each other; empty for loners and before the deal."""
        return ROLES[self.role_name].faction if self.role_name else ""


@dataclass(frozen=True, slots=True)
class Message:
    """One line of talk. `n` numbers the messages of its channel from 1."""

    n: int
    day: int
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Talk:
    """The end of one channel's talk, and how many messages it ever had."""

    count: int = 0
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class NightRecord:
    """One night, for the eyes of those concerned and of everybody after the game."""

    day: int
    actions: Mapping[str, str | None]
    died: tuple[str, ...]
    saved: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One count of ballots. `chosen` is a player or "nobody"; `tally` counts weights, `ballots` says who chose whom."""

    day: int
    round: int
    chosen: str
    how: How
    tally: Mapping[str, int]
    ballots: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the game ended. `winner` is a side, or "nobody" with the reason in `why`."""

    winner: str
    why: str


@dataclass(frozen=True, slots=True)
class State:
    """Everything that the next command may depend on. Times are store times in milliseconds.

    `deadline_ms` 0 means due at once: the mesh's first deadline opens the lobby with the store's time. `actions` and
    `ballots` belong to the present phase; an action of None means "nobody", explicitly.
    """

    setup: Setup
    phase: PhaseName = PhaseName.LOBBY
    day: int = 0
    started_ms: int = 0
    deadline_ms: int | None = 0
    draws: int = 0
    seats: tuple[Seat, ...] = ()
    actions: Mapping[str, str | None] = field(default_factory=dict)
    ballots: Mapping[str, str] = field(default_factory=dict)
    candidates: tuple[str, ...] = ()
    spoken: Mapping[str, int] = field(default_factory=dict)
    talks: Mapping[str, Talk] = field(default_factory=dict)
    nights: tuple[NightRecord, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    outcome: Outcome | None = None

    def seat_of(self, agent_id: str) -> Seat | None:
        """The seat of an agent, if it has one."""
        for seat in self.seats:
            if seat.agent_id == agent_id:
                return seat
        return None

    @property
    def living(self) -> tuple[Seat, ...]:
        """The seats of the living, in seat order."""
        return tuple(seat for seat in self.seats if seat.death is None)

    @property
    def days_max(self) -> int:
        """The last day that may be played; a longer game is a stalemate."""
        return DAYS_PER_SEAT * len(self.seats)

    def with_seat(self, changed: Seat) -> "State":
        """This state with one seat exchanged."""
        seats = tuple(changed if seat.agent_id == changed.agent_id else seat for seat in self.seats)
        return replace(self, seats=seats)

    def partners_of(self, seat: Seat) -> tuple[Seat, ...]:
        """The other members of a seat's faction, living and dead."""
        faction = seat.faction
        if not faction:
            return ()
        return tuple(other for other in self.seats if other.faction == faction and other.agent_id != seat.agent_id)
