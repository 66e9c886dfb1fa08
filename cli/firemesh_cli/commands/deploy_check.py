"""`firemesh deploy-check`: whether what would be deployed works by itself."""

import argparse
import json
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firemesh_cli.commands import Subparsers


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
    """Check, and show each verdict as soon as it is there."""
    from firemesh.errors import LocalStackError
    from firemesh_cli.deployment.check import check_deployment
    from firemesh_cli.deployment.report import as_json, conclusion, lines_of
    from firemesh_cli.stack import locate
    from firemesh_cli.stack.supervisor import LocalStack

    root = locate.project_root()
    if root is None:
        raise LocalStackError("there is no Firemesh checkout here; run this inside one")
    started = time.monotonic()
    verdicts = []
    with LocalStack(root) as stack:
        for verdict in check_deployment(root, stack.firestore_host, download=args.download):
            verdicts.append(verdict)
            if not args.json:
                print("\n".join(lines_of(verdict)), flush=True)
    print(json.dumps(as_json(verdicts, time.monotonic() - started)) if args.json else f"\n{conclusion(verdicts)}")
    return 0 if all(each.ok for each in verdicts) else 1
