"""Every screen of the page in a real Chromium: what a keyboard, a screen reader or the site's own policy would refuse."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import ROOT, chromium

SECONDS_MAX = 500


def judged(site: Path, *options: str) -> list[dict[str, Any]]:
    """A row per screen: {screen, size, violations, errors}."""
    command = ["node", str(ROOT / "tests/browser/page_fixtures.mjs"), str(site), *options]
    environment = {**os.environ, "CHROMIUM": chromium()}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def build(folder: Path, *options: str) -> Path:
    subprocess.run(["node", "web_worker/build.mjs", "--out", str(folder), *options], cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield build(tmp_path_factory.mktemp("site") / "dist", "--development")


def test_every_screen_is_accessible_fits_a_phone_and_keeps_to_the_policy(site: Path) -> None:
    rows = judged(site, "--sizes", "phone")
    assert len(rows) > 30
    assert [row for row in rows if row["violations"] or row["errors"]] == []


def test_screens_of_every_layout_are_so_at_a_desk_too(site: Path) -> None:
    shown = "home,lobby,night-mafioso,discussion,ballot-thirty,over-watch,console-door,console-failover"
    rows = judged(site, "--sizes", "desk", "--only", shown)
    assert [row for row in rows if row["violations"] or row["errors"]] == []


def test_the_smallest_phone_has_room_for_the_widest_screens(site: Path) -> None:
    rows = judged(site, "--sizes", "narrow", "--only", "home,console-failover,ballot-thirty,over-watch")
    assert [row for row in rows if row["violations"] or row["errors"]] == []


def test_where_no_hour_decides_the_dark_colours_are_as_legible(site: Path) -> None:
    rows = judged(site, "--sizes", "desk", "--scheme", "dark", "--only", "home,console-door,console-failover")
    assert [row for row in rows if row["violations"] or row["errors"]] == []


def test_a_fault_is_found(site: Path, tmp_path: Path) -> None:
    spoilt = tmp_path / "dist"
    spoilt.mkdir()
    body = '<h1>x</h1><button></button><p style="width: 200vw">x</p>'
    (spoilt / "index.html").write_text(f"<!doctype html><html><head><title>x</title></head><body>{body}</body></html>")
    [row] = judged(spoilt, "--sizes", "phone", "--only", "home")
    assert any(violation.startswith("button-name") for violation in row["violations"])
    assert any(violation.startswith("html-has-lang") for violation in row["violations"])
    assert any("Content Security Policy" in error for error in row["errors"])


def test_the_site_that_is_deployed_holds_no_recorded_moment_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    texts = {
        path.name: path.read_text() for path in build(tmp_path / "dist").rglob("*") if path.suffix in {".js", ".css", ".html"}
    }
    page = "".join(text for name, text in texts.items() if name.startswith(("main-", "index")))
    assert "fixtures/" not in page
    assert "firestore" not in page, "the SDK belongs into the worker"
    assert "http://" not in page.replace("http://www.w3.org/", "")
