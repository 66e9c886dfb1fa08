"""What docs/performance.md says of billed operations is what the committed table holds the code to."""

import re
from pathlib import Path

import pytest

from firemesh_cli.bench.budget import budget

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
FIRST_COLUMNS = {"mesh-operations": "operation", "game": "game", "operations": "call"}


def table(first: str) -> dict[str, dict[str, int]]:
    """The table whose first column has this name: its rows by their first cell, figures by column."""
    lines = iter(PAGE.read_text(encoding="utf-8").splitlines())
    header = next(cells(line) for line in lines if line.startswith(f"| {first} |"))
    next(lines)  # the rule below it
    rows = {}
    for line in lines:
        if not line.startswith("|"):
            break
        name, *figures = cells(line)
        rows[name] = dict(zip((column.replace(" ", "_") for column in header[1:]), map(int, figures), strict=True))
    return rows


def cells(line: str) -> list[str]:
    return [cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


@pytest.mark.parametrize("section", FIRST_COLUMNS)
def test_page_and_table_say_the_same(section: str) -> None:
    assert table(FIRST_COLUMNS[section]) == budget()[section]
