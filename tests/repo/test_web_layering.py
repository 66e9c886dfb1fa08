"""The browser's part keeps its layers: what decides is pure, the SDK has one importer, the page holds no SDK."""

import re
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parents[2] / "web_worker"
TESTS = WEB.parent / "tests" / "web" / "agent"
SOURCES = sorted(path for each in WEB.iterdir() if each.name != "dist" for path in each.rglob("*.ts"))
CONSOLE_PURE = ("mesh_state", "terms", "waits", "costs")
PURE = ("reducer", "entering", "sending", "beating", "keeping", "model", "turn", "payload", "words")
IMPORT = re.compile(r"""(?:from|import)\s*\(?\s*["']([^"']+)["']""")
IMPURE = re.compile(r"\b(Date|Math\.random|performance|setTimeout|fetch|indexedDB|navigator|crypto|console|self)\b")
CHARACTERS_MAX = 128


def imports(path: Path) -> list[str]:
    return IMPORT.findall(path.read_text())


def code(path: Path) -> str:
    """Without comments."""
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(), flags=re.DOTALL)


def test_one_module_alone_imports_the_sdk() -> None:
    importers = [path.name for path in SOURCES if any(name.startswith("firebase") for name in imports(path))]
    assert importers == ["firestore_port.ts"]


@pytest.mark.parametrize("name", PURE)
def test_what_decides_knows_no_clock_no_chance_and_nobody_outside(name: str) -> None:
    path = WEB / "agent" / f"{name}.ts"
    assert IMPURE.findall(code(path)) == []
    assert {Path(each).stem for each in imports(path)} <= {*PURE, "protocol", "types", "constants"}


@pytest.mark.parametrize("name", CONSOLE_PURE)
def test_what_the_console_works_out_knows_no_clock_no_chance_and_nobody_outside(name: str) -> None:
    path = WEB / "console" / f"{name}.ts"
    assert IMPURE.findall(code(path)) == []
    assert {Path(each).stem for each in imports(path)} <= {*CONSOLE_PURE, "clock", "operator_protocol", "types", "constants"}


def test_the_page_reaches_the_agent_through_its_front_alone() -> None:
    named = {name for path in SOURCES if "agent" not in path.relative_to(WEB).parts[:1] for name in imports(path)}
    inside = {Path(name).name for name in named if "/agent/" in name}
    assert inside <= {"agent.ts", "protocol.ts", "operator_protocol.ts", "types.ts", "constants.ts"}


def test_the_browsers_clock_decides_nothing_about_an_agent() -> None:
    assert [path.name for path in SOURCES if path.parent == WEB / "agent" and re.search(r"\bDate\b", code(path))] == []


def test_lines_are_short_enough_to_read() -> None:
    written = [*(WEB / "agent").glob("*.ts"), *(WEB / "console").rglob("*.ts"), *TESTS.glob("*.ts")]
    lines = [(path.name, line) for path in written for line in path.read_text().splitlines()]
    assert [(name, line) for name, line in lines if len(line) > CHARACTERS_MAX] == []
