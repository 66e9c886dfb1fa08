"""The night as an ordered list of stages, and the record that role handlers pass along."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Stage(StrEnum):
    """When an ability takes effect during the night. The order of the members is the order of the night."""

    REDIRECT = "redirect"
    BLOCK = "block"
    PROTECT = "protect"
    INVESTIGATE_MODIFY = "investigate_modify"
    KILL = "kill"
    REVIVE = "revive"
    CONVERT = "convert"
    INVESTIGATE = "investigate"


NIGHT_ORDER: tuple[Stage, ...] = tuple(Stage)


class NightOutcome(StrEnum):
    """What the night did to one player: exactly one of these."""

    UNTOUCHED = "untouched"
    SAVED = "saved"
    DIED = "died"


@dataclass(frozen=True, slots=True)
class Finding:
    """What an investigator learnt: `says` is the reading of `target`, for `finder` alone."""

    finder: str
    target: str
    says: str


@dataclass(frozen=True, slots=True)
class Night:
    """What has happened so far in the night that is being resolved. Handlers return a changed copy.

    `deeds` maps each actor to its target; a redirect changes it, a block takes the actor out of it. `readings` maps
    every living player to what an investigator would read.
    """

    deeds: Mapping[str, str]
    readings: Mapping[str, str]
    protected: frozenset[str] = frozenset()
    saved: frozenset[str] = frozenset()
    dying: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = field(default=())

    def attack(self, target: str) -> "Night":
        """One attempt on a life: protection saves, else the target will not wake."""
        if target in self.protected:
            return replace(self, saved=self.saved | {target})
        return replace(self, dying=self.dying | {target})

    def outcome_of(self, player: str) -> NightOutcome:
        """The one outcome of a player who was alive at nightfall. A death outweighs an earlier rescue."""
        if player in self.dying:
            return NightOutcome.DIED
        return NightOutcome.SAVED if player in self.saved else NightOutcome.UNTOUCHED
