"""What counts as installed."""

from pathlib import Path

import pytest

from firemesh_cli.stack import checks


def make_venv(root: Path, made_as: Path) -> None:
    (root / ".venv/bin").mkdir(parents=True)
    for name in ("python", "firemesh"):
        (root / ".venv/bin" / name).write_text("")
    (root / ".venv/pyvenv.cfg").write_text(f"version = 3.13.0\ncommand = /usr/bin/python3.13 -m venv --clear {made_as}\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "a checkout"
    root.mkdir()
    for name in ("requirements-dev.txt", "pyproject.toml", "package-lock.json"):
        (root / name).write_text("as it was")
    make_venv(root, root / ".venv")
    checks.python_packages_mark(root).write_text(checks.python_packages_stamp(root))
    checks.project_mark(root).write_text(checks.project_stamp(root))
    return root


def test_what_was_installed_is_current_until_its_lock_changes(root: Path) -> None:
    assert checks.venv_python(root) == (3, 13, 0)
    assert checks.python_packages_are_current(root)
    (root / "requirements-dev.txt").write_text("changed")
    assert not checks.python_packages_are_current(root)
    assert checks.project_is_current(root)


def test_a_new_interpreter_makes_the_packages_stale(root: Path) -> None:
    settings = root / ".venv/pyvenv.cfg"
    settings.write_text(settings.read_text().replace("3.13.0", "3.11.7"))
    assert not checks.python_packages_are_current(root)
    assert not checks.project_is_current(root)


def test_a_moved_environment_counts_as_none(root: Path) -> None:
    moved = root.rename(root.parent / "elsewhere")
    assert checks.venv_python(moved) is None


def test_an_interrupted_installation_is_not_current(root: Path) -> None:
    checks.python_packages_mark(root).unlink()
    assert not checks.python_packages_are_current(root)


def test_node_packages_need_both_the_program_and_the_mark(root: Path) -> None:
    (root / "node_modules/.bin").mkdir(parents=True)
    checks.node_packages_mark(root).write_text(checks.node_packages_stamp(root))
    assert not checks.node_packages_are_current(root)
    (root / "node_modules/.bin/firebase").write_text("")
    assert checks.node_packages_are_current(root)


def test_every_miss_says_how_to_mend_it(tmp_path: Path) -> None:
    missing = [check for check in checks.machine_checks(tmp_path) if not check.ok]
    assert {"Python in .venv", "Python packages", "functions/venv", "firebase-tools"} <= {each.name for each in missing}
    assert [each.name for each in missing if not each.mend] == []


def test_report_fails_when_something_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checks.report(tmp_path) == 1
    said = capsys.readouterr().out
    assert "MISSING  Python in .venv" in said
    assert "mend: run `make setup`" in said
