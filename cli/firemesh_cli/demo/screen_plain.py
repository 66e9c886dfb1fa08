"""The plain screen: one line for each thing that changed, for files, pipes and terminals without colours."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.text import Text

from firemesh.game.mafia.state import PhaseName
from firemesh_cli.demo.lines import clock, safe
from firemesh_cli.demo.picture import Picture
from firemesh_cli.demo.story import PHASE_ORDER, Ballots, StoryKind, StoryLine, ballots_of, names_of, story

_Line = tuple[tuple[int, int, int], str]


def print_line(console: Console, text: str) -> None:
    """One line as it is: no markup, no wrapping; what the console's encoding lacks becomes a question mark."""
    shown = text.encode(console.encoding, "replace").decode(console.encoding)
    console.print(Text(shown), soft_wrap=True)


class PlainScreen:
    """Prints what is new in each picture. Elections, kill and takeover come from the picture's notes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: set[tuple[str, ...]] = set()
        self._notes: set[tuple[float, str]] = set()
        self._choices: dict[tuple[int, int, str], str] = {}
        self._absent: set[str] = set()
        self._health: dict[str, str] = {}
        self._addresses: set[str] = set()

    def show(self, picture: Picture) -> None:
        """Print what this picture has and those before it had not."""
        notes = [note for note in picture.notes if note not in self._notes]
        self._notes.update(notes)
        lines = [(seconds, f"mesh: {safe(text)}") for seconds, text in notes]
        lines += [(picture.elapsed_seconds, text) for text in self._health_changes(picture)]
        addresses = [address for address in picture.addresses if address not in self._addresses]
        self._addresses.update(addresses)
        lines += [(picture.elapsed_seconds, f"open {safe(address)}") for address in addresses]
        if picture.public:
            seen = picture.elapsed_seconds if picture.public_seconds is None else picture.public_seconds
            news = [*self._story(picture), *self._ballots(picture), *self._absences(picture)]
            lines += [(seen, text) for _, text in sorted(news, key=lambda line: line[0])]
        for seconds, text in sorted(lines, key=lambda line: line[0]):
            self._print(seconds, text)

    def _print(self, seconds: float, text: str) -> None:
        print_line(self._console, f"{clock(seconds):>6}  {text}")

    def _story(self, picture: Picture) -> Iterator[_Line]:
        for line in story(picture.public):
            if line.key not in self._told:
                self._told.add(line.key)
                yield line.order, _words(line)

    def _ballots(self, picture: Picture) -> Iterator[_Line]:
        """Ballots cast or changed, those of a ballot that was counted before it was seen included."""
        names = names_of(picture.public)
        for ballots in ballots_of(picture.public):
            for player in sorted(ballots.cast):
                place = (ballots.day, ballots.round, player)
                choice = ballots.choices.get(player, "")
                before = self._choices.get(place)
                if before != choice:
                    self._choices[place] = choice
                    yield _order(ballots), _ballot_words(player, before, choice, names)

    def _absences(self, picture: Picture) -> Iterator[_Line]:
        names, public = names_of(picture.public), picture.public
        absent = {seat["id"] for seat in public["seats"] if seat["absent"]}
        now = (public["day"], PHASE_ORDER[PhaseName(public["phase"])], 1)
        for player in sorted(absent ^ self._absent):
            yield now, f"{names[player]} is {'absent' if player in absent else 'back'}"
        self._absent = absent

    def _health_changes(self, picture: Picture) -> Iterator[str]:
        for process in picture.processes:
            before = self._health.get(process.name, "healthy")
            if process.health and process.health != before:
                yield f"mesh: process {safe(process.name)} (pid {process.pid}) is {process.health}"
            if process.health:
                self._health[process.name] = process.health

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass


def _words(line: StoryLine) -> str:
    if line.kind is StoryKind.PHASE:
        return f"== {line.text}"
    return f"{line.speaker}: {line.text}" if line.speaker else line.text


def _order(ballots: Ballots) -> tuple[int, int, int]:
    """After the head line of its phase and before the count, which has 1 in the last place."""
    phase = PhaseName.REVOTE if ballots.round == 2 else PhaseName.BALLOT
    return (ballots.day, PHASE_ORDER[phase], 0)


def _ballot_words(player: str, before: str | None, choice: str, names: dict[str, str]) -> str:
    name = names.get(player, safe(player))
    if not choice:
        return f"ballot: {name} has cast"
    changed = "now chooses" if before else "chooses"
    return f"ballot: {name} {changed} {names.get(choice, safe(choice))}"
