"""firebase.json and what it names fit the program."""

import fnmatch
import json
import re
from pathlib import Path
from typing import Any

import pytest

from firemesh.store import paths
from firemesh_cli.stack.config import emulator_config, reserved_ports

ROOT = Path(__file__).resolve().parents[2]
HOT_PATHS = (
    paths.head("m"),
    paths.entry("m", 1),
    paths.vote("m", 1, "a"),
    paths.snapshot("m", 1),
    paths.beat("m", "p"),
    paths.request("m", "r"),
    paths.refused("m", "a"),
    paths.view("m", "public"),
    paths.state("m", "a"),
)


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "firebase.json").read_text())
    return loaded


@pytest.mark.parametrize("path", HOT_PATHS)
def test_hot_documents_are_exempt_from_indexing(config: dict[str, Any], path: str) -> None:
    collection = path.split("/")[-2]
    overrides = json.loads((ROOT / config["firestore"]["indexes"]).read_text())["fieldOverrides"]
    matching = [each for each in overrides if each["collectionGroup"] == collection and not each.get("ttl")]
    assert matching == [{"collectionGroup": collection, "fieldPath": "*", "indexes": []}]


def test_rules_deny_by_default_and_state_a_policy_above_each_match(config: dict[str, Any]) -> None:
    rules = (ROOT / config["firestore"]["rules"]).read_text()
    assert rules.startswith("rules_version = '2';")
    assert re.search(r"match /\{document=\*\*\} \{\s+allow read, write: if false;\s+\}\s+\}\s+\}\s*$", rules)
    assert "if true" not in rules
    lines = [line.strip() for line in rules.splitlines()]
    documents = [number for number, line in enumerate(lines) if line.startswith("match /") and "/databases/" not in line]
    assert len(documents) > 6
    unexplained = [lines[number] for number in documents if not lines[number - 1].startswith("//")]
    assert unexplained == ["match /meshes/{mesh} {"]


def test_deployment_takes_the_runtime_of_the_version_file(config: dict[str, Any]) -> None:
    version = (ROOT / ".python-version").read_text().strip()
    assert [source["runtime"] for source in config["functions"]] == [f"python{version.replace('.', '')}"]


@pytest.mark.parametrize("name", ["venv", ".venv", "__pycache__", "x.pyc", ".pytest_cache", ".mypy_cache"])
def test_deployment_leaves_out_what_only_this_machine_needs(config: dict[str, Any], name: str) -> None:
    for source in config["functions"]:
        assert any(fnmatch.fnmatch(name, pattern) for pattern in source["ignore"])


def test_the_default_project_is_a_demo_so_that_nothing_real_is_touched() -> None:
    assert json.loads((ROOT / ".firebaserc").read_text())["projects"]["default"].startswith("demo-")


def policy_of(config: dict[str, Any]) -> dict[str, str]:
    """The site's content security policy: directive -> sources."""
    headers = [header for rule in config["hosting"]["headers"] if rule["source"] == "**" for header in rule["headers"]]
    [text] = [header["value"] for header in headers if header["key"] == "Content-Security-Policy"]
    return {name: sources for name, _, sources in (each.strip().partition(" ") for each in text.split(";"))}


def test_the_site_runs_its_own_scripts_and_styles_alone(config: dict[str, Any]) -> None:
    policy = policy_of(config)
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "worker-src")} == {"'self'"}
    assert "unsafe" not in " ".join(policy.values())


def test_the_site_talks_to_nobody_but_its_own_project_and_a_local_one_to_this_machine_too(config: dict[str, Any]) -> None:
    sources = policy_of(config)["connect-src"].split()
    assert sources[0] == "'self'"
    assert all(re.fullmatch(r"https://[a-z]+\.googleapis\.com", source) for source in sources[1:])
    with reserved_ports() as ports:
        local = policy_of(emulator_config(config, ports, (3, 13)))["connect-src"].split()
    assert local == ["'self'", "http://127.0.0.1:*", *sources[1:]]


def test_what_may_be_kept_for_ever_has_a_name_made_of_its_content(config: dict[str, Any]) -> None:
    kept = [rule["source"] for rule in config["hosting"]["headers"] if "immutable" in str(rule["headers"])]
    assert kept == ["/assets/**"]
    assert 'entryNames: "[name]-[hash]"' in (ROOT / "web_worker/build.mjs").read_text()
