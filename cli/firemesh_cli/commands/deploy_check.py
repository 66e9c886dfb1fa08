"""`firemesh deploy-check`: whether what would be deployed works by itself."""

import argparse
import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firemesh_cli.commands import Subparsers
    from firemesh_cli.deployment.verdict import Verdict


def register(subparsers: "Subparsers") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "deploy-check",
        help="judge what would be deployed, without the network",
        description="Pack what would be uploaded, install what it pins, load every function by itself, and let "
        "firebase-tools and the emulator judge configuration, rules and indexes. Status 1 when anything stands in the way.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--download", action="store_true", help="get the packages from the package host, as a deployment does")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Check, and say what was found."""
    from firemesh.errors import LocalStackError
    from firemesh_cli.deployment.check import check_deployment
    from firemesh_cli.stack import locate
    from firemesh_cli.stack.supervisor import LocalStack

    root = locate.project_root()
    if root is None:
        raise LocalStackError("there is no Firemesh checkout here; run this inside one")
    started = time.monotonic()
    with LocalStack(root) as stack:
        checks = _shown(check_deployment(root, stack.firestore_host, download=args.download), as_json=args.json)
    failed = sum(not each.ok for each in checks)
    if args.json:
        rows = [{"check": each.name, "ok": each.ok, "seen": each.seen, "problems": each.problems} for each in checks]
        print(json.dumps({"ok": not failed, "seconds": round(time.monotonic() - started, 1), "checks": rows}))
    else:
        print(
            f"\n{failed} of {len(checks)} stand in the way" if failed else f"\nnothing stands in the way ({len(checks)} checks)"
        )
    return 1 if failed else 0


def _shown(verdicts: "Iterator[Verdict]", *, as_json: bool) -> "list[Verdict]":
    """All verdicts, each shown as soon as it is there."""
    checks = []
    for each in verdicts:
        checks.append(each)
        if not as_json:
            _show(each)
    return checks


def _show(verdict: "Verdict") -> None:
    print(f"{'ok    ' if verdict.ok else 'FAILED'}  {verdict.name:<15} {verdict.seen}", flush=True)
    for problem in verdict.problems:
        print(f"{'':24}{problem}", flush=True)
