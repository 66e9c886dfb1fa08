"""How much a scripted player suspects the others, from what all can see, what was said, and what it knows itself."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from firemesh.game.chance import draw
from firemesh.game.mafia.sides import Side
from firemesh.game.mafia.speech import Topic, hear

CERTAIN = 200


@dataclass(slots=True)
class Statements:
    """What has been said so far, reduced to what matters. `reports` and `accusations` hold "speaker>target" keys."""

    heard: int = 0
    claims: dict[str, str] = field(default_factory=dict)
    claim_days: dict[str, int] = field(default_factory=dict)
    reports: dict[str, str] = field(default_factory=dict)
    accusations: dict[str, int] = field(default_factory=dict)
    wills: list[str] = field(default_factory=list)

    def note(self, day: int, by: str, topic: Topic, about: str) -> None:
        """Remember one statement: the latest about each pair of players, so at most seats squared of each sort."""
        if topic is Topic.CLAIM:
            self.claims[by] = about
            self.claim_days.setdefault(by, day)
        elif topic in (Topic.GUILTY, Topic.INNOCENT):
            self.reports[f"{by}>{about}"] = topic.value
        elif topic is Topic.ACCUSE and by != about:
            self.accusations[f"{by}>{about}"] = day

    def take_in(self, public: Mapping[str, Any]) -> None:
        """Hear the lines since the last time, as far as the public view still has them, and the wills of the dead."""
        fresh = public["chat_count"] - self.heard
        wills = [seat for seat in public["seats"] if "will" in seat and seat["id"] not in self.wills]
        if fresh <= 0 and not wills:
            return
        names = tuple((seat["name"], seat["id"]) for seat in public["seats"])
        for line in public["chat"][-fresh:] if fresh > 0 else ():
            for heard in hear(line["text"], names):
                self.note(line["day"], line["by"], heard.topic, heard.about)
        self.heard = public["chat_count"]
        for seat in wills:
            self.wills.append(seat["id"])
            for heard in hear(seat["will"], names):
                self.note(seat["death"]["day"], seat["id"], heard.topic, heard.about)

    def accusers_of(self, player: str, day: int) -> list[str]:
        """Who has accused this player today, or reported a guilty check."""
        said = [key for key, when in self.accusations.items() if when == day]
        said += [key for key, reading in self.reports.items() if reading == Topic.GUILTY]
        return sorted({by for by, target in map(pair, said) if target == player})


def pair(key: str) -> tuple[str, str]:
    """The two ids of a "one>other" key."""
    one, _, other = key.partition(">")
    return one, other


@dataclass(frozen=True, slots=True)
class Table:
    """What one player can tell about the table: its two views, and everything it heard."""

    me: str
    day: int
    living: tuple[str, ...]
    sides: Mapping[str, str]  # the sides that this player knows for certain
    roles: Mapping[str, str]  # the roles that were shown
    verdicts: tuple[Mapping[str, Any], ...]
    statements: Statements
    results: Mapping[str, str]
    my_role: str

    @property
    def others(self) -> tuple[str, ...]:
        """The living but for this player."""
        return tuple(player for player in self.living if player != self.me)

    @property
    def detectives(self) -> dict[str, float]:
        """Who has claimed to be a detective, and how far to believe it: from 0 to 1."""
        claimants = [player for player, role in self.statements.claims.items() if role == "Detective"]
        rivals = [player for player in claimants if self.roles.get(player, "Detective") == "Detective"]
        return {player: self._credence(player, len(rivals)) for player in claimants}

    def _credence(self, player: str, rivals: int) -> float:
        if player in self.roles:
            return 1.0 if self.roles[player] == "Detective" else 0.0
        if self.sides.get(player) == Side.MAFIA or self.my_role == "Detective" or self._caught_lying(player):
            return 0.0
        return 0.85 if rivals == 1 else 0.4

    def _caught_lying(self, player: str) -> bool:
        """Whether a guilty report by this player was about somebody known to be of the town."""
        for key, reading in self.statements.reports.items():
            by, target = pair(key)
            if by == player and reading == Topic.GUILTY and self.sides.get(target) == Side.TOWN:
                return True
        return False


def table_from(public: Mapping[str, Any], private: Mapping[str, Any], statements: Statements) -> Table:
    """The table as the owner of these two views knows it."""
    you = private["you"]
    shown = {seat["id"]: seat for seat in public["seats"] if "role" in seat}
    sides = {player: seat["side"] for player, seat in shown.items()}
    sides |= dict.fromkeys(private.get("partners", ()), Side.MAFIA.value)
    return Table(
        me=you["id"],
        day=public["day"],
        living=tuple(seat["id"] for seat in public["seats"] if seat["alive"]),
        sides=sides | {you["id"]: you["side"]},
        roles={player: seat["role"] for player, seat in shown.items()},
        verdicts=tuple(public["verdicts"]),
        statements=statements,
        results={result["target"]: result["says"] for result in private.get("results", ())},
        my_role=you["role"],
    )


def suspicions(table: Table, seed: str) -> dict[str, float]:
    """A number for each other living player: below 0 is trusted, above 10 suspect, above 40 nearly sure."""
    scores = {player: draw(f"{seed}/{player}", 0, 60) / 10 for player in table.others}
    for weights in (from_ballots(table), _from_talk(table), _from_claims(table), _from_reports(table)):
        for player, weight in weights.items():
            if player in scores:
                scores[player] += weight
    for player, says in table.results.items():
        if player in scores:
            scores[player] += CERTAIN if says == Topic.GUILTY else -30
    return scores


def from_ballots(table: Table) -> Mapping[str, float]:
    """Ballots against players whose side is known by now."""
    weights: Counter[str] = Counter()
    for verdict in table.verdicts:
        for voter, choice in verdict.get("ballots", {}).items():
            side = table.sides.get(choice)
            decisive = 2 if choice == verdict["chosen"] else 1
            if side == Side.MAFIA:
                weights[voter] -= 5 * decisive
            elif side == Side.TOWN and choice != table.me:
                weights[voter] += 2 * decisive
            elif choice == table.me:
                weights[voter] += 2
    return weights


def _from_talk(table: Table) -> Mapping[str, float]:
    """Accusations: of known players they tell about the accuser, of others a little about the accused."""
    weights: Counter[str] = Counter()
    for key, day in table.statements.accusations.items():
        by, target = pair(key)
        side = table.sides.get(target)
        if side == Side.MAFIA:
            weights[by] -= 4
        elif side == Side.TOWN:
            weights[by] += 2
        elif day == table.day:
            weights[target] += 2
    return weights


def _from_claims(table: Table) -> Mapping[str, float]:
    """A detective who lives too long, or who is one of two, or whom one knows to lie."""
    weights: dict[str, float] = {}
    for player, credence in table.detectives.items():
        nights = table.day - table.statements.claim_days.get(player, table.day)
        if credence == 0:
            weights[player] = CERTAIN / 2
        elif credence < 0.5:
            weights[player] = 15
        else:
            weights[player] = -12 + 5 * max(0, nights - 1)
    for player, role in table.statements.claims.items():
        if role == "Doctor":
            weights[player] = CERTAIN / 2 if table.my_role == "Doctor" else -8
    return weights


def _from_reports(table: Table) -> Mapping[str, float]:
    weights: Counter[str] = Counter()
    believed = table.detectives
    for key, reading in table.statements.reports.items():
        by, target = pair(key)
        credence = believed.get(by, 0.0)
        weights[target] += int(credence * (60 if reading == Topic.GUILTY else -20))
    return weights


def top(scores: Mapping[str, float], among: Iterable[str]) -> str:
    """The player with the highest number, ties by id; empty when there is nobody."""
    return max(sorted(among), key=lambda player: scores.get(player, 0.0), default="")
