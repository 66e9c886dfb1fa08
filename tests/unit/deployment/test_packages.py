"""An environment of pinned packages is complete and consistent, or says what it lacks."""

import importlib.metadata
import subprocess
from pathlib import Path

import pytest

from firemesh_cli.deployment.packages import link, make_environment, requirements

LOCKED = """\
# Made by `make lock`; wanted: 0123456789abcdef
itsdangerous==2.2.0 \\
    --hash=sha256:aaaa \\
    --hash=sha256:bbbb
winonly==1.0 ; sys_platform == 'win32' \\
    --hash=sha256:cccc
"""


def test_a_lock_file_is_read_as_far_as_it_concerns_this_machine() -> None:
    assert [str(each) for each in requirements(LOCKED)] == ["itsdangerous==2.2.0"]


def test_linked_packages_can_be_imported_and_no_others(tmp_path: Path) -> None:
    environment = make_environment(tmp_path / "venv")
    version = importlib.metadata.version("itsdangerous")
    assert link(requirements(f"itsdangerous=={version}"), environment).ok
    program = "import itsdangerous, importlib.util; print(importlib.util.find_spec('pytest'))"
    done = subprocess.run([str(environment.python), "-c", program], env={}, capture_output=True, text=True, check=True)
    assert done.stdout == "None\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("itsdangerous==0.0.1", "itsdangerous==0.0.1 is pinned, but"),
        ("no-such-package==1.0", "no-such-package==1.0 is not installed here"),
        ("httpcore", "httpcore needs h11, which is not pinned"),
        ("cachecontrol", "cachecontrol needs requests"),
        ("h2\nhpack\nhyperframe\nhttpx[http2]", "httpx needs httpcore"),
        ("httpx[http2]", "httpx needs h2"),
    ],
)
def test_a_list_that_lacks_something_is_refused_with_what_it_lacks(tmp_path: Path, text: str, said: str) -> None:
    verdict = link(requirements(text), make_environment(tmp_path / "venv"))
    assert any(problem.startswith(said) for problem in verdict.problems), verdict.problems


def test_what_only_an_extra_needs_is_not_missed_without_it(tmp_path: Path) -> None:
    verdict = link(requirements("httpx"), make_environment(tmp_path / "venv"))
    assert not any("needs h2" in problem for problem in verdict.problems)
