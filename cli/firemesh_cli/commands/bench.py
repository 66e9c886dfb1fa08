"""`firemesh bench`: how fast and how dear Firemesh is."""

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firemesh_cli.bench.report import Run
    from firemesh_cli.commands import Subparsers

REPEATS = 9


def register(subparsers: "Subparsers") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "bench",
        help="measure speed, cost and failover",
        description="Measure on this machine and its emulator what docs/performance.md shows. Status 1 when a goal is missed, "
        "when a section failed, or when the machine had too much else to do to tell.",
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION", help="which ones (default: all; a wrong name lists them)")
    parser.add_argument("--without", action="append", default=[], metavar="SECTION", help="leave a section out")
    parser.add_argument("--repeats", type=int, default=REPEATS, help=f"how often to repeat what varies (default {REPEATS})")
    parser.add_argument("--json", action="store_true", help="print one JSON object; the tables go to standard error")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Measure, section by section; one that fails does not stop the others."""
    from firemesh.errors import InvalidParameters, LocalStackError, MeshError
    from firemesh_cli.bench.apart import measured_apart
    from firemesh_cli.bench.report import Run
    from firemesh_cli.bench.sections import SECTIONS
    from firemesh_cli.bench.table import show
    from firemesh_cli.stack import locate

    root = locate.project_root()
    if root is None:
        raise LocalStackError("there is no Firemesh checkout here; run this inside one")
    if unknown := {*args.sections, *args.without} - SECTIONS.keys():
        raise InvalidParameters(f"sections are {', '.join(SECTIONS)}, not {', '.join(sorted(unknown))}")
    if args.repeats < 1:
        raise InvalidParameters(f"--repeats is at least 1, not {args.repeats}")
    measured = Run()
    for name in args.sections or SECTIONS:
        if name in args.without:
            continue
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        started = time.monotonic()
        try:
            measured.found[name] = measured_apart(SECTIONS[name], root, args.repeats)
        except MeshError as error:
            measured.failed[name] = str(error)
        else:
            show(measured.found[name], to_standard_error=args.json)
        finally:
            measured.seconds[name] = round(time.monotonic() - started, 1)
    _say_what_is_wrong(measured)
    if args.json:
        print(json.dumps(measured.as_json(SECTIONS)))
    return 0 if measured.good else 1


def _say_what_is_wrong(measured: "Run") -> None:
    lines = [f"{name} failed: {why}" for name, why in measured.failed.items()]
    lines += [f"goal missed: {row}" for row in measured.missed]
    lines += [f"not judged, the machine had other work to do: {row}" for row in measured.not_judged]
    for line in lines:
        print(f"firemesh: {line}", file=sys.stderr)
