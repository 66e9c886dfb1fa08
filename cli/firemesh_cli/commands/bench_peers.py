"""`firemesh bench-peers`: the mesh beside etcd, ZooKeeper, NATS and Redis."""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from firemesh_cli.bench.peers.record import Record
    from firemesh_cli.commands import Subparsers

PARTS = ("failover", "messages", "cost")
KILLS, MESSAGES = 12, 300
PLOTS = Path("docs", "plots")
RECORD = "peers.json"


def register(subparsers: "Subparsers") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "bench-peers",
        help="measure the mesh beside etcd, ZooKeeper, NATS and Redis",
        description="Download these systems below the checkout (Debian packages and PyPI; nothing is installed), measure them "
        "and the mesh in one run on 127.0.0.1, work out what an hour of a mesh costs, and draw it all. What is missing is "
        "named and left out; then the drawings stay as they are. Status 1 only when the mesh itself could not be measured.",
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"which of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--kills", type=int, default=KILLS, help=f"how often to kill each leader (default {KILLS})")
    parser.add_argument("--messages", type=int, default=MESSAGES, help=f"how many to send each time (default {MESSAGES})")
    parser.add_argument("--plots", type=Path, help="where to put the drawings and the record (default: docs/plots)")
    parser.add_argument("--json", action="store_true", help="print the record; the tables go to standard error")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Measure all, show it, draw it."""
    from firemesh.errors import InvalidParameters, LocalStackError
    from firemesh_cli.bench.peers.run import missing_of_ours
    from firemesh_cli.stack import locate

    root = locate.project_root()
    if root is None:
        raise LocalStackError("there is no Firemesh checkout here; run this inside one")
    if unknown := set(args.parts) - set(PARTS):
        raise InvalidParameters(f"parts are {', '.join(PARTS)}, not {', '.join(sorted(unknown))}")
    if args.kills < 1 or args.messages < 1:
        raise InvalidParameters("kill at least one leader and send at least one message")
    parts = args.parts or PARTS
    record = _measured(root, parts, args)
    _show(record, to_standard_error=args.json)
    if args.json:
        print(json.dumps(record.as_json()))
    keep(record, args.plots or root / PLOTS)
    return 1 if missing_of_ours(record, parts) else 0


def _measured(root: Path, parts: "Sequence[str]", args: argparse.Namespace) -> "Record":
    from firemesh_cli.bench.peers import run as whole_run
    from firemesh_cli.bench.peers.record import Record
    from firemesh_cli.stack.supervisor import LocalStack

    record = Record()
    if "failover" in parts or "messages" in parts:
        with LocalStack(root) as stack:
            asyncio.run(whole_run.measure(root, stack, record, parts, kills=args.kills, count=args.messages, note=_say))
    if "cost" in parts:
        from firemesh_cli.bench.peers import cost

        _say("cost of an hour")
        record.cost = cost.measure()
    return record


def _show(record: "Record", *, to_standard_error: bool) -> None:
    from firemesh_cli.bench.peers.tables import sections
    from firemesh_cli.bench.table import show

    for section in sections(record):
        show(section, to_standard_error=to_standard_error)
        for row in section.not_judged:
            _say(f"the machine had other work to do, so this says little: {section.title}: {row}")


def keep(record: "Record", folder: Path) -> None:
    """Write the record, over the parts of an earlier one, and draw it; unless somebody is missing from it."""
    from firemesh_cli.bench.peers.plots import drawn
    from firemesh_cli.bench.peers.record import Record

    if record.left_out:
        for what, why in record.left_out.items():
            _say(f"left out: {what}: {why}")
        _say(f"the drawings in {folder} show every system, so they stay as they are")
        return
    path = folder / RECORD
    if path.exists():
        record = Record.from_json(json.loads(path.read_text())).updated(record)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record.as_json(), indent=1) + "\n")
    drawings = drawn(record)
    for name, text in drawings.items():
        (folder / name).write_text(text)
    _say(f"drawn: {', '.join(drawings)} in {folder}")


def _say(what: str) -> None:
    print(f"firemesh: {what}", file=sys.stderr, flush=True)
