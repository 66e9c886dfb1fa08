"""What an entry point loads late is found in the source, through the functions it calls."""

from pathlib import Path

from firemesh_cli.bench.cold_start import entry_points

MAIN = """
import os
from firebase_functions import https_fn

@https_fn.on_request()
def api(request):
    from ours.gateway import buffered
    return _started("api", _control_plane)

@https_fn.on_request()
def quiet(request):
    return "ok"

def _started(name, start):
    import ours.process
    return start()

def _control_plane():
    from ours.service import Service
    return Service(_control_plane)

def _unused():
    from ours.other import Other
"""


def test_late_imports_are_followed_through_the_functions_that_are_named(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(MAIN)
    assert entry_points(tmp_path / "main.py") == {
        "api": ["ours.gateway", "ours.process", "ours.service"],
        "quiet": [],
    }


def test_the_entry_points_of_this_program_are_found() -> None:
    found = entry_points(Path(__file__).resolve().parents[3] / "functions" / "main.py")
    assert "firemesh.control_plane.service" in found["api"]
