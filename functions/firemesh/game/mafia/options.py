"""For drivers: what a player may do now, worked out from the public view and the player's own, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from firemesh.game.mafia.role import TargetRule
from firemesh.game.mafia.state import NOBODY


@dataclass(frozen=True, slots=True)
class Option:
    """One kind of command that would be accepted now, with its legal targets or its channel."""

    kind: str
    targets: tuple[str, ...] = ()
    channel: str = ""


def options(public: Mapping[str, Any], private: Mapping[str, Any]) -> tuple[Option, ...]:
    """Every option of the present phase. A night action may also choose nobody, with a null target."""
    rights = private["may"].get(public["phase"], ())
    return tuple(_option(right, public, private) for right in rights)


def _option(right: Mapping[str, str], public: Mapping[str, Any], private: Mapping[str, Any]) -> Option:
    if "targets" not in right:
        return Option(right["kind"], channel=right.get("channel", ""))
    rule = TargetRule(right["targets"])
    living = [seat["id"] for seat in public["seats"] if seat["alive"]]
    if rule is TargetRule.CANDIDATES and public.get("candidates"):
        living = [player for player in living if player in public["candidates"]]
    targets = rule.among(living, private["you"]["id"], private.get("partners", ()))
    if rule is TargetRule.CANDIDATES and public["rules"]["abstain"]:
        targets = (*targets, NOBODY)
    return Option(right["kind"], targets)
