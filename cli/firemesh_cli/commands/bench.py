"""`firemesh bench`: how fast and how dear Firemesh is."""

import argparse
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firemesh_cli.bench.section import Section
    from firemesh_cli.commands import Subparsers

REPEATS = 9
WIDTH_MIN = 100
"""Columns; figures are not cut where the output is no terminal."""


def register(subparsers: "Subparsers") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "bench",
        help="measure cold starts and billed operations",
        description="Measure on this machine and its emulator what docs/performance.md shows. Status 1 when a goal is missed.",
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION", help="cold-start, operations (default: all)")
    parser.add_argument("--repeats", type=int, default=REPEATS, help=f"how often to repeat what varies (default {REPEATS})")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Measure, section by section."""
    from firemesh.errors import InvalidParameters, LocalStackError
    from firemesh_cli.bench.sections import SECTIONS
    from firemesh_cli.stack import locate

    root = locate.project_root()
    if root is None:
        raise LocalStackError("there is no Firemesh checkout here; run this inside one")
    unknown = set(args.sections) - SECTIONS.keys()
    if unknown or args.repeats < 1:
        raise InvalidParameters(f"sections are {', '.join(SECTIONS)}, not {', '.join(unknown)}; repeats are at least 1")
    found = {}
    for name in args.sections or SECTIONS:
        found[name] = SECTIONS[name](root, args.repeats)
        if not args.json:
            _show(found[name])
    if args.json:
        print(json.dumps({name: section.as_json() for name, section in found.items()}))
    return 1 if any(section.missed for section in found.values()) else 0


def _show(section: "Section") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, soft_wrap=True)
    console.width = max(console.width, WIDTH_MIN)
    table = Table()
    table.add_column(section.title, no_wrap=True)
    for column in section.columns:
        table.add_column(column, justify="right", no_wrap=True)
    for name, figures in section.rows.items():
        table.add_row(name, *map(str, figures), style="red" if name in section.missed else None)
    console.print(f"\n{section.title}: {section.about}")
    console.print(table)
