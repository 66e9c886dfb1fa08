"""What `firemesh agent run --api` refuses before it asks anybody."""

from pathlib import Path

import pytest

from firemesh_cli.__main__ import main

RUN = ("agent", "run", "--api", "http://127.0.0.1:1", "--mesh", "m1")


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "FIREMESH_API_KEY",
        "FIREMESH_WEB_API_KEY",
        "FIREBASE_AUTH_EMULATOR_HOST",
        "GOOGLE_CLOUD_PROJECT",
        "GCLOUD_PROJECT",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--type", "manager"), "a manager reads the whole log"),
        (("--process", "p1"), "the process is called after its agent"),
        (("--agents", "w1,w2"), "a process runs one agent"),
        (("--count", "2"), "a process runs one agent"),
        ((), "no API key: set FIREMESH_API_KEY"),
        (("--key-file", "/nowhere/key"), "--key-file /nowhere/key cannot be read"),
        (("--key", "k"), "no web API key: give --web-api-key or set FIREMESH_WEB_API_KEY"),
        (("--key", "k", "--web-api-key", "w"), "no project: give --project"),
        (("--key", "k", "--web-api-key", "w", "--project", "p"), "no answer from http://127.0.0.1:1"),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    assert main([*RUN, *options]) == 1
    assert said in capsys.readouterr().err


def test_a_key_comes_out_of_a_file_and_is_not_repeated(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("mesh_secret\n")
    assert main([*RUN, "--key-file", str(file), "--web-api-key", "w", "--project", "p"]) == 1
    said = capsys.readouterr().err
    assert "no answer from" in said
    assert "mesh_secret" not in said
