"""The pictures and the tables in docs/performance.md show what was measured: the record that is kept beside them."""

import json
from pathlib import Path

import pytest

from firemesh_cli.bench.peers.plots import drawn
from firemesh_cli.bench.peers.record import Record
from firemesh_cli.bench.peers.tables import sections

ROOT = Path(__file__).resolve().parents[2]
PLOTS = ROOT / "docs" / "plots"
PAGE = ROOT / "docs" / "performance.md"


@pytest.fixture(scope="module")
def record() -> Record:
    return Record.from_json(json.loads((PLOTS / "peers.json").read_text()))


def test_every_picture_is_the_one_that_the_record_draws(record: Record) -> None:
    assert {path.name: path.read_text() for path in PLOTS.glob("*.svg")} == drawn(record)


def test_every_picture_is_shown() -> None:
    shown = PAGE.read_text()
    assert [path.name for path in PLOTS.glob("*.svg") if f"](plots/{path.name})" not in shown] == []


def test_every_row_of_the_tables_is_the_one_that_was_measured(record: Record) -> None:
    lines = PAGE.read_text().splitlines()
    rows = [
        f"| {name} | {' | '.join(map(str, figures))} |"
        for section in sections(record)
        for name, figures in section.rows.items()
    ]
    assert [row for row in rows if row not in lines] == []


def test_the_record_misses_nobody(record: Record) -> None:
    assert (record.left_out, len(list(sections(record)))) == ({}, 3)
