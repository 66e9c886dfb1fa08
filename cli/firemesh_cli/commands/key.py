"""`firemesh key`: API keys of the control plane, made and ended with the credentials of this machine."""

import argparse
import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from firemesh_cli.connection import add_connection_options, connect

if TYPE_CHECKING:
    from firemesh.control_plane.key_ring import KeyRing
    from firemesh_cli.commands import Subparsers

ROLES = ("admin", "operator", "manager", "worker", "observer", "guest")


def register(subparsers: "Subparsers") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser("key", help="make, list, rotate and revoke API keys of the control plane")
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    create = actions.add_parser("create", help="make a key and show it, this once")
    create.add_argument("--role", choices=ROLES, required=True, help="what its holder may do; see docs/api.md")
    create.add_argument("--mesh", default="*", help="the one mesh it is for (default: every mesh)")
    create.add_argument("--operations", default="", help="the only operations it is for, separated by commas")
    create.add_argument("--days", type=int, default=90, help="its lifetime, 1 to 365 (default: 90)")
    create.add_argument("--label", default="", help="whose it is, for the list")
    listing = actions.add_parser("list", help="all keys, without their secrets")
    listing.add_argument("--json", action="store_true", help="print one JSON object")
    revoke = actions.add_parser("revoke", help="end a key")
    rotate = actions.add_parser("rotate", help="replace a key by a new one of the same scope")
    for each, overlap in ((revoke, 0), (rotate, 3600)):
        each.add_argument("key_id", help="its public part, as listed")
        each.add_argument("--overlap", type=int, default=overlap, help=f"seconds until it ends (default: {overlap})")
    for each, work in ((create, _create), (listing, _list), (revoke, _revoke), (rotate, _rotate)):
        add_connection_options(each)
        each.set_defaults(handler=_with_key_ring(work))


def _with_key_ring(
    work: "Callable[[KeyRing, argparse.Namespace], Awaitable[None]]",
) -> Callable[[argparse.Namespace], int]:
    def run(args: argparse.Namespace) -> int:
        asyncio.run(_open_and_work(args, work))
        return 0

    return run


async def _open_and_work(args: argparse.Namespace, work: "Callable[[KeyRing, argparse.Namespace], Awaitable[None]]") -> None:
    from firemesh.control_plane.api_key import check_pepper
    from firemesh.control_plane.key_ring import KeyRing

    pepper = check_pepper(os.environ.get("API_KEY_PEPPER", ""))
    emulated = args.host or os.environ.get("FIRESTORE_EMULATOR_HOST")
    store = connect(args, "operator")
    try:
        await work(KeyRing(store, pepper, environment="local" if emulated else "prod"), args)
    finally:
        await store.close()


async def _create(ring: "KeyRing", args: argparse.Namespace) -> None:
    from firemesh.control_plane.access import AccessRole, Operation
    from firemesh.control_plane.key_ring import KeyRequest
    from firemesh.errors import InvalidParameters

    try:
        operations = tuple(Operation(name.strip()) for name in args.operations.split(",") if name.strip())
    except ValueError as error:
        raise InvalidParameters(f"--operations: {error}; known are {', '.join(Operation)}") from error
    request = KeyRequest(AccessRole(args.role), args.mesh, operations, args.days, args.label)
    print((await ring.create(request)).text)


async def _rotate(ring: "KeyRing", args: argparse.Namespace) -> None:
    print((await ring.rotate(args.key_id, overlap_seconds=args.overlap)).text)


async def _revoke(ring: "KeyRing", args: argparse.Namespace) -> None:
    await ring.revoke(args.key_id, overlap_seconds=args.overlap)
    print(f"key {args.key_id} ends in {args.overlap} s" if args.overlap else f"key {args.key_id} is revoked")


async def _list(ring: "KeyRing", args: argparse.Namespace) -> None:
    records = await ring.list()
    if args.json:
        rows = {key_id: record.model_dump(mode="json", exclude={"digest"}) for key_id, record in records.items()}
        print(json.dumps(rows))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("key", "role", "mesh", "label", "expires", "revoked", "last used")
    for key_id, record in records.items():
        times = [_day(each) for each in (record.expires_ms, record.revoked_ms, record.last_used_ms)]
        table.add_row(key_id, record.role, record.mesh, escape(record.label), *times)
    Console().print(table)


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M") if ms else "-"
