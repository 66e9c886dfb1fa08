"""What each operation may be billed at the most: the committed table `budget.json`.

It is the one truth: `make bench` and the tests miss a row that costs more, and a test compares the page of figures with it.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from firemesh_cli.bench.section import Figure

TABLE = Path(__file__).with_name("budget.json")


@cache
def budget() -> Mapping[str, Mapping[str, Mapping[str, int]]]:
    """The table: by section and row, the figures that have a bound."""
    found: dict[str, dict[str, dict[str, int]]] = json.loads(TABLE.read_text(encoding="utf-8"))
    return found


def over_budget(section: str, columns: tuple[str, ...], rows: Mapping[str, tuple[Figure, ...]]) -> tuple[str, ...]:
    """The rows of a section in which something costs more than the table allows, or that are not in it."""
    return tuple(name for name, figures in rows.items() if not _within(section, name, dict(zip(columns, figures, strict=True))))


def _within(section: str, name: str, spent: Mapping[str, Figure]) -> bool:
    allowed = budget()[section].get(name)
    return allowed is not None and all(float(spent[column]) <= most for column, most in allowed.items())
