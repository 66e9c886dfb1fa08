"""The `firemesh` command answers at once, and fails in one line."""

import subprocess
import sys

import pytest

from firemesh.errors import MeshNotFound
from firemesh_cli import __main__ as command_line

SLOW_PACKAGES = ("google.api_core", "google.protobuf", "grpc", "rich", "pydantic", "firebase_admin")


def test_help_imports_nothing_slow() -> None:
    program = (
        "import sys, firemesh_cli.__main__ as m; m.parser().format_help(); "
        f"print([name for name in {SLOW_PACKAGES!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["up", "--nonsense"]])
def test_a_wrong_command_line_gives_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        command_line.main(arguments)
    assert raised.value.code == 2
    assert "usage: firemesh" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("failure", "status", "said"),
    [
        (MeshNotFound("no mesh has the id m1"), 1, "firemesh: no mesh has the id m1\n"),
        (KeyboardInterrupt(), 130, "firemesh: interrupted\n"),
    ],
)
def test_a_failure_is_one_line_and_a_status(
    failure: BaseException,
    status: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_: object) -> int:
        raise failure

    monkeypatch.setattr("firemesh_cli.commands.up.run", fail)
    assert command_line.main(["up"]) == status
    assert capsys.readouterr().err == said
