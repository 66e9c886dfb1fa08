"""What would be deployed works by itself, and each check of that can fail."""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from firemesh_cli.deployment import firebase_tools
from firemesh_cli.deployment.check import check_deployment
from firemesh_cli.deployment.clean_room import CleanRoom
from firemesh_cli.deployment.rules import compile_rules
from firemesh_cli.stack.supervisor import LocalStack

ROOT = Path(__file__).resolve().parents[2]

MAIN = """
from firebase_functions import https_fn, options, params, tasks_fn
options.set_global_options(region="us-central1", memory=512, cpu=1, concurrency=16, max_instances=10)
SECONDS = params.IntParam("SECONDS", default=1)

@https_fn.on_request()
def api(request): ...

@https_fn.on_request()
def events(request): ...

@tasks_fn.on_task_dispatched(max_instances=5)
def watchdog(request): ...
"""


BUILD = """
import { mkdirSync, writeFileSync } from "node:fs";
mkdirSync("web_worker/dist");
writeFileSync("web_worker/dist/index.html", "built");
"""


def project(folder: Path, main: str = MAIN, values: str = "SECONDS=2\n") -> Path:
    """A small project like ours: three functions, a parameter, and a site that has not been built."""
    for name in ("firebase.json", "firestore.rules", "firestore.indexes.json"):
        shutil.copy(ROOT / name, folder)
    (folder / "package-lock.json").write_text("{}")
    (folder / "web_worker").mkdir()
    (folder / "web_worker" / "build.mjs").write_text(BUILD)
    functions = folder / "functions"
    functions.mkdir()
    shutil.copy(ROOT / "functions" / "requirements.txt", functions)
    (functions / "main.py").write_text(main)
    (functions / ".env").write_text(values)
    return folder


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def checked(folder: Path, stack: LocalStack) -> dict[str, tuple[str, ...]]:
    return {each.name: each.problems for each in check_deployment(folder, stack.firestore_host, tools_root=ROOT)}


def judged(folder: Path, main: str, values: str) -> firebase_tools.Opinion:
    """What firebase-tools says to the functions of a small project."""
    project(folder, main, values)
    manifest, verdict = CleanRoom(Path(sys.executable), folder / "functions").discover()
    assert verdict.ok, verdict.problems
    (folder / "manifest.yaml").write_text(manifest)
    return firebase_tools.judge(ROOT, folder, folder / "manifest.yaml", "demo-firemesh")


def test_nothing_stands_in_the_way_of_deploying_this_checkout(local_stack: LocalStack) -> None:
    found = checked(ROOT, local_stack)
    assert {name: problems for name, problems in found.items() if problems} == {}
    assert len(found) == 13


def test_every_broken_part_is_found_by_its_own_check(local_stack: LocalStack, tmp_path: Path) -> None:
    folder = project(tmp_path, MAIN.replace("cpu=1, ", "").replace("def watchdog", "def watch_dog"))
    edit(folder / "firebase.json", '"codebase"', '"colour": "red", "codebase"')
    edit(folder / "firestore.rules", "belongsTo(mesh) &&", "belongTo(mesh) &&")
    edit(folder / "firestore.indexes.json", '"fieldPath": "*",', '"path": "*",')
    requirements = folder / "functions" / "requirements.txt"
    requirements.write_text(re.sub(r"(?m)^flask==.*\\\n(?:    --hash.*\n)+", "", requirements.read_text()))
    (folder / "functions" / "service-account.json").write_text('{"private_key": "x"}')
    found = checked(folder, local_stack)
    broken = {name for name, problems in found.items() if problems}
    assert broken == {"firebase.json", "security rules", "indexes", "upload", "packages", "functions"}
    assert "/functions" in found["firebase.json"][0]
    assert "belongTo" in " ".join(found["security rules"])
    assert "fieldPath" in found["indexes"][0]
    assert "service-account.json" in found["upload"][0]
    assert any("needs flask" in problem for problem in found["packages"])
    assert "flask" in found["functions"][0]


def test_options_and_queues_that_deployment_would_refuse_are_found(local_stack: LocalStack, tmp_path: Path) -> None:
    main = MAIN.replace("cpu=1, ", "").replace("def watchdog", "def watch_dog").replace("max_instances=5", "timeout_sec=3600")
    found = checked(project(tmp_path, main), local_stack)
    assert {name for name, problems in found.items() if problems} == {"options", "task queues"}
    assert "3600" in found["options"][0] or "timeout" in found["options"][0]
    assert any(problem.startswith("api has cpu=") for problem in found["options"])


@pytest.mark.parametrize(("values", "refused"), [("SECONDS=2\n", False), ("", True)], ids=["with a value", "without"])
def test_a_parameter_needs_a_value(tmp_path: Path, values: str, refused: bool) -> None:
    problems = judged(tmp_path, MAIN, values).refusals("parameters")
    assert bool(problems) is refused
    assert not refused or "SECONDS" in problems[0]


def test_an_entry_point_that_does_not_load_alone_is_found(tmp_path: Path) -> None:
    room = CleanRoom(Path(sys.executable), project(tmp_path, MAIN) / "functions")
    endpoints: list[dict[str, Any]] = [{"entryPoint": name, "trigger": "httpsTrigger"} for name in ("api", "gone")]
    assert [problem.partition(":")[0] for problem in room.load_each(endpoints).problems] == ["gone"]
    assert not room.load_each([]).ok


def test_a_module_that_is_loaded_late_and_needs_what_is_not_there_is_found(tmp_path: Path) -> None:
    functions = project(tmp_path) / "functions"
    package = functions / "firemesh"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "late.py").write_text("import no_such_package\n")
    problems = CleanRoom(Path(sys.executable), functions).import_each().problems
    assert problems == ("firemesh.late: ModuleNotFoundError: No module named 'no_such_package'",)


def test_rules_that_do_not_parse_are_found_with_their_place(local_stack: LocalStack, tmp_path: Path) -> None:
    rules = tmp_path / "firestore.rules"
    shutil.copy(ROOT / "firestore.rules", rules)
    edit(rules, "function claim() {", "function claim( {")
    assert re.search(r"L\d+:\d+", compile_rules(rules, local_stack.firestore_host).problems[0])


def test_a_runtime_that_is_gone_is_found(tmp_path: Path) -> None:
    folder = project(tmp_path)
    config = json.loads((folder / "firebase.json").read_text())
    config["functions"][0]["runtime"] = "python39"
    (folder / "firebase.json").write_text(json.dumps(config))
    assert firebase_tools.pack(ROOT, folder, tmp_path).refusals("configuration") != ()
