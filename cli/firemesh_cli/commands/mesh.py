"""`firemesh mesh`: create a mesh, see how it stands, order it about, delete it."""

import argparse
import json
import sys
from typing import TYPE_CHECKING

from firemesh_cli.actions import mesh_orders, mesh_watch
from firemesh_cli.actions.running import EXAMPLES, acting
from firemesh_cli.operator import Operator, Row, add_operator_options

if TYPE_CHECKING:
    from firemesh_cli.commands import Subparsers


def register(subparsers: "Subparsers") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser("mesh", help="create a mesh, see how it stands, order it about, delete it")
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    _register_create(actions)
    listing = actions.add_parser("list", help="the ids of all meshes, one a line")
    listing.add_argument("--start", default="", help="list from this id on (default: from the first)")
    status = actions.add_parser("status", help="who leads, who is in it, what is wrong", formatter_class=EXAMPLES)
    status.epilog = "example:\n  firemesh mesh status m1 --json | jq .leader"
    status.add_argument("mesh_id")
    for each, action in ((listing, _list), (status, _status)):
        each.add_argument("--json", action="store_true", help="print one JSON object")
        add_operator_options(each)
        each.set_defaults(handler=acting(action))
    mesh_watch.register(actions)
    mesh_orders.register(actions)


def _register_create(actions: "Subparsers") -> None:
    create = actions.add_parser("create", help="create a mesh with nobody in it yet", formatter_class=EXAMPLES)
    create.epilog = "example:\n  firemesh mesh create m1 --seats 7 && firemesh agent run --mesh m1 --type manager --count 3"
    create.add_argument("mesh_id")
    create.add_argument("--machine", default="mafia", help="what the mesh replicates (default: mafia)")
    create.add_argument("--seats", type=int, default=12, help="seats at a table of Mafia, 5 to 30 (default: 12)")
    create.add_argument("--programs", type=int, default=0, help="how many of these seats the mesh plays itself (default: none)")
    create.add_argument("--seed", type=int, default=1, help="seed of the deal (default: 1)")
    create.add_argument("--setup", help="the machine's whole setup as a JSON object, instead of these three")
    create.add_argument(
        "--profile", choices=("default", "fast", "test", "thrifty"), default="default", help="timing of the lease"
    )
    create.add_argument(
        "--hosting",
        choices=("processes", "functions"),
        default="processes",
        help="functions: Cloud Functions manage it whenever no manager process does (default: processes)",
    )
    add_operator_options(create)
    create.set_defaults(handler=acting(_create))


async def _create(way: Operator, args: argparse.Namespace) -> int:
    chosen = {name: getattr(args, name) for name in ("machine", "profile", "hosting")}
    await way.create_mesh(args.mesh_id, {**chosen, "setup": _setup(args)})
    needs_managers = args.hosting == "processes"
    more = f"; add managers with: firemesh agent run --mesh {args.mesh_id} --type manager" if needs_managers else ""
    print(f"mesh {args.mesh_id} created{more}")
    return 0


def _setup(args: argparse.Namespace) -> dict[str, object]:
    from firemesh.errors import InvalidMessage

    if args.setup is None:
        wanted = {"seats": args.seats, "programs": args.programs, "seed": args.seed}
        return wanted if args.machine == "mafia" else {}
    try:
        setup = json.loads(args.setup)
    except ValueError as error:
        raise InvalidMessage(f"--setup is not JSON: {error}") from error
    if not isinstance(setup, dict):
        raise InvalidMessage("--setup must be a JSON object")
    return setup


async def _list(way: Operator, args: argparse.Namespace) -> int:
    found, more = await way.list_meshes(args.start)
    if args.json:
        print(json.dumps({"meshes": list(found), "next_start": more}))
        return 0
    for mesh_id in found:
        print(mesh_id)
    if more:
        print(f"there are more: --start {more}", file=sys.stderr)
    return 0


async def _status(way: Operator, args: argparse.Namespace) -> int:
    report = await way.status(args.mesh_id)
    if args.json:
        print(json.dumps(report))
    else:
        _print_status(report)
    return 0


def _print_status(report: Row) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    leads = f"{escape(report['leader'])} leads" if report["leader"] else "nobody leads"
    hosted = ", managed by functions" if report["hosting"] == "functions" else ""
    console.print(
        f"mesh [bold]{escape(report['mesh_id'])}[/] ({escape(report['machine'])}{hosted}) is {report['status']}: "
        f"{leads}, term {report['term']}, {report['last_index']} entries"
    )
    table = Table("agent", "type", "process")
    for agent, row in sorted(report["members"].items()):
        table.add_row(escape(agent) + (" *" if agent == report["leader"] else ""), row["type"], escape(row["process"]))
    if report["members"]:
        console.print(table)
    for warning in report["warnings"]:
        console.print(f"[yellow]warning:[/] {escape(warning)}")
