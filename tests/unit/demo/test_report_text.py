import io
from typing import Any

import pytest
from rich.console import Console

from firemesh_cli.demo.report_text import print_report


def counts(**changes: int) -> dict[str, int]:
    return {"sent": 0, "committed": 0, "refused": 0, "waiting": 0, "lost": 0, "duplicated": 0} | changes


def report(**changes: Any) -> dict[str, Any]:
    """Of a demo in which all holds."""
    known = {
        "seed": 7,
        "seats": 12,
        "winner": "town",
        "roles": {"Ada": "Mafioso", "Bruno": "Villager", "Cleo": "Villager", "[red]": "Doctor"},
        "seconds": 132.4,
        "processes": {"managers": 3, "workers": 3},
        "pages": {},
        "people": {"seats": [], "committed": 0, "left_behind": 0},
        "terms": [{"term": 1, "leader": "m0"}, {"term": 2, "leader": "m2"}],
        "kill": {"phase": "ballot", "leader": "m0", "ttl_seconds": 2.5, "first_commit_seconds": 3.14},
        "pause": None,
        "commands": counts(sent=168, committed=167, refused=1),
        "invariants": {"checked": ["I1", "I2"], "violations": []},
        "replay_equal": True,
        "billed": {"reads": 1396, "writes": 2660, "deletes": 132, "usd": 0.0028},
        "billed_by_kind": {
            "head": {"reads": 396, "writes": 1560, "deletes": 0},
            "log": {"reads": 1000, "writes": 1100, "deletes": 132},
        },
    }
    return known | changes


def printed(shown: dict[str, Any], wrong: tuple[str, ...] = (), encoding: str = "utf-8") -> list[str]:
    buffer = io.BytesIO()
    file = io.TextIOWrapper(buffer, encoding=encoding, write_through=True)
    print_report(shown, wrong, Console(file=file, width=80, _environ={}))
    return buffer.getvalue().decode(encoding).splitlines()


def test_a_good_report_ends_with_all_holds_and_has_no_cross() -> None:
    lines = printed(report())
    assert lines[-1] == "ALL HOLDS"
    assert "✗" not in "".join(lines)
    assert max(map(len, lines)) <= 80


def test_winner_roles_failover_commands_and_bill_are_told() -> None:
    text = "\n".join(line.rstrip() for line in printed(report()))
    assert "The town wins   12 seats, seed 7, 2:12 minutes" in text
    assert "  Villager  Bruno, Cleo\n" in text
    assert "  Doctor    [red]\n" in text
    assert "SIGKILL to m0, the leader, during the ballot" in text
    assert "first command committed in the new term after 3.14 s (lease 2.5 s)" in text
    assert "168 sent, 167 committed" in text
    assert "1 refused with a reason, 0 still waiting" in text
    assert "✓ I1 at most one leader per term" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["log", "1,000", "1,100", "132", "0.0013"] in rows
    assert ["in", "all", "1,396", "2,660", "132", "0.0028"] in rows


@pytest.mark.parametrize(
    ("changes", "sign"),
    [
        ({"winner": None}, "The game did not end   12 seats"),
        ({"commands": counts(sent=9, committed=7, lost=2)}, "  ✗ 2 lost"),
        ({"commands": counts(sent=9, committed=9, duplicated=1)}, "  ✗ 1 counted twice"),
        ({"replay_equal": False}, "  ✗ replaying the log gives what is stored"),
        (
            {"invariants": {"checked": ["I3"], "violations": [{"invariant": "I3", "detail": "too early"}]}},
            "  ✗ I3 nobody takes over",
        ),
        (
            {"kill": {"phase": "night", "leader": "m0", "ttl_seconds": 2.5, "first_commit_seconds": None}},
            "  no command committed in a new term",
        ),
    ],
)
def test_each_failure_shows_where_it_belongs(changes: dict[str, Any], sign: str) -> None:
    assert any(line.startswith(sign) for line in printed(report(**changes)))
    assert not any(line.startswith(sign) for line in printed(report()))


def test_the_verdict_repeats_all_that_is_wrong() -> None:
    lines = printed(report(), ("2 commands lost", "I3: too early"))
    assert lines[-3:] == ["  ✗ 2 commands lost", "  ✗ I3: too early", "NOT EVERYTHING HOLDS: 2 failures"]


def test_the_detail_of_a_violation_is_shown() -> None:
    broken = {"checked": ["I3"], "violations": [{"invariant": "I3", "detail": "term 2 began [bold] early"}]}
    assert any("term 2 began [bold] early" in line for line in printed(report(invariants=broken)))


def test_a_pause_is_told_with_its_takeover() -> None:
    pause = {
        "phase": "ballot",
        "leader": "m1",
        "ttl_seconds": 2.5,
        "paused_seconds": 5.0,
        "takeover_seconds": 2.71,
        "first_commit_seconds": 2.9,
    }
    text = "\n".join(printed(report(kill=None, pause=pause)))
    assert "SIGSTOP to m1, the leader, during the ballot for 5 s" in text
    assert "next leader after 2.71 s" in text
    assert "SIGKILL" not in text


def test_roles_nobody_knows_are_told_as_such() -> None:
    assert any("not known" in line for line in printed(report(roles={"Ada": None}, winner=None)))


def test_a_console_without_unicode_gets_words_for_marks() -> None:
    lines = printed(report(replay_equal=False), encoding="ascii")
    assert "  FAILED replaying the log gives what is stored" in lines
    assert "  ok 0 lost" in lines


def test_loss_of_all_managers_is_told_to_its_end() -> None:
    mixed = {
        "phase": "ballot",
        "killed": ["m1", "m2", "m3"],
        "ttl_seconds": 1.5,
        "takeover_seconds": 2.5,
        "first_commit_seconds": 2.75,
        "started_again": "m1",
        "taken_back_seconds": 1.25,
    }
    text = "\n".join(line.rstrip() for line in printed(report(kill=None, mixed=mixed)))
    assert "SIGKILL to m1, m2, m3, all managers, during the ballot\n" in text
    assert "m1, started again, led after 1.25 s" in text


def test_a_mesh_without_manager_processes_is_said_to_be_managed_by_functions() -> None:
    lines = printed(report(kill=None, processes={"managers": 0, "workers": 3}))
    assert "  managed by functions, 3 worker processes" in [line.rstrip() for line in lines]


def test_pages_and_people_are_told_and_that_nobody_answers_for_the_people() -> None:
    people = {"seats": ["p03"], "committed": 9, "left_behind": 0}
    text = "\n".join(line.rstrip() for line in printed(report(pages={"p11": 12, "p12": 9}, people=people)))
    assert "3 manager processes, 3 worker processes, 2 pages in a browser\n" in text
    assert "people took over p03 and had 9 commands ordered, which nobody here wrote down\n" in text
