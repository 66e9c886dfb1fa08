"""`firemesh mesh drain|close|transfer|delete`: what an operator orders about a whole mesh."""

import argparse
import sys
from typing import TYPE_CHECKING

from firemesh_cli.actions.running import EXAMPLES, acting
from firemesh_cli.operator import Operator, Row, add_operator_options

if TYPE_CHECKING:
    from firemesh_cli.commands import Subparsers


def register(actions: "Subparsers") -> None:
    """Add the actions."""
    drain = actions.add_parser("drain", help="let nobody new into a mesh; all else goes on", formatter_class=EXAMPLES)
    drain.epilog = "example:\n  firemesh mesh drain m1 && firemesh mesh status m1"
    close = actions.add_parser("close", help="end a mesh for good: everybody is let go", formatter_class=EXAMPLES)
    close.epilog = "examples:\n  firemesh mesh close m1\n  firemesh mesh close m1 --api https://example.web.app/api"
    transfer = actions.add_parser("transfer", help="let another manager lead a mesh", formatter_class=EXAMPLES)
    transfer.epilog = "example:\n  firemesh mesh transfer m1 --to managers-2"
    delete = actions.add_parser("delete", help="delete a mesh with all its documents", formatter_class=EXAMPLES)
    delete.epilog = "examples:\n  firemesh mesh delete m1\n  firemesh mesh delete m1 --force     # also while it is in use"
    for each, action in ((drain, _drain), (close, _close), (transfer, _transfer), (delete, _delete)):
        each.add_argument("mesh_id")
        add_operator_options(each)
        each.set_defaults(handler=acting(action))
    transfer.add_argument("--to", required=True, metavar="MANAGER", help="who shall lead")
    delete.add_argument("--force", action="store_true", help="delete it also when it is not closed: whoever is in it, is out")


async def _drain(way: Operator, args: argparse.Namespace) -> int:
    await way.order(args.mesh_id, "drain", {})
    print(f"mesh {args.mesh_id} is ordered to let nobody new in; firemesh mesh status tells when it does")
    return 0


async def _close(way: Operator, args: argparse.Namespace) -> int:
    await way.order(args.mesh_id, "close", {})
    print(f"mesh {args.mesh_id} is ordered to close; firemesh mesh status tells when it has")
    return 0


async def _transfer(way: Operator, args: argparse.Namespace) -> int:
    await way.order(args.mesh_id, "transfer", {"to": args.to})
    print(f"mesh {args.mesh_id} is ordered to be led by {args.to}; firemesh mesh status tells when it is")
    return 0


async def _delete(way: Operator, args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    bar = Progress(
        SpinnerColumn(),
        TextColumn("deleting mesh {task.fields[mesh]}: {task.completed:.0f} documents"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task("", total=None, mesh=args.mesh_id)
        deleted, done = 0, False
        while not done:
            portion = await _portion(way, args, begun=deleted > 0)
            deleted, done = deleted + portion["deleted"], portion["done"]
            bar.update(task, completed=deleted)
    print(f"mesh {args.mesh_id} deleted: {deleted} documents")
    return 0


async def _portion(way: Operator, args: argparse.Namespace, *, begun: bool) -> Row:
    from firemesh.errors import MeshNotFound

    try:
        return await way.delete(args.mesh_id, force=args.force)
    except MeshNotFound:
        if not begun:
            raise
        return {"deleted": 0, "done": True}  # somebody else has deleted the rest
