"""A section on the terminal."""

from rich.console import Console
from rich.table import Table

from firemesh_cli.bench.section import Section

WIDTH_MIN = 120
"""Columns; figures are not cut where the output is no terminal."""


def show(section: Section, *, to_standard_error: bool) -> None:
    """Print a section: red is a goal missed, yellow what a busy machine could not tell."""
    console = Console(highlight=False, soft_wrap=True, stderr=to_standard_error)
    console.width = max(console.width, WIDTH_MIN)
    table = Table()
    table.add_column(section.title, no_wrap=True)
    for column in section.columns:
        table.add_column(column, justify="right", no_wrap=True)
    styles = dict.fromkeys(section.not_judged, "yellow") | dict.fromkeys(section.missed, "red")
    for name, figures in section.rows.items():
        table.add_row(name, *map(str, figures), style=styles.get(name))
    console.print(f"\n{section.title}: {section.about}")
    console.print(table)
