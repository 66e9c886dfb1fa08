"""The gate over the tests of this folder runs behind all of them."""

from pathlib import Path

import pytest

GATE = "test_the_tests_of_this_folder_have_seen_every_expression_both_ways"
HERE = Path(__file__).resolve().parent


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the gate behind the last test of this folder; tests of other folders stay where they are."""
    gates = [item for item in items if item.path.parent == HERE and item.name == GATE]
    for gate in gates:
        items.remove(gate)
        last = max((place for place, item in enumerate(items) if item.path.parent == HERE), default=-1)
        items.insert(last + 1, gate)
