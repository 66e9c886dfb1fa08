"""`firemesh mesh`: create a mesh, list them all, see how one stands."""

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from firemesh_cli.api_client import ApiClient, add_api_option
from firemesh_cli.connection import add_connection_options, connect

if TYPE_CHECKING:
    from firemesh.runtime.mesh import MeshReport
    from firemesh_cli.commands import Subparsers


MESHES_LISTED_MAX = 100


def register(subparsers: "Subparsers") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser("mesh", help="create a mesh, list them, see how one stands")
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    _register_create(actions)
    listing = actions.add_parser("list", help="the ids of all meshes, one a line")
    listing.add_argument("--start", default="", help="list from this id on (default: from the first)")
    add_connection_options(listing)
    add_api_option(listing)
    listing.set_defaults(handler=lambda args: asyncio.run(_list(args)))
    status = actions.add_parser("status", help="who leads, who is in it, what is wrong")
    status.add_argument("mesh_id")
    status.add_argument("--json", action="store_true", help="print one JSON object")
    add_connection_options(status)
    add_api_option(status)
    status.set_defaults(handler=lambda args: asyncio.run(_status(args)))


def _register_create(actions: "Subparsers") -> None:
    create = actions.add_parser("create", help="create a mesh with nobody in it yet")
    create.add_argument("mesh_id")
    create.add_argument("--machine", default="mafia", help="what the mesh replicates (default: mafia)")
    create.add_argument("--seats", type=int, default=12, help="seats at a table of Mafia, 5 to 30 (default: 12)")
    create.add_argument("--seed", type=int, default=1, help="seed of the deal (default: 1)")
    create.add_argument("--setup", help="the machine's whole setup as a JSON object, instead of --seats and --seed")
    create.add_argument("--profile", choices=("default", "fast", "test"), default="default", help="timing of the lease")
    create.add_argument(
        "--hosting",
        choices=("processes", "functions"),
        default="processes",
        help="functions: Cloud Functions manage it whenever no manager process does (default: processes)",
    )
    add_connection_options(create)
    add_api_option(create)
    create.set_defaults(handler=lambda args: asyncio.run(_create(args)))


async def _create(args: argparse.Namespace) -> int:
    from firemesh.core.params import PROFILES
    from firemesh.runtime.mesh import Mesh
    from firemesh.store.mesh_store import Hosting

    if args.api:
        chosen = {name: getattr(args, name) for name in ("mesh_id", "machine", "profile", "hosting")}
        ApiClient(args.api).call("POST", "/meshes", {**chosen, "setup": _setup(args)})
    else:
        store = connect(args, "operator")
        try:
            await Mesh.create(
                store,
                args.mesh_id,
                machine=args.machine,
                setup=_setup(args),
                params=PROFILES[args.profile],
                hosting=Hosting(args.hosting),
            )
        finally:
            await store.close()
    more = (
        "" if args.hosting == "functions" else f"; add managers with: firemesh agent run --mesh {args.mesh_id} --type manager"
    )
    print(f"mesh {args.mesh_id} created{more}")
    return 0


def _setup(args: argparse.Namespace) -> dict[str, object]:
    from firemesh.errors import InvalidMessage

    if args.setup is None:
        return {"seats": args.seats, "seed": args.seed} if args.machine == "mafia" else {}
    try:
        setup = json.loads(args.setup)
    except ValueError as error:
        raise InvalidMessage(f"--setup is not JSON: {error}") from error
    if not isinstance(setup, dict):
        raise InvalidMessage("--setup must be a JSON object")
    return setup


async def _list(args: argparse.Namespace) -> int:
    from firemesh.runtime.mesh import list_mesh_ids

    if args.api:
        page = ApiClient(args.api).call("GET", f"/meshes?{urlencode({'start': args.start, 'limit': MESHES_LISTED_MAX})}")
        found, more = page["meshes"], page["next_start"]
    else:
        store = connect(args, "operator")
        try:
            ids = await list_mesh_ids(store, start=args.start, limit=MESHES_LISTED_MAX + 1)
        finally:
            await store.close()
        found, more = ids[:MESHES_LISTED_MAX], "".join(ids[MESHES_LISTED_MAX:])
    for mesh_id in found:
        print(mesh_id)
    if more:
        print(f"there are more: --start {more}", file=sys.stderr)
    return 0


async def _status(args: argparse.Namespace) -> int:
    from firemesh.runtime.mesh import Mesh, MeshReport

    if args.api:
        report = MeshReport(**ApiClient(args.api).call("GET", f"/meshes/{quote(args.mesh_id, safe='')}"))
    else:
        store = connect(args, "operator")
        try:
            report = await Mesh(store, args.mesh_id).get_status()
        finally:
            await store.close()
    if args.json:
        print(json.dumps(asdict(report)))
    else:
        _print_status(report)
    return 0


def _print_status(report: "MeshReport") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    leader = report.leader or "nobody"
    console.print(
        f"mesh [bold]{escape(report.mesh_id)}[/] ({escape(report.machine)}): "
        f"{escape(leader)} leads term {report.term}, {report.last_index} entries"
    )
    table = Table("agent", "type", "process")
    for agent, row in sorted(report.members.items()):
        table.add_row(escape(agent) + (" *" if agent == report.leader else ""), row["type"], escape(row["process"]))
    console.print(table)
    for warning in report.warnings:
        console.print(f"[yellow]warning:[/] {escape(warning)}")
