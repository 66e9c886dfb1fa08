"""The moments that the page is drawn and tested from are what the engine shows today."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "web_worker" / "page" / "fixtures"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("web_fixtures", ROOT / "tools" / "web_fixtures.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_moments_are_as_the_engine_shows_them(tool: ModuleType) -> None:
    made = {f"{name}.json": tool.text_of(tool.fixture(name)) for name in tool.WANTED}
    found = {path.name: path.read_text() for path in FOLDER.iterdir()}
    stale = sorted(name for name in made.keys() | found.keys() if made.get(name) != found.get(name))
    assert stale == [], "the engine has changed since; run `.venv/bin/python tools/web_fixtures.py`"


def test_nobody_sees_the_role_of_a_living_player_before_the_end(tool: ModuleType) -> None:
    for name in tool.WANTED:
        public = tool.fixture(name)["public"]
        assert public["phase"] == "over" or not [seat for seat in public["seats"] if seat["alive"] and "role" in seat]
