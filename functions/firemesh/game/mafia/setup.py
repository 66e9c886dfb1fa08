"""What a game is set up with: a JSON object, validated once."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from firemesh.errors import InvalidMessage
from firemesh.game.mafia.guide import SEATS_MAX, SEATS_MIN, roles_for
from firemesh.game.mafia.roles import ROLES
from firemesh.game.mafia.sides import Side

DURATION_MS_MAX = 24 * 60 * 60 * 1000
DEFAULT_DURATIONS_MS: Mapping[str, int] = {
    "lobby": 120_000,
    "reveal": 8_000,
    "night": 30_000,
    "dawn": 6_000,
    "discussion": 60_000,
    "ballot": 30_000,
    "revote": 20_000,
    "dusk": 6_000,
}


class BallotRule(StrEnum):
    """How many ballots put a player to death."""

    PLURALITY = "plurality"  # more than anybody else, and more than "nobody"
    MAJORITY = "majority"  # more than half of the living


class TieRule(StrEnum):
    """What happens when several lead. Never do several die."""

    NONE = "none"  # nobody dies
    REVOTE = "revote"  # one more ballot among those who lead; a second tie spares all
    RANDOM = "random"  # the seed chooses one of those who lead


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class BallotSetup(_Closed):
    """How the town decides. `secret`: only tallies are ever shown. `abstain`: a ballot may name nobody."""

    rule: Annotated[BallotRule, Field(strict=False)] = BallotRule.PLURALITY
    ties: Annotated[TieRule, Field(strict=False)] = TieRule.NONE
    secret: bool = False
    abstain: bool = True

    @model_validator(mode="after")
    def _a_tie_is_no_majority(self) -> Self:
        if self.rule is BallotRule.MAJORITY and self.ties is TieRule.RANDOM:
            raise ValueError("rule 'majority' cannot go with ties 'random': of several who lead, none has a majority")
        return self


class Setup(_Closed):
    """One game: how many seats, which roles, how long each phase lasts (milliseconds) and how ballots are counted.

    Without `roles` the guide chooses them. `night_floor_ms`: a night that could end early still lasts this long. `programs`: so
    many of the seats are played by the mesh itself; `fill_with_programs`: those as well that are left when the lobby ends.
    """

    seats: Annotated[int, Field(ge=SEATS_MIN, le=SEATS_MAX)]
    seed: Annotated[int, Field(ge=0, lt=2**53)]
    roles: Annotated[tuple[str, ...], Field(strict=False, max_length=SEATS_MAX)] = ()
    durations_ms: dict[str, Annotated[int, Field(ge=1, le=DURATION_MS_MAX)]] = {}
    night_floor_ms: Annotated[int, Field(ge=0, le=DURATION_MS_MAX)] = 3_000
    messages_per_phase: Annotated[int, Field(ge=1, le=20)] = 5
    ballot: BallotSetup = BallotSetup()
    reveal_role_on_death: bool = True
    programs: Annotated[int, Field(ge=0, le=SEATS_MAX)] = 0
    fill_with_programs: bool = False

    @model_validator(mode="after")
    def _programs_have_seats(self) -> Self:
        if self.programs > self.seats:
            raise ValueError(f"{self.programs} programs have no room on {self.seats} seats")
        return self

    @model_validator(mode="after")
    def _phases_are_known(self) -> Self:
        unknown = len(set(self.durations_ms) - set(DEFAULT_DURATIONS_MS))
        if unknown:
            raise ValueError(f"durations_ms names {unknown} unknown phase(s); known: {', '.join(DEFAULT_DURATIONS_MS)}")
        return self

    @model_validator(mode="after")
    def _roles_make_a_game(self) -> Self:
        if not self.roles:
            return self
        if any(name not in ROLES for name in self.roles):
            raise ValueError(f"roles has an unknown name; known: {', '.join(ROLES)}")
        if len(self.roles) != self.seats:
            raise ValueError(f"roles has {len(self.roles)} names for {self.seats} seats")
        mafia = sum(ROLES[name].side is Side.MAFIA for name in self.roles)
        if not 0 < 2 * mafia < self.seats:
            raise ValueError(f"{mafia} of {self.seats} roles are mafia: the game would be over before it starts")
        return self

    @cached_property
    def as_json(self) -> Mapping[str, Any]:
        """The setup as a JSON object that `read_setup` takes back. Without programs it does not speak of them."""
        said = self.model_dump(mode="json")
        return {name: value for name, value in said.items() if value or name not in ("programs", "fill_with_programs")}

    def duration_ms(self, phase: str) -> int:
        """How long a phase lasts when nothing ends it early."""
        return self.durations_ms.get(phase, DEFAULT_DURATIONS_MS[phase])

    def roles_dealt(self, seated: int) -> tuple[str, ...]:
        """The roles for those who came: the exact list when the table is full, else the guide's."""
        return self.roles if len(self.roles) == seated else roles_for(seated)


def read_setup(data: Mapping[str, Any]) -> Setup:
    """Validate a setup. Raises InvalidMessage that names the field and the rule, and does not repeat the input."""
    try:
        return Setup.model_validate(dict(data))
    except ValidationError as error:
        faults = "; ".join(_fault(fault["loc"], fault["msg"]) for fault in error.errors(include_input=False))
        raise InvalidMessage(f"the setup makes no sense: {faults}") from error


def _fault(place: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(str(part)[:40] for part in ('setup', *place))}: {message.removeprefix('Value error, ')}"
