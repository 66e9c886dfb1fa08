"""The calls whose cost is measured are those that exist."""

import re
from pathlib import Path

from firemesh.control_plane import routes
from firemesh_cli.bench.operations import shown
from firemesh_cli.bench.plan import CREATION, STEPS


def test_every_call_but_the_stream_is_measured() -> None:
    declared = {f"{route.method} {route.path}" for route in routes.declared() if not route.is_stream}
    assert {step.route for step in (CREATION, *STEPS)} == declared


def test_every_path_is_one_of_its_route() -> None:
    for step in (CREATION, *STEPS):
        pattern = re.sub(r"<[a-z_]+>", "[^/]+", step.route.partition(" ")[2])
        assert re.fullmatch(pattern, step.path.partition("?")[0]), step


def test_no_call_is_measured_twice() -> None:
    assert len({step.route for step in STEPS}) == len(STEPS)


def test_the_page_has_a_row_for_every_call() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "performance.md").read_text()
    rows = set(re.findall(r"^\| `([A-Z]+ /[^`]*)` \| \d+ \| \d+ \| \d+ \|$", page, re.MULTILINE))
    assert rows == {shown(step.route) for step in (CREATION, *STEPS)}
