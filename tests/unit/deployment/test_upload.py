"""An upload holds the sources of the functions and nothing else."""

import zipfile
from pathlib import Path

import pytest

from firemesh_cli.deployment.upload import unpack
from firemesh_cli.deployment.verdict import Verdict

KEY = "mesh_prod_0123456789ab_" + "A" * 43 + "_01234567"


def packed(folder: Path, files: dict[str, str]) -> Verdict:
    archive = folder / "upload.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for name, text in files.items():
            target.writestr(name, text)
    return unpack(archive, folder / "functions")


def test_sources_pins_and_parameters_pass(tmp_path: Path) -> None:
    sources = ["main.py", "other.py", "requirements.txt", ".env", ".env.my-mesh", "firemesh/ids.py", "firemesh/game/night.py"]
    sources += ["firemesh/store/firestore/firestore_v1.binpb"]
    assert packed(tmp_path, dict.fromkeys(sources, "")) == Verdict("upload", "8 files, 0 kB")
    assert (tmp_path / "functions" / "firemesh" / "ids.py").is_file()


@pytest.mark.parametrize(
    "name",
    [
        "venv/lib/x.py",
        ".env.local",
        ".secret.local",
        "firemesh/__pycache__/ids.cpython-313.pyc",
        "key.json",
        "firemesh/notes.txt",
        "tests/test_x.py",
    ],
)
def test_anything_else_is_refused_by_name(tmp_path: Path, name: str) -> None:
    assert [problem.split()[0] for problem in packed(tmp_path, {"main.py": "", name: ""}).problems] == [name]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
        ('{"private_key_id": "0"}', "a service account"),
        (f"KEY = '{KEY}'", "an API key"),
        ("API_KEY_PEPPER=" + "0" * 64, "a pepper"),
    ],
)
def test_a_secret_in_a_source_is_refused_and_not_repeated(tmp_path: Path, text: str, what: str) -> None:
    problems = packed(tmp_path, {"main.py": text}).problems
    assert problems == (f"main.py holds what looks like {what}",)


def test_many_strangers_are_counted_rather_than_listed(tmp_path: Path) -> None:
    problems = packed(tmp_path, {f"venv/{n}.py": "" for n in range(600)}).problems
    assert len(problems) == 7
    assert problems[5:] == (
        "595 more files would be uploaded that the functions do not need",
        "600 files; expected are at most 500",
    )
