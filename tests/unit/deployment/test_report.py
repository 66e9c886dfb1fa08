"""Verdicts as people and programs read them."""

from firemesh_cli.deployment.report import as_json, conclusion, lines_of
from firemesh_cli.deployment.verdict import Verdict

GOOD = Verdict("upload", "5 files")
BAD = Verdict("options", "api", ("api has cpu=0.1", "api has no ceiling"))


def test_a_problem_stands_below_its_check() -> None:
    assert lines_of(GOOD) == ["ok      upload          5 files"]
    assert lines_of(BAD)[0].startswith("FAILED  options")
    assert [line.strip() for line in lines_of(BAD)[1:]] == ["api has cpu=0.1", "api has no ceiling"]


def test_the_last_line_says_whether_anything_stands_in_the_way() -> None:
    assert conclusion([GOOD, GOOD]) == "nothing stands in the way (2 checks)"
    assert conclusion([GOOD, BAD]) == "1 of 2 stand in the way"


def test_a_program_gets_everything_in_one_object() -> None:
    assert as_json([GOOD, BAD], 1.26) == {
        "ok": False,
        "seconds": 1.3,
        "checks": [
            {"check": "upload", "ok": True, "seen": "5 files", "problems": []},
            {"check": "options", "ok": False, "seen": "api", "problems": ["api has cpu=0.1", "api has no ceiling"]},
        ],
    }
    assert as_json([GOOD], 0.0)["ok"] is True
