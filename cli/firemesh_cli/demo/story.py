"""The public view as a story: what happened at the table, one line for each thing, in order. Pure.

Every line has a key that stays the same in all later views, so that a reader can tell what is new.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from firemesh.game.mafia.state import NOBODY, Cause, How, PhaseName
from firemesh_cli.demo.lines import safe

Public = Mapping[str, Any]

PHASE_ORDER = {name: place for place, name in enumerate(PhaseName)}
TABLE = "town"


class StoryKind(StrEnum):
    """What a line tells."""

    SEATED = "seated"
    DEALT = "dealt"
    PHASE = "phase"
    DEATH = "death"
    WILL = "will"
    QUIET = "quiet"
    TALK = "talk"
    VERDICT = "verdict"


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One thing that happened. `order` sorts lines of one game; `speaker` is set for talk."""

    key: tuple[str, ...]
    kind: StoryKind
    order: tuple[int, int, int]
    text: str
    speaker: str = ""

    @property
    def day(self) -> int:
        """The day it happened on; 0 before the first night."""
        return self.order[0]


@dataclass(frozen=True, slots=True)
class Ballots:
    """The ballots to show: of the running ballot, or of the one just counted.

    `choices` is empty and `cast` names who has balloted when the ballot is secret.
    """

    day: int
    round: int
    choices: Mapping[str, str]
    tally: Mapping[str, int]
    cast: Sequence[str]
    open: bool


def names_of(public: Public) -> dict[str, str]:
    """Display names by player id, fit for a terminal."""
    return {seat["id"]: safe(seat["name"]) for seat in public.get("seats", ())} | {NOBODY: NOBODY}


def phase_of(public: Public) -> PhaseName | None:
    """The present phase; None before there is a game."""
    return PhaseName(public["phase"]) if public else None


def phase_title(public: Public) -> str:
    """The present phase in words."""
    day = public["day"]
    return {
        PhaseName.LOBBY: "The players sit down",
        PhaseName.REVEAL: "The roles are dealt",
        PhaseName.NIGHT: f"Night {day}",
        PhaseName.DAWN: f"Dawn of day {day}",
        PhaseName.DISCUSSION: f"Day {day}: discussion",
        PhaseName.BALLOT: f"Day {day}: ballot",
        PhaseName.REVOTE: f"Day {day}: second ballot",
        PhaseName.DUSK: f"Dusk of day {day}",
        PhaseName.OVER: f"{winner_words(public.get('winner', ''))}: {safe(public.get('why', ''))}",
    }[PhaseName(public["phase"])]


def winner_words(winner: str) -> str:
    """Who won, as a sentence without its full stop."""
    return "Nobody wins" if winner in ("", NOBODY) else f"The {safe(winner)} wins"


def story(public: Public) -> list[StoryLine]:
    """All that the view still tells, in order. Empty before the game."""
    if not public:
        return []
    names = names_of(public)
    lines = [
        *_seated(public, names),
        *_dealt(public),
        *_deaths(public, names),
        *_quiet_nights(public),
        *_talk(public, names),
        *_verdicts(public, names),
        _phase(public),
    ]
    return sorted(lines, key=lambda line: line.order)


def ballots_of(public: Public) -> list[Ballots]:
    """Every ballot that the view knows of, oldest first; the running one is the last."""
    found = [_counted(verdict) for verdict in public.get("verdicts", ())]
    if phase_of(public) in (PhaseName.BALLOT, PhaseName.REVOTE):
        choices = public.get("ballots", {})
        tally: dict[str, int] = {}
        for choice in choices.values():
            tally[choice] = tally.get(choice, 0) + 1
        turn = 2 if phase_of(public) is PhaseName.REVOTE else 1
        found.append(Ballots(public["day"], turn, choices, tally, public.get("balloted", tuple(choices)), open=True))
    return found


def _counted(verdict: Mapping[str, Any]) -> Ballots:
    choices = verdict.get("ballots", {})
    return Ballots(verdict["day"], verdict["round"], choices, verdict["tally"], tuple(choices), open=False)


def _phase(public: Public) -> StoryLine:
    name, day = PhaseName(public["phase"]), public["day"]
    return StoryLine(("phase", str(day), name.value), StoryKind.PHASE, (day, PHASE_ORDER[name], 0), phase_title(public))


def _seated(public: Public, names: Mapping[str, str]) -> Iterator[StoryLine]:
    for n, seat in enumerate(public["seats"], 1):
        text = f"{names[seat['id']]} sits down ({n} of {public['rules']['seats']})"
        yield StoryLine(("seat", seat["id"]), StoryKind.SEATED, (0, PHASE_ORDER[PhaseName.LOBBY], n), text)


def _dealt(public: Public) -> Iterator[StoryLine]:
    if public["roles"]:
        text = "in play: " + ", ".join(f"{count} {safe(role)}" for role, count in sorted(public["roles"].items()))
        yield StoryLine(("dealt",), StoryKind.DEALT, (0, PHASE_ORDER[PhaseName.REVEAL], 1), text)


def _deaths(public: Public, names: Mapping[str, str]) -> Iterator[StoryLine]:
    for n, seat in enumerate(public["seats"]):
        death = seat.get("death")
        if death is None:
            continue
        by_night = death["cause"] == Cause.KILLED
        order = (death["day"], PHASE_ORDER[PhaseName.DAWN if by_night else PhaseName.DUSK], 1 + 2 * n)
        how = "was killed in the night" if by_night else "is executed"
        role = f" ({safe(seat['role'])})" if "role" in seat else ""
        name = names[seat["id"]]
        yield StoryLine(("death", seat["id"]), StoryKind.DEATH, order, f"{name} {how}{role}")
        if seat.get("will"):
            later = (order[0], order[1], order[2] + 1)
            yield StoryLine(("will", seat["id"]), StoryKind.WILL, later, f"{name}'s will: {safe(seat['will'])}")


def _quiet_nights(public: Public) -> Iterator[StoryLine]:
    """The nights in which nobody died, the present one only after it has ended."""
    deaths = [seat["death"] for seat in public["seats"] if seat.get("death")]
    deadly = {death["day"] for death in deaths if death["cause"] == Cause.KILLED}
    ended = public["day"] - (PhaseName(public["phase"]) is PhaseName.NIGHT)
    for day in range(1, ended + 1):
        if day not in deadly:
            order = (day, PHASE_ORDER[PhaseName.DAWN], 1)
            yield StoryLine(("quiet", str(day)), StoryKind.QUIET, order, "nobody died in the night")


def _talk(public: Public, names: Mapping[str, str]) -> Iterator[StoryLine]:
    for message in public["chat"]:
        order = (message["day"], PHASE_ORDER[PhaseName.DISCUSSION], message["n"])
        speaker = names.get(message["by"], safe(message["by"]))
        key = ("talk", TABLE, str(message["n"]))
        yield StoryLine(key, StoryKind.TALK, order, safe(message["text"]), speaker)


def _verdicts(public: Public, names: Mapping[str, str]) -> Iterator[StoryLine]:
    for verdict in public["verdicts"]:
        day, turn = verdict["day"], verdict["round"]
        order = (day, PHASE_ORDER[PhaseName.BALLOT if turn == 1 else PhaseName.REVOTE], 1)
        key = ("verdict", str(day), str(turn))
        yield StoryLine(key, StoryKind.VERDICT, order, _verdict_words(verdict, names, public["rules"]["ties"]))


def _verdict_words(verdict: Mapping[str, Any], names: Mapping[str, str], ties: str) -> str:
    tally, how, chosen = verdict["tally"], How(verdict["how"]), verdict["chosen"]
    if how is How.SILENCE:
        return "nobody cast a ballot"
    most = max(tally.values())
    leaders = " and ".join(names.get(each, safe(each)) for each in sorted(tally) if tally[each] == most)
    all_cast = sum(tally.values())
    if how is How.TIE:
        again = ties == "revote" and verdict["round"] == 1
        return f"a tie at {most}: {leaders}; " + ("the ballot is repeated" if again else "nobody is executed")
    if how is How.DRAWN:
        return f"a tie at {most}: {leaders}; the lot falls on {names.get(chosen, safe(chosen))}"
    if how is How.NO_MAJORITY:
        return f"no majority: {most} of {all_cast} for {leaders}"
    if chosen == NOBODY:
        return f"nobody is executed: {most} of {all_cast} ballots say so"
    return f"{most} of {all_cast} ballots for {leaders}"
