"""The documents speak of things that exist: links, files, make targets, subcommands."""

import json
import re
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ("node_modules", ".venv", ".firemesh")
LINK = re.compile(r"\]\(([^)#\s]+)")
QUOTED = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[\w./-]+")
SUFFIXES = (".py", ".ts", ".mjs", ".md", ".json", ".toml", ".rules", ".txt", ".svg")
ELSEWHERE = ("functions/venv", "main.py")
"""Named in the documents, and rightly not in the repository."""


def documents() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("web_worker/*.md"), *(ROOT / "docs").rglob("*.md")])


def is_path(text: str) -> bool:
    """Whether quoted text names a file or folder of this repository."""
    if not PATH.fullmatch(text) or text.endswith(".") or text.startswith("/"):
        return False
    top = text.partition("/")[0]
    return text.endswith(SUFFIXES) or ("/" in text and (ROOT / top).is_dir() and top not in INSTALLED)


def exists(text: str, document: Path) -> bool:
    """As a path from the root or from the document; a bare file name may lie anywhere in the program."""
    if (ROOT / text).exists() or (document.parent / text).exists():
        return True
    if "/" in text:
        return False
    tops = [*(ROOT / top for top in ("functions/firemesh", "cli", "tools", "tests")), *(ROOT / "web_worker").iterdir()]
    return any(top.name == text or any(top.rglob(text)) for top in tops if top.name != "dist")  # a build may be under way


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Every `make x` and `firemesh x` in quotes or at the start of an indented line."""
    shown = [*QUOTED.findall(text), *(line.strip() for line in text.splitlines() if line.startswith("    "))]
    for each in shown:
        match = re.match(r"(make|firemesh) ([a-z][a-z-]*)\b", each)
        if match:
            yield match[1], match[2]


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_exists(document: Path) -> None:
    text = document.read_text()
    links = [link for link in LINK.findall(text) if "://" not in link and not (document.parent / link).exists()]
    quoted = [path for path in QUOTED.findall(text) if is_path(path) and path not in ELSEWHERE and not exists(path, document)]
    assert (links, quoted) == ([], [])


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_a_document_shows_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    subcommands = {path.stem.replace("_", "-") for path in (ROOT / "cli" / "firemesh_cli" / "commands").glob("*.py")}
    known = {"make": targets, "firemesh": subcommands}
    assert [(program, name) for program, name in commands(document.read_text()) if name not in known[program]] == []


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lists = [project["project"]["dependencies"], *project["project"]["optional-dependencies"].values()]
    wanted = {re.split(r"[<>=\[]", each)[0] for each in chain(*lists, *project["dependency-groups"].values())}
    wanted |= json.loads((ROOT / "package.json").read_text())["devDependencies"].keys()
    explained = re.findall(r"^\| `([\w-]+)` \|", (ROOT / "docs/decisions/dependencies.md").read_text(), re.MULTILINE)
    assert sorted(explained) == sorted(wanted)


def test_documents_are_found() -> None:
    names = {str(path.relative_to(ROOT)) for path in documents()}
    assert {"README.md", "CONTRIBUTING.md", "docs/data-model.md", "docs/decisions/dependencies.md"} <= names


@pytest.mark.parametrize("text", ["functions/firemesh/nothing.py", "docs/nothing.md", "nothing.py", "tests/nothing"])
def test_a_path_that_leads_nowhere_is_seen(text: str) -> None:
    assert is_path(text)
    assert not exists(text, ROOT / "README.md")


@pytest.mark.parametrize("text", ["views/public", "/v1", "mesh.join", "term", "--seed 7", "sha256", "consensus/head"])
def test_other_quoted_words_are_not_taken_for_paths(text: str) -> None:
    assert not is_path(text)
