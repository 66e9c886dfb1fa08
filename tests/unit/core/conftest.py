"""Fixtures of the core's tests."""

import pytest

from tests.support.scripted import Scripted, ScriptedMesh, join


@pytest.fixture
def mesh() -> ScriptedMesh:
    """Two managers, of which m1 leads, and a worker w."""
    return ScriptedMesh("m1", "m2").led_by("m1", join("w"))


@pytest.fixture
def leader(mesh: ScriptedMesh) -> Scripted:
    """Whoever leads it."""
    return mesh["m1"]
