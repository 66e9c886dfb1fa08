import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from firemesh.game.mafia.state import PhaseName
from firemesh_cli.demo.picture import Picture, ProcessLine
from firemesh_cli.demo.screen_live import LiveScreen, compose
from tests.support.pictures import game_pictures, picture, process_lines

GAMES: tuple[tuple[int, int, dict[str, Any]], ...] = (
    (7, 12, {}),
    (3, 24, {}),
    (2, 8, {"ballot": {"secret": True, "rule": "majority"}, "reveal_role_on_death": False}),
)
SEEDS_TRIED_MAX = 50
EVERY = 29


def drawn(shown: Picture, width: int = 80, height: int = 24) -> str:
    return "\n".join(line.plain for line in compose(shown, width, height))


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    """Every 29th picture of each game, and each first picture of a phase."""
    chosen = []
    for game in (*(game_pictures(seed, seats, **setup) for seed, seats, setup in GAMES), game_with_a_revote()):
        before = ""
        for n, shown in enumerate(game):
            phase = f"{shown.public['phase']}/{shown.public['day']}"
            if n % EVERY == 0 or phase != before:
                chosen.append(shown)
            before = phase
    return chosen


def game_with_a_revote() -> list[Picture]:
    for seed in range(SEEDS_TRIED_MAX):
        game = list(game_pictures(seed, 7, ballot={"ties": "revote"}))
        if any(shown.public["phase"] == "revote" for shown in game):
            return game
    raise AssertionError("no scripted game had a second ballot")


@pytest.fixture(scope="module")
def ballot() -> Picture:
    """A running ballot, some ballots cast."""
    return next(shown for shown in game_pictures(7, 12) if len(shown.public.get("ballots", {})) >= 4)


def test_every_phase_of_real_games_fills_80_by_24_exactly(pictures: list[Picture]) -> None:
    assert {shown.public["phase"] for shown in pictures} == set(PhaseName)
    for shown in pictures:
        lines = compose(shown, 80, 24)
        assert len(lines) == 24
        assert {line.cell_len for line in lines} == {80}


@pytest.mark.parametrize("size", [(1, 1), (20, 5), (40, 10), (59, 24), (60, 24), (100, 30), (240, 70)])
def test_any_size_of_terminal_is_filled_and_never_exceeded(ballot: Picture, size: tuple[int, int]) -> None:
    width, height = size
    for shown in (ballot, picture()):
        lines = compose(shown, width, height)
        assert len(lines) == height
        assert {line.cell_len for line in lines} == {width}


def test_all_thirty_players_have_a_place_at_80_by_24() -> None:
    shown = next(each for each in game_pictures(3, 30) if each.public["phase"] == "night")
    text = drawn(shown)
    assert all(seat["name"] in text for seat in shown.public["seats"])


def test_a_ballot_shows_who_points_at_whom_and_how_many_point_back(ballot: Picture) -> None:
    names = {seat["id"]: seat["name"] for seat in ballot.public["seats"]} | {"nobody": "nobody"}
    rows = {line.split()[1]: line for line in drawn(ballot).splitlines() if line.startswith("● ")}
    for player, choice in ballot.public["ballots"].items():
        assert f"→ {names[choice]}" in rows[names[player]]
    chosen = list(ballot.public["ballots"].values())
    for player in set(chosen) - {"nobody"}:
        assert f"{'█' * chosen.count(player)} {chosen.count(player)}" in rows[names[player]]


def test_a_secret_ballot_shows_only_who_has_cast(ballot: Picture) -> None:
    public = {key: value for key, value in ballot.public.items() if key != "ballots"}
    secret = replace(ballot, public=public | {"balloted": sorted(ballot.public["ballots"])})
    text = drawn(secret)
    assert "→" not in text
    assert text.count("has cast") == len(ballot.public["ballots"])


def test_the_living_show_no_role_before_the_end(ballot: Picture) -> None:
    rows = [line[:38] for line in drawn(ballot).splitlines() if line.startswith("● ")]
    assert not any(role in row for row in rows for role in ballot.public["roles"])


def test_the_end_shows_the_winner_and_every_role(pictures: list[Picture]) -> None:
    end = next(shown for shown in pictures if shown.public["phase"] == "over")
    text = drawn(end)
    assert f"The {end.public['winner']} wins" in text
    for seat in end.public["seats"]:
        assert any(seat["name"] in row and seat["role"] in row for row in text.splitlines())


def test_a_countdown_runs_with_the_stores_clock(ballot: Picture) -> None:
    deadline_ms = ballot.public["deadline_ms"]
    assert "  4.5 s  " in drawn(replace(ballot, now_ms=deadline_ms - 4_500))
    assert "  due  " in drawn(replace(ballot, now_ms=deadline_ms + 100))


def test_a_killed_leader_is_told_until_another_leads(ballot: Picture) -> None:
    dead = replace(ballot.processes[0], state="killed", health="dead")
    struck = replace(ballot, processes=(dead, *ballot.processes[1:]))
    assert "leader m0 KILLED" in drawn(struck).splitlines()[0]
    assert "leader m1" in drawn(replace(struck, leader="m1", term=2)).splitlines()[0]
    assert "KILLED" not in drawn(replace(struck, leader="m1", term=2))


def test_a_process_shows_its_pid_its_sign_of_life_and_its_health() -> None:
    lines = (ProcessLine("workers-9", 4321, "running", ("p01", "p02"), False, "suspect", 3.21),)
    row = next(line for line in drawn(picture(processes=lines)).splitlines() if "workers-9" in line)
    assert row.split()[:6] == ["●", "workers-9", "4321", "3.2", "s", "suspect"]


def test_processes_without_room_are_counted() -> None:
    many = tuple(replace(process_lines()[3], name=f"workers-{n}") for n in range(30))
    assert "more" in drawn(picture(processes=many))


def test_notes_and_the_bill_are_shown() -> None:
    text = drawn(picture(notes=((12.3, "SIGKILL to managers-0"),)))
    assert "0:12 SIGKILL to managers-0" in text
    assert "1,234 reads" in text and "567 writes" in text and "89 deletes" in text and "$0.0012" in text


@pytest.mark.parametrize(
    ("name", "shown_as"),
    [
        ("[red]Eve[/red]", "[red]Eve[/r"),
        ("\x1b[31mEve", "?[31mEve"),
        ("E\nve", "E ve"),
        ("E\u202eve", "E?ve"),
        ("山田太郎", "山田太郎"),
    ],
)
def test_a_name_is_shown_literally_and_breaks_nothing(ballot: Picture, name: str, shown_as: str) -> None:
    seats = [dict(ballot.public["seats"][0]) | {"name": name}, *ballot.public["seats"][1:]]
    shown = replace(ballot, public=dict(ballot.public) | {"seats": seats})
    lines = compose(shown, 80, 24)
    assert shown_as in "\n".join(line.plain for line in lines)
    assert {line.cell_len for line in lines} == {80}


def test_the_live_screen_leaves_the_terminal_as_it_was(ballot: Picture) -> None:
    terminal = io.StringIO()
    console = Console(file=terminal, force_terminal=True, width=80, height=24, _environ={})
    with LiveScreen(console) as screen:
        screen.show(ballot)
    text = terminal.getvalue()
    assert text.index("\x1b[?1049h") < text.index("At the table") < text.index("\x1b[?1049l")
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def test_ballots_for_nobody_are_counted_in_the_title(ballot: Picture) -> None:
    public = dict(ballot.public) | {"ballots": {"p00": "nobody", "p01": "nobody", "p02": "p00"}}
    living = sum(seat["alive"] for seat in public["seats"])
    assert f"3 of {living} cast, 2 for nobody" in drawn(replace(ballot, public=public))


def test_the_last_speaker_is_marked_in_a_discussion() -> None:
    shown = next(
        each for each in game_pictures(7, 12) if each.public["phase"] == "discussion" and each.public["chat_count"] == 3
    )
    names = {seat["id"]: seat["name"] for seat in shown.public["seats"]}
    speaking = [line.split()[1] for line in drawn(shown).splitlines() if line[:38].rstrip().endswith("speaks")]
    assert speaking == [names[shown.public["chat"][-1]["by"]]]


def test_addresses_stand_above_the_cost_as_links_and_leave_low_terminals_alone(ballot: Picture) -> None:
    page = "http://127.0.0.1:1/#/watch/m"
    opened = replace(ballot, addresses=(page,))
    row = compose(opened, 80, 24)[-2]
    assert row.plain.split() == ["open", page]
    assert f"link {page}" in [span.style for span in row.spans]
    assert page not in drawn(opened, 80, 12)
