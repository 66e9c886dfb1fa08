"""`firemesh key`: make, list, replace and end API keys; the first with this machine's credentials, all others either way."""

import argparse
import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from firemesh_cli.actions.running import EXAMPLES, acting
from firemesh_cli.operator import Operator, Row, add_operator_options

if TYPE_CHECKING:
    from firemesh_cli.commands import Subparsers

ROLES = ("admin", "operator", "manager", "worker", "observer", "guest")


def register(subparsers: "Subparsers") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser("key", help="make, list, rotate and revoke API keys of the control plane")
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    create = _register_create(actions)
    listing = actions.add_parser("list", help="all keys in one's charge, without their secrets", formatter_class=EXAMPLES)
    listing.epilog = "example:\n  firemesh key list --json | jq -r 'to_entries[] | select(.value.revoked_ms == 0) | .key'"
    revoke = actions.add_parser("revoke", help="end a key", formatter_class=EXAMPLES)
    revoke.epilog = "example:\n  firemesh key revoke 5f0c1d2e3a4b"
    rotate = actions.add_parser("rotate", help="replace a key by a new one of the same scope", formatter_class=EXAMPLES)
    rotate.epilog = "example:\n  firemesh key rotate 5f0c1d2e3a4b --overlap 86400     # the old one is good for another day"
    for each, overlap in ((revoke, 0), (rotate, 3600)):
        each.add_argument("key_id", help="its public part, as listed")
        each.add_argument("--overlap", type=int, default=overlap, help=f"seconds until it ends (default: {overlap})")
    for each in (create, listing, rotate):
        each.add_argument("--json", action="store_true", help="print one JSON object")
    for each, action in ((create, _create), (listing, _list), (revoke, _revoke), (rotate, _rotate)):
        add_operator_options(each)
        each.set_defaults(handler=acting(action))


def _register_create(actions: "Subparsers") -> argparse.ArgumentParser:
    create = actions.add_parser("create", help="make a key and show it, this once", formatter_class=EXAMPLES)
    create.epilog = (
        "examples:\n"
        "  firemesh key create --role admin --label me               # the first one: with this machine's credentials\n"
        "  firemesh key create --role operator --mesh m1 --api URL   # with the key in $FIREMESH_API_KEY"
    )
    create.add_argument("--role", choices=ROLES, required=True, help="what its holder may do; see docs/api.md")
    create.add_argument("--mesh", default="*", help="the one mesh it is for (default: every mesh)")
    create.add_argument("--agent", default="", help="the only agent of that mesh its holder may act as (default: any)")
    create.add_argument("--operations", default="", help="the only operations it is for, separated by commas")
    create.add_argument("--days", type=int, default=90, help="its lifetime, 1 to 365 (default: 90)")
    create.add_argument("--label", default="", help="whose it is, for the list")
    return create


async def _create(way: Operator, args: argparse.Namespace) -> int:
    operations = tuple(name.strip() for name in args.operations.split(",") if name.strip())
    chosen = {name: getattr(args, name) for name in ("role", "mesh", "agent", "days", "label")}
    _show_made(await way.create_key({**chosen, "operations": operations}), args)
    return 0


async def _rotate(way: Operator, args: argparse.Namespace) -> int:
    _show_made(await way.rotate_key(args.key_id, args.overlap), args)
    return 0


def _show_made(made: Row, args: argparse.Namespace) -> None:
    """The key alone on standard output, so that it can be taken over; what it is, beside it."""
    if args.json:
        print(json.dumps(dict(made)))
        return
    print(made["key"])
    what = f"{made['role']} of {_scope(made)}, until {_day(made['expires_ms'])}"
    print(f"key {made['key_id']}: {what}; shown this once", file=sys.stderr)


async def _revoke(way: Operator, args: argparse.Namespace) -> int:
    await way.revoke_key(args.key_id, args.overlap)
    print(f"key {args.key_id} ends in {args.overlap} s" if args.overlap else f"key {args.key_id} is revoked")
    return 0


async def _list(way: Operator, args: argparse.Namespace) -> int:
    rows: list[Row] = []
    start = ""
    while True:
        page, start = await way.list_keys(start)
        rows.extend(page)
        if not start:
            break
    if args.json:
        print(json.dumps({row["key_id"]: {name: value for name, value in row.items() if name != "key_id"} for row in rows}))
        return 0
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("key", "role", "for", "label", "ends", "last used")
    for column in (*table.columns[:2], *table.columns[4:]):
        column.no_wrap = True
    for row in rows:
        last_used = _day(row["last_used_ms"])
        table.add_row(row["key_id"], row["role"], escape(_scope(row)), escape(row["label"]), _end(row), last_used)
    Console().print(table if rows else "there are no keys")
    return 0


def _scope(row: Row) -> str:
    mesh = "every mesh" if row["mesh"] == "*" else row["mesh"]
    return f"{row['agent']} in {mesh}" if row["agent"] else str(mesh)


def _end(row: Row) -> str:
    """When it ends; one that has a successor still lives for a while."""
    if not row["revoked_ms"]:
        return _day(row["expires_ms"])
    is_over = row["revoked_ms"] <= datetime.now(UTC).timestamp() * 1000
    return f"{'[red]revoked[/]' if is_over else '[yellow]until[/]'} {_day(row['revoked_ms'])}"


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d") if ms else "-"
