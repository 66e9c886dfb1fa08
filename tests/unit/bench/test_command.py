"""`firemesh bench` goes on after a section that fails, and ends with one object that says so."""

import json
from pathlib import Path

import pytest

from firemesh.errors import LocalStackError
from firemesh_cli import __main__ as command_line
from firemesh_cli.bench import sections
from firemesh_cli.bench.section import Section


def works(root: Path, repeats: int) -> Section:
    return Section("t", "a", ("times",), {"row": (repeats,)}, headline={"figure": 7})


def fails(root: Path, repeats: int) -> Section:
    raise LocalStackError("no emulator")


def breaks(root: Path, repeats: int) -> Section:
    raise ZeroDivisionError


@pytest.fixture(autouse=True)
def some_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "SECTIONS", {"broken": fails, "wrong": breaks, "whole": works, "long": works})


def test_a_section_that_fails_does_not_stop_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["bench", "--json", "--repeats", "3", "--without", "long"]) == 1
    printed = capsys.readouterr()
    said = json.loads(printed.out)
    assert (said["figure"], said["failed"], said["not_run"]) == (
        7,
        {"broken": "no emulator", "wrong": "ZeroDivisionError()"},
        ["long"],
    )
    assert said["seconds"].keys() == {"broken", "wrong", "whole"}
    assert said["sections"]["whole"]["rows"] == {"row": {"times": 3}}
    assert "firemesh: broken failed: no emulator" in printed.err


def test_a_run_in_which_all_is_well_has_status_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["bench", "whole"]) == 0
    assert "row" in capsys.readouterr().out


def test_a_section_that_does_not_exist_is_refused_with_those_that_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["bench", "--without", "nonsense"]) == 1
    assert "broken, wrong, whole, long, not nonsense" in capsys.readouterr().err


def test_to_repeat_never_is_refused_for_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["bench", "--repeats", "0"]) == 1
    assert capsys.readouterr().err == "firemesh: --repeats is at least 1, not 0\n"
