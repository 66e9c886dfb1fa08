"""Choosing an interpreter and fetching what is missing, on machines made of small scripts."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


def make_interpreter(path: Path, answer: str) -> Path:
    """A script in place of an interpreter; an empty answer stands for a shim that fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {answer}\n" if answer else "#!/bin/sh\nexit 127\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The set-up on a machine that has no interpreter yet; its PATH is tmp_path/bin."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "tools" / "bootstrap.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "SYSTEM_FOLDERS", ())
    monkeypatch.setattr(module, "SETUP_LOG", tmp_path / "log" / "setup.log")
    monkeypatch.setattr(module, "PAUSES_SECONDS", (0, 0))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("FIREMESH_PYTHON", raising=False)
    return module


def test_3_13_behind_a_shim_that_does_not_answer_is_found(bootstrap: ModuleType, tmp_path: Path) -> None:
    make_interpreter(tmp_path / "bin/python3.13", "")
    make_interpreter(tmp_path / "bin/python3.12", "3.12.1")
    wanted = make_interpreter(tmp_path / "pyenv/versions/3.13.0/bin/python3.13", "3.13.0")
    assert bootstrap.choose_interpreter() == (wanted, "3.13.0")


def test_3_13_of_uv_is_found(bootstrap: ModuleType, tmp_path: Path) -> None:
    wanted = make_interpreter(tmp_path / "data/uv/python/cpython-3.13.1-linux/bin/python3.13", "3.13.1")
    assert bootstrap.choose_interpreter() == (wanted, "3.13.1")


def test_without_3_13_another_recent_one_serves(bootstrap: ModuleType, tmp_path: Path) -> None:
    wanted = make_interpreter(tmp_path / "bin/python3.11", "3.11.7")
    assert bootstrap.choose_interpreter() == (wanted, "3.11.7")


def test_the_named_one_ends_the_search(bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_interpreter(tmp_path / "bin/python3.13", "3.13.0")
    named = make_interpreter(tmp_path / "mine", "3.11.2")
    monkeypatch.setenv("FIREMESH_PYTHON", str(named))
    assert bootstrap.choose_interpreter() == (named, "3.11.2")
    make_interpreter(named, "3.9.1")
    with pytest.raises(bootstrap.SetupError, match="FIREMESH_PYTHON names"):
        bootstrap.choose_interpreter()


def test_none_at_all_is_one_sentence(bootstrap: ModuleType, tmp_path: Path) -> None:
    make_interpreter(tmp_path / "bin/python3.11", "3.10.0")
    with pytest.raises(bootstrap.SetupError, match=r"^Python >= 3\.11 is needed and was not found"):
        bootstrap.choose_interpreter()


def make_mirror(path: Path, failures: int) -> list[str]:
    """A command that asks a mirror which is away so many times. Each asking leaves a line in `asked` beside it."""
    asked = path.with_name("asked")
    path.write_text(f'#!/bin/sh\necho once >> "{asked}"\n[ "$(/usr/bin/wc -l < "{asked}")" -gt {failures} ]\n')
    path.chmod(0o755)
    return ["/bin/sh", str(path)]


@pytest.mark.parametrize("failures", [0, 1, 2])
def test_a_download_that_fails_is_tried_again(bootstrap: ModuleType, tmp_path: Path, failures: int) -> None:
    bootstrap.download(make_mirror(tmp_path / "fetch", failures), "fetching")
    assert len((tmp_path / "asked").read_text().splitlines()) == failures + 1


def test_a_download_that_never_succeeds_is_told_in_the_end(bootstrap: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(bootstrap.SetupError, match="Failed while fetching: "):
        bootstrap.download(make_mirror(tmp_path / "fetch", 99), "fetching")
    assert len((tmp_path / "asked").read_text().splitlines()) == 3
