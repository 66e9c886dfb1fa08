"""The site is built when its sources have changed, and each stack serves it with a configuration of its own."""

import sys
from pathlib import Path

import pytest

from firemesh.errors import LocalStackError
from firemesh_cli.stack.site import CONFIG, ensure_site, lay_out_site, site_is_current

NODE = Path(sys.executable)
"""Builds of these tests are Python programs, so Python plays Node."""
BUILD = """
import pathlib
pathlib.Path("web_worker/dist").mkdir(exist_ok=True)
page = pathlib.Path("web_worker/dist/index.html")
page.write_text((page.read_text() if page.exists() else "") + "built;")
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "web_worker").mkdir()
    (tmp_path / "web_worker/build.mjs").write_text(BUILD)
    (tmp_path / "package-lock.json").write_text("{}")
    return tmp_path


def page(root: Path) -> str:
    return (root / "web_worker/dist/index.html").read_text()


def test_a_site_is_built_once_and_again_when_a_source_or_a_package_changes(root: Path) -> None:
    ensure_site(root, NODE)
    ensure_site(root, NODE)
    assert page(root) == "built;"
    (root / "web_worker/main.ts").write_text("new")
    assert not site_is_current(root)
    ensure_site(root, NODE)
    (root / "package-lock.json").write_text('{"newer": 1}')
    ensure_site(root, NODE)
    assert page(root) == "built;built;built;"


def test_a_failed_build_says_why_and_is_not_taken_for_a_site(root: Path) -> None:
    (root / "web_worker/build.mjs").write_text("raise SystemExit('a bracket is missing')")
    with pytest.raises(LocalStackError, match="a bracket is missing"):
        ensure_site(root, NODE)
    assert not site_is_current(root)


def test_a_checkout_without_sources_has_no_site_and_needs_none(tmp_path: Path) -> None:
    ensure_site(tmp_path, NODE)
    assert list(lay_out_site(tmp_path, tmp_path / "site").iterdir()) == []


def test_a_stack_serves_the_site_as_built_with_a_configuration_of_its_own(root: Path) -> None:
    ensure_site(root, NODE)
    (root / "web_worker/dist" / CONFIG).write_text("of production")
    folder = lay_out_site(root, root / "site")
    (folder / CONFIG).write_text("of this stack")
    assert (root / "web_worker/dist" / CONFIG).read_text() == "of production"
    (root / "web_worker/dist/index.html").write_text("built anew")
    assert (folder / "index.html").read_text() == "built anew"
