import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest
from rich.console import Console

from firemesh_cli.demo.picture import Picture
from firemesh_cli.demo.screen_plain import PlainScreen
from tests.support.pictures import game_pictures, picture

TIME_WIDTH = 8


def plain_console(encoding: str = "utf-8") -> Console:
    return Console(file=io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True), width=80, _environ={})


def printed(console: Console) -> list[str]:
    """All lines so far without their times."""
    file = console.file
    assert isinstance(file, io.TextIOWrapper)
    buffer = file.buffer
    assert isinstance(buffer, io.BytesIO)
    return [line[TIME_WIDTH:] for line in buffer.getvalue().decode(file.encoding).splitlines()]


def shown(pictures: Iterable[Picture]) -> list[str]:
    console = plain_console()
    with PlainScreen(console) as screen:
        for each in pictures:
            screen.show(each)
    return printed(console)


@pytest.fixture(scope="module")
def game() -> list[Picture]:
    return list(game_pictures(7, 12))


def test_the_same_picture_twice_says_nothing_new(game: list[Picture]) -> None:
    assert shown([game[60], game[60]]) == shown([game[60]])


def test_every_line_of_talk_and_every_death_is_told_once(game: list[Picture]) -> None:
    lines, end = shown(game), game[-1].public
    names = {seat["id"]: seat["name"] for seat in end["seats"]}
    messages = {message["n"]: message for each in game for message in each.public["chat"]}
    said = Counter(f"{names[message['by']]}: {message['text']}" for message in messages.values())
    assert {line: count for line, count in Counter(lines).items() if line in said} == said
    for seat in end["seats"]:
        told = [line for line in lines if line.startswith((f"{seat['name']} was killed", f"{seat['name']} is executed"))]
        assert len(told) == (0 if seat["alive"] else 1)


def test_every_ballot_is_told_once(game: list[Picture]) -> None:
    cast = sum(len(verdict["ballots"]) for verdict in game[-1].public["verdicts"])
    assert sum(line.startswith("ballot: ") for line in shown(game)) == cast


def test_pictures_that_were_missed_lose_no_line_but_those_of_phases(game: list[Picture]) -> None:
    def told(lines: list[str]) -> Counter[str]:
        return Counter(line for line in lines if not line.startswith("== "))

    assert told(shown([*game[::10], game[-1]])) == told(shown(game))


def test_a_changed_ballot_is_told_as_a_change(game: list[Picture]) -> None:
    running = next(each for each in game if each.public.get("ballots"))
    (player, choice), *_ = running.public["ballots"].items()
    other = "p01" if choice != "p01" else "p02"
    changed = [replace(running, public=dict(running.public) | {"ballots": {player: each}}) for each in (choice, other, choice)]
    assert [" now " in line for line in shown(changed) if line.startswith("ballot: ")] == [False, True, True]


def test_dawn_is_announced_before_the_dead_and_the_count_before_dusk(game: list[Picture]) -> None:
    lines = shown(game)
    dawn = lines.index("== Dawn of day 1")
    assert " was killed in the night" in lines[dawn + 1] or lines[dawn + 1] == "nobody died in the night"
    dusk = next(place for place, line in enumerate(lines) if line.startswith("== Dusk"))
    assert "ballots" in lines[dusk - 1]
    assert " wins: " in lines[-1]


def test_notes_carry_their_own_time_and_are_told_once() -> None:
    console = plain_console()
    screen = PlainScreen(console)
    screen.show(picture(notes=((2.0, "m0 leads term 1"),)))
    screen.show(picture(notes=((2.0, "m0 leads term 1"), (65.4, "SIGKILL to managers-0"))))
    text = console.file.buffer.getvalue().decode()  # type: ignore[attr-defined]
    assert text == "  0:02  mesh: m0 leads term 1\n  1:05  mesh: SIGKILL to managers-0\n"


def test_what_was_seen_before_a_note_is_told_before_it(game: list[Picture]) -> None:
    before = next(each for each in game if each.public["phase"] == "ballot" and len(each.public["ballots"]) == 2)
    more = next(each for each in game if each.public["phase"] == "ballot" and len(each.public["ballots"]) == 3)
    console = plain_console()
    screen = PlainScreen(console)
    screen.show(replace(before, notes=()))
    told = len(printed(console))
    screen.show(replace(more, elapsed_seconds=9.0, public_seconds=8.5, notes=((8.7, "SIGKILL to managers-0"),)))
    ballot, note = printed(console)[told:]
    assert ballot.startswith("ballot: ")
    assert note == "mesh: SIGKILL to managers-0"


def test_health_is_told_when_it_changes() -> None:
    def with_health(health: str) -> Picture:
        first, *rest = picture().processes
        return picture(notes=(), processes=(replace(first, health=health), *rest))

    lines = shown(with_health(health) for health in ("", "healthy", "suspect", "suspect", "dead"))
    assert lines == [
        "mesh: process managers-0 (pid 100) is suspect",
        "mesh: process managers-0 (pid 100) is dead",
    ]


def test_absence_and_return_are_told(game: list[Picture]) -> None:
    def with_absence(absent: bool) -> Picture:
        first, *rest = game[40].public["seats"]
        return replace(game[40], public=dict(game[40].public) | {"seats": [first | {"absent": absent}, *rest]})

    lines = shown(with_absence(absent) for absent in (False, True, True, False))
    assert [line for line in lines if line.endswith((" is absent", " is back"))] == ["Ada is absent", "Ada is back"]


def test_markup_is_shown_literally_and_what_the_encoding_lacks_as_question_marks() -> None:
    console = plain_console("ascii")
    PlainScreen(console).show(picture(notes=((0.0, "[bold]Zoë[/bold]\n\x1b[2J"),)))
    assert printed(console) == ["mesh: [bold]Zo?[/bold] ?[2J"]


def test_a_long_line_is_not_broken() -> None:
    assert shown([picture(notes=((0.0, "long " * 60),))]) == ["mesh: " + ("long " * 60).strip()]


def test_each_address_is_told_once_when_something_answers_there() -> None:
    opened = picture(addresses=("http://127.0.0.1:1/#/watch/m", "http://127.0.0.1:1/console/#/mesh/m"))
    assert shown([picture(), opened, opened])[1:] == [f"open {address}" for address in opened.addresses]
