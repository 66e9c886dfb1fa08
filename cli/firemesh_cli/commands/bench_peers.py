"""`firemesh bench-peers`: the mesh beside etcd, ZooKeeper, NATS and Redis."""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firemesh_cli.bench.peers.record import Record
    from firemesh_cli.commands import Subparsers

KILLS, MESSAGES = 12, 300
PLOTS = Path("docs", "plots")
RECORD = "peers.json"


def register(subparsers: "Subparsers") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "bench-peers",
        help="measure the mesh beside etcd, ZooKeeper, NATS and Redis",
        description="Download these systems below the checkout (Debian packages and PyPI; nothing is installed), measure them "
        "and the mesh in one run on 127.0.0.1, and draw what was found. What is missing is named and left out; then the "
        "drawings stay as they are. Status 1 only when the mesh itself could not be measured.",
    )
    parser.add_argument("--kills", type=int, default=KILLS, help=f"how often to kill each leader (default {KILLS})")
    parser.add_argument("--messages", type=int, default=MESSAGES, help=f"how many to send each time (default {MESSAGES})")
    parser.add_argument("--plots", type=Path, help="where to put the drawings and the record (default: docs/plots)")
    parser.add_argument("--json", action="store_true", help="print the record; the tables go to standard error")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Measure all, show it, draw it."""
    from firemesh.errors import InvalidParameters, LocalStackError
    from firemesh_cli.bench.peers import run as whole_run
    from firemesh_cli.stack import locate
    from firemesh_cli.stack.supervisor import LocalStack

    root = locate.project_root()
    if root is None:
        raise LocalStackError("there is no Firemesh checkout here; run this inside one")
    if args.kills < 1 or args.messages < 1:
        raise InvalidParameters("kill at least one leader, and send at least one message")
    with LocalStack(root) as stack:
        record = asyncio.run(whole_run.measure(root, stack, kills=args.kills, count=args.messages, note=_say))
    _show(record, to_standard_error=args.json)
    if args.json:
        print(json.dumps(record.as_json()))
    keep(record, args.plots or root / PLOTS)
    return 1 if whole_run.missing_of_ours(record) else 0


def _show(record: "Record", *, to_standard_error: bool) -> None:
    from firemesh_cli.bench.peers.record import failover_section, messages_section
    from firemesh_cli.bench.table import show

    for section in (failover_section(record), messages_section(record)):
        show(section, to_standard_error=to_standard_error)
        for row in section.not_judged:
            _say(f"the machine had other work to do, so this says little: {section.title}: {row}")


def keep(record: "Record", folder: Path) -> None:
    """Write the record and its drawings, unless somebody is missing from them."""
    from firemesh_cli.bench.peers.plots import drawn

    if record.left_out:
        for what, why in record.left_out.items():
            _say(f"left out: {what}: {why}")
        _say(f"the drawings in {folder} show every system, so they stay as they are")
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).write_text(json.dumps(record.as_json(), indent=1) + "\n")
    for name, text in drawn(record).items():
        (folder / name).write_text(text)
    _say(f"drawn: {', '.join(drawn(record))} in {folder}")


def _say(what: str) -> None:
    print(f"firemesh: {what}", file=sys.stderr, flush=True)
