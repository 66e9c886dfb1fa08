"""docs/deploy.md speaks of the functions, secrets and settings that there are."""

import ast
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text()
MAIN = (ROOT / "functions" / "main.py").read_text()
ROWS = {row[0]: row[1] for row in re.findall(r"^\| `(\w+)` \|.*\|([^|]*)\|$", PAGE.partition("## 1.")[0], re.MULTILINE)}


def deployed() -> dict[str, set[str]]:
    """Every function of main.py, with the secrets it is given."""
    found = [each for each in ast.parse(MAIN).body if isinstance(each, ast.FunctionDef) and each.decorator_list]
    secrets = dict(re.findall(r'^(\w+) = params\.SecretParam\("(\w+)"\)', MAIN, re.MULTILINE))
    return {
        each.name: {name for variable, name in secrets.items() if variable in ast.unparse(each.decorator_list[0])}
        for each in found
    }


def test_every_function_has_its_row_with_its_secrets() -> None:
    assert {name: set(re.findall(r"`(\w+)`", secrets)) for name, secrets in ROWS.items()} == deployed()


def test_every_setting_of_the_page_is_one_of_the_program() -> None:
    sources = "".join(
        path.read_text() for top in ("functions", "cli") for path in (ROOT / top).rglob("*.py") if "venv" not in path.parts
    )
    named = set(re.findall(r"\b(FIREMESH_[A-Z_]+)\b", PAGE))
    assert {name for name in named if name not in sources} == set()


def test_the_region_of_the_page_is_that_of_the_functions_and_of_hosting() -> None:
    region = re.search(r'^REGION = "([a-z0-9-]+)"', MAIN, re.MULTILINE)
    assert region is not None
    assert f"REGION={region[1]}" in PAGE
    rewrites = json.loads((ROOT / "firebase.json").read_text())["hosting"]["rewrites"]
    assert {each["function"]["region"] for each in rewrites} == {region[1]}
