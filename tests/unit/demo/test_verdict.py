"""When the demo says that something does not hold."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from firemesh.core.invariants import INVARIANTS
from firemesh.errors import InvalidParameters
from firemesh_cli.__main__ import main
from firemesh_cli.demo.options import DemoOptions, Kill, Managers
from firemesh_cli.demo.verdict import problems

CALM = DemoOptions(kill=Kill.NONE)
PAUSED = DemoOptions(pause=True)
MIXED = DemoOptions(kill=Kill.NONE, hosting=Managers.MIXED)
SURVIVED = {"first_commit_seconds": 2.0, "taken_back_seconds": 1.0}
STRUCK = {"first_commit_seconds": 2.0, "takeover_seconds": 1.6, "takeover_in_time": True}


def report(**changes: Any) -> dict[str, Any]:
    """Of a demo in which all holds."""
    counts = {"sent": 120, "committed": 120, "refused": 0, "waiting": 0, "lost": 0, "duplicated": 0}
    known: dict[str, Any] = {
        "winner": "town",
        "commands": counts | changes.pop("commands", {}),
        "inbox_drained": True,
        "invariants": {"checked": list(INVARIANTS), "violations": []},
        "replay_equal": True,
        "kill": None,
        "pause": None,
        "mixed": None,
        "pages": {},
        "people": {"seats": [], "committed": 0, "left_behind": 0},
    }
    return known | changes


def test_nothing_is_wrong_with_a_good_run() -> None:
    assert problems(report(), CALM) == []
    assert problems(report(kill=STRUCK), DemoOptions()) == []
    assert problems(report(pause=STRUCK), PAUSED) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"winner": None}, "the game has no winner"),
        ({"commands": {"sent": 0, "committed": 0}}, "no command was committed"),
        ({"commands": {"committed": 1, "waiting": 119}}, "119 commands still wait in the inbox"),
        ({"commands": {"committed": 1, "refused": 119}}, "119 commands refused"),
        ({"commands": {"committed": 119, "lost": 1}}, "1 commands lost, 0 duplicated"),
        ({"commands": {"duplicated": 1}}, "0 commands lost, 1 duplicated"),
        ({"commands": {"committed": 1}}, "119 commands sent are not accounted for"),
        ({"inbox_drained": False}, "the inbox was not empty 60 s after the end of the game"),
        ({"replay_equal": False}, "replaying the log does not give the stored views"),
        ({"invariants": {"checked": ["I1"], "violations": []}}, "nothing was there to check I2, I4, I5, I6, I7, I8, I9"),
        (
            {"invariants": {"checked": list(INVARIANTS), "violations": [{"invariant": "I5", "detail": "gone"}]}},
            "I5: gone",
        ),
    ],
)
def test_each_failure_is_said(changes: dict[str, Any], said: str) -> None:
    assert problems(report(**changes), CALM) == [said]


def test_refusals_are_forgiven_only_when_somebody_was_paused() -> None:
    refused = {"committed": 118, "refused": 2}
    assert problems(report(commands=refused, pause=STRUCK), PAUSED) == []
    assert problems(report(commands=refused, kill=STRUCK), DemoOptions()) == ["2 commands refused"]


def test_what_a_scripted_player_had_left_behind_for_a_person_may_be_refused_and_nothing_more() -> None:
    people = {"seats": ["p03"], "committed": 4, "left_behind": 1}
    assert problems(report(commands={"committed": 119, "refused": 1}, people=people), CALM) == []
    assert problems(report(commands={"committed": 118, "refused": 2}, people=people), CALM) == ["1 commands refused"]


def test_a_page_that_did_not_play_is_said() -> None:
    assert problems(report(pages={"p09": 8, "p10": 1}), CALM) == ["the page of p10 has not even sat down"]


def test_takeover_seen_too_late_to_judge_its_moment_is_no_failure() -> None:
    seen = {"checked": sorted(set(INVARIANTS) - {"I3"}), "violations": []}
    assert problems(report(kill=STRUCK, invariants=seen), DemoOptions()) == []


def test_strike_that_did_not_happen_or_was_not_survived_is_said() -> None:
    assert problems(report(), DemoOptions()) == ["the game ended before the leader could be struck in a ballot"]
    stuck = STRUCK | {"first_commit_seconds": None}
    assert problems(report(kill=stuck), DemoOptions()) == ["no command was committed in a new term after the strike"]
    slow = STRUCK | {"takeover_seconds": 9.0, "takeover_in_time": False}
    assert problems(report(pause=slow), PAUSED) == ["the takeover from the paused leader took 9.0 s"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (None, ["the game ended before the managers could be killed in a ballot"]),
        ({}, []),
        ({"first_commit_seconds": None}, ["no command was committed after the managers were killed"]),
        ({"taken_back_seconds": None}, ["the manager that was started again did not take the mesh back"]),
    ],
)
def test_loss_of_all_managers_must_be_survived_and_ended(changes: dict[str, Any] | None, said: list[str]) -> None:
    assert problems(report(mixed=None if changes is None else SURVIVED | changes), MIXED) == said


def test_a_mesh_without_servers_has_no_manager_process() -> None:
    with pytest.raises(InvalidParameters, match="functions manage such a mesh"):
        DemoOptions(serverless=True)
    assert DemoOptions(serverless=True, hosting=Managers.FUNCTIONS, kill=Kill.NONE).manager_processes == 0


@pytest.fixture
def kept_signals() -> Iterator[None]:
    """The command takes SIGTERM for its process; here the process is that of all tests."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("kept_signals")
def test_serverless_without_a_browser_says_so_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FIREMESH_CHROMIUM", "/nowhere/chromium")
    assert main(["demo", "--serverless"]) == 1
    told = capsys.readouterr()
    assert told.err.startswith("firemesh: --serverless: four players are pages in a browser, and there is none here: install")
    assert told.out == ""


@pytest.mark.parametrize("hosting", [Managers.FUNCTIONS, Managers.MIXED])
@pytest.mark.parametrize("strike", [{"pause": True, "kill": Kill.NONE}, {"kill": Kill.NIGHT}])
def test_where_functions_manage_no_process_is_chosen_to_be_struck(hosting: Managers, strike: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameters, match="strike the process that leads"):
        DemoOptions(hosting=hosting, **strike)
