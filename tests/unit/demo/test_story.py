from typing import Any

import pytest

from firemesh_cli.demo.story import StoryKind, ballots_of, story
from tests.support.pictures import game_pictures


def public(**changes: Any) -> dict[str, Any]:
    """Three players on the evening of day 1."""
    seats = [{"id": f"p{n}", "name": name, "alive": True, "absent": False} for n, name in enumerate(("Ada", "Bo", "Cy"))]
    known = {
        "phase": "dusk",
        "day": 1,
        "rules": {"seats": 3, "ties": "none", "secret": False},
        "roles": {},
        "seats": seats,
        "verdicts": [],
        "chat": [],
    }
    return known | changes


def verdict(how: str, chosen: str, tally: dict[str, int], turn: int = 1) -> dict[str, Any]:
    return {"day": 1, "round": turn, "chosen": chosen, "how": how, "tally": tally, "ballots": {}}


@pytest.mark.parametrize(
    ("counted", "ties", "words"),
    [
        (verdict("most", "p0", {"p0": 2, "p1": 1}), "none", "2 of 3 ballots for Ada"),
        (verdict("most", "nobody", {"nobody": 2, "p1": 1}), "none", "nobody is executed: 2 of 3 ballots say so"),
        (verdict("tie", "nobody", {"p0": 1, "p1": 1}), "none", "a tie at 1: Ada and Bo; nobody is executed"),
        (verdict("tie", "nobody", {"p0": 1, "p1": 1}), "revote", "a tie at 1: Ada and Bo; the ballot is repeated"),
        (verdict("tie", "nobody", {"p0": 1, "p1": 1}, 2), "revote", "a tie at 1: Ada and Bo; nobody is executed"),
        (verdict("drawn", "p1", {"p0": 1, "p1": 1}), "random", "a tie at 1: Ada and Bo; the lot falls on Bo"),
        (verdict("no_majority", "nobody", {"p0": 1}), "none", "no majority: 1 of 1 for Ada"),
        (verdict("silence", "nobody", {}), "none", "nobody cast a ballot"),
    ],
)
def test_a_count_says_what_it_decided(counted: dict[str, Any], ties: str, words: str) -> None:
    rules = {"seats": 3, "ties": ties, "secret": False}
    lines = story(public(verdicts=[counted], rules=rules))
    assert [line.text for line in lines if line.kind is StoryKind.VERDICT] == [words]


def test_a_death_shows_the_role_only_where_the_view_does() -> None:
    dead = {"id": "p0", "name": "Ada", "alive": False, "absent": False, "death": {"day": 1, "cause": "executed"}}
    for seat, words in ((dead, "Ada is executed"), (dead | {"role": "Doctor"}, "Ada is executed (Doctor)")):
        lines = story(public(seats=[seat]))
        assert [line.text for line in lines if line.kind is StoryKind.DEATH] == [words]


def test_a_night_is_called_quiet_only_after_it_has_ended() -> None:
    assert not [line for line in story(public(phase="night")) if line.kind is StoryKind.QUIET]
    assert [line.day for line in story(public(phase="dawn")) if line.kind is StoryKind.QUIET] == [1]


def test_before_the_game_there_is_no_story() -> None:
    assert story({}) == []
    assert ballots_of({}) == []


def test_keys_are_unique_in_every_view_of_a_game() -> None:
    for shown in list(game_pictures(5, 9, ballot={"ties": "revote"}))[::5]:
        keys = [line.key for line in story(shown.public)]
        assert len(keys) == len(set(keys))
