"""`firemesh audit`: who was allowed what, and who was not; and whether anything is missing from that."""

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from firemesh_cli.actions.running import EXAMPLES, acting, until_interrupted
from firemesh_cli.operator import Operator, Row, add_operator_options

if TYPE_CHECKING:
    from firemesh_cli.commands import Subparsers

PAGE_MAX = 200
EXIT_BROKEN = 1


def register(subparsers: "Subparsers") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser("audit", help="follow the audit trail, or check it")
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    tail = actions.add_parser(
        "tail",
        help="show the newest records and follow new ones until Ctrl-C",
        description="Show the newest records of a trail and follow new ones until Ctrl-C, or check the whole chain.",
        formatter_class=EXAMPLES,
    )
    tail.epilog = (
        "examples:\n"
        "  firemesh audit tail --mesh m1                     # a mesh's trail\n"
        "  firemesh audit tail --no-follow --lines 100       # the project's: keys, deletions, strangers\n"
        "  firemesh audit tail --mesh m1 --verify            # status 1 when a record is missing or altered"
    )
    tail.add_argument("--mesh", default="", help="the trail of this mesh (default: the project's)")
    tail.add_argument("--lines", type=int, default=10, help="how many of the newest to begin with (default: 10)")
    tail.add_argument("--no-follow", action="store_true", help="end after these")
    tail.add_argument("--verify", action="store_true", help="check that no record is missing or altered, instead")
    tail.add_argument("--json", action="store_true", help="print one JSON object a line")
    add_operator_options(tail)
    tail.set_defaults(handler=acting(_tail))


async def _tail(way: Operator, args: argparse.Namespace) -> int:
    return await until_interrupted(_verify(way, args) if args.verify else _show(way, args))


async def _show(way: Operator, args: argparse.Namespace) -> int:
    show = _show_json if args.json else _printer()
    last = (await way.read_audit(args.mesh, start=1, limit=1))["last"]
    start = max(1, last - max(0, args.lines) + 1)
    while True:
        page = await way.read_audit(args.mesh, start=start, limit=PAGE_MAX)
        for record in page["records"]:
            show(record)
            start = record["number"] + 1
        if page["next_start"]:
            continue
        if args.no_follow:
            return 0
        await way.audit_has_grown(args.mesh, start - 1)


async def _verify(way: Operator, args: argparse.Namespace) -> int:
    checked, start = 0, 1
    while True:
        report = await way.check_audit(args.mesh, start=start)
        checked, start = checked + report["checked"], report["next_start"]
        if not start:
            break
    broken_at = report["broken_at"]
    if args.json:
        print(json.dumps({"checked": checked, "broken_at": broken_at}))
    elif broken_at:
        print(f"record {broken_at} is missing, altered or in the wrong place")
    else:
        print(f"{checked} records, all in place")
    return EXIT_BROKEN if broken_at else 0


def _show_json(record: Row) -> None:
    print(json.dumps(dict(record)), flush=True)


def _printer() -> Callable[[Row], None]:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)

    def show(record: Row) -> None:
        at = datetime.fromtimestamp(record["at_ms"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        decided = "[green]allowed[/]" if record["allowed"] else f"[red]denied [/] {escape(record['reason'])}"
        about = " ".join(filter(None, (record["mesh"], record["target"])))
        console.print(
            f"[dim]{record['number']:>6}  {at}[/]  {escape(record['who']):<14} {record['role']:<9}"
            f" {record['operation']:<20} {escape(about):<20} {decided}"
        )

    return show
