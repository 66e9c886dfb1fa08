"""`firemesh agent list|provision|terminate`: the agents of a mesh as its operator deals with them."""

import argparse
import json
import sys
from typing import TYPE_CHECKING

from firemesh_cli.actions.running import EXAMPLES, acting
from firemesh_cli.operator import Operator, add_operator_options

if TYPE_CHECKING:
    from firemesh_cli.commands import Subparsers

COLOURS = {"alive": "green", "dead": "red", "left": "dim"}


def register(actions: "Subparsers") -> None:
    """Add the actions."""
    listing = actions.add_parser("list", help="who is in a mesh, and who was", formatter_class=EXAMPLES)
    listing.epilog = (
        "examples:\n  firemesh agent list --mesh m1\n  firemesh agent list --mesh m1 --json | jq -r '.agents[].agent'"
    )
    provision = actions.add_parser(
        "provision",
        help="make the key with which one agent joins a mesh",
        description="Make an API key with which this agent, and nobody else, joins this mesh as a worker. Shown this once.",
        formatter_class=EXAMPLES,
    )
    provision.epilog = (
        "example:\n"
        "  export FIREMESH_API_KEY=$(firemesh agent provision ann --mesh m1)\n"
        "  firemesh agent run --mesh m1 --agents ann --api URL"
    )
    provision.add_argument("agent_id")
    provision.add_argument("--days", type=int, default=90, help="lifetime of the key, 1 to 365 (default: 90)")
    provision.add_argument("--label", default="", help="whose it is, for the list of keys")
    for each in (listing, provision):
        each.add_argument("--json", action="store_true", help="print one JSON object")
    terminate = actions.add_parser("terminate", help="have an agent removed from a mesh", formatter_class=EXAMPLES)
    terminate.epilog = "example:\n  firemesh agent terminate ann --mesh m1"
    terminate.add_argument("agent_id")
    for each, action in ((listing, _list), (provision, _provision), (terminate, _terminate)):
        each.add_argument("--mesh", required=True, help="the mesh it is about")
        add_operator_options(each)
        each.set_defaults(handler=acting(action))


async def _list(way: Operator, args: argparse.Namespace) -> int:
    rows = await way.agents(args.mesh)
    if args.json:
        print(json.dumps({"agents": [dict(row) for row in rows]}))
        return 0
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("agent", "type", "status", "process", "run", "since entry")
    for row in rows:
        status = f"[{COLOURS.get(row['status'], 'white')}]{escape(row['status'])}[/]"
        table.add_row(escape(row["agent"]), row["type"], status, escape(row["process"]), row["inc"], str(row["since"]))
    Console().print(table if rows else f"mesh [bold]{escape(args.mesh)}[/] has had no agents")
    return 0


async def _provision(way: Operator, args: argparse.Namespace) -> int:
    made = await way.provision(args.mesh, args.agent_id, {"days": args.days, "label": args.label})
    if args.json:
        print(json.dumps(dict(made)))
        return 0
    print(made["key"])
    whose = f"agent {args.agent_id} of mesh {args.mesh}"
    print(f"key {made['key_id']}: {whose}, for {args.days} days; shown this once", file=sys.stderr)
    return 0


async def _terminate(way: Operator, args: argparse.Namespace) -> int:
    await way.terminate(args.mesh, args.agent_id)
    print(f"agent {args.agent_id} is ordered to leave mesh {args.mesh}; firemesh agent list tells when it has")
    return 0
