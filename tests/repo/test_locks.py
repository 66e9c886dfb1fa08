"""The lock files hold what pyproject.toml and package.json ask for, with hashes, and name no host."""

import importlib.util
import json
import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON_LOCKS = ("requirements-dev.txt", "functions/requirements.txt", "requirements-java.txt", "requirements-peers.txt")
HOST = re.compile(r"://|--(?:extra-)?index-url|--find-links|--trusted-host")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)")


def pins(name: str) -> dict[str, str]:
    """Package -> version of one file of pinned Python packages."""
    found = (PIN.match(line) for line in (ROOT / name).read_text().splitlines())
    return {match[1].lower().replace("_", "-"): match[2] for match in found if match}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~;\[ ]", each)[0].lower() for each in requirements}


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def lock_tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lock", ROOT / "tools" / "lock.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", PYTHON_LOCKS)
def test_lock_is_made_from_this_pyproject(name: str, lock_tool: ModuleType) -> None:
    first_line = (ROOT / name).read_text().partition("\n")[0]
    assert first_line == lock_tool.requirements_stamp(ROOT), "dependencies changed since; run `make lock`"


@pytest.mark.parametrize("name", PYTHON_LOCKS)
def test_every_pin_carries_a_hash(name: str) -> None:
    blocks = re.split(r"\n(?=\S)", (ROOT / name).read_text())
    pinned = [block for block in blocks if PIN.match(block)]
    assert pinned != []
    assert [block.split()[0] for block in pinned if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("name", [*PYTHON_LOCKS, "package-lock.json"])
def test_lock_names_no_host(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    assert [line for line in lines if HOST.search(line)] == []


def test_development_has_everything_that_is_asked_for(pyproject: dict[str, Any]) -> None:
    project = pyproject["project"]
    wanted = names(project["dependencies"] + pyproject["dependency-groups"]["dev"])
    for extra in project["optional-dependencies"].values():
        wanted |= names(extra)
    assert wanted - pins("requirements-dev.txt").keys() == set()


def test_deployment_runs_what_was_tested(pyproject: dict[str, Any]) -> None:
    project = pyproject["project"]
    deployed = pins("functions/requirements.txt")
    wanted = names(project["dependencies"] + project["optional-dependencies"]["functions"])
    assert wanted - deployed.keys() == set()
    assert deployed.items() <= pins("requirements-dev.txt").items()


def test_deployment_carries_no_development_tool(pyproject: dict[str, Any]) -> None:
    assert names(pyproject["dependency-groups"]["dev"]) & pins("functions/requirements.txt").keys() == set()


def test_npm_lock_pins_what_package_json_asks_for_with_hashes() -> None:
    asked = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert packages[""]["devDependencies"] == asked
    assert {name: packages[f"node_modules/{name}"]["version"] for name in asked} == asked
    bundled = ("inBundle", "link")
    bare = [name for name, each in packages.items() if name and "integrity" not in each]
    assert [name for name in bare if not any(packages[name].get(flag) for flag in bundled)] == []
