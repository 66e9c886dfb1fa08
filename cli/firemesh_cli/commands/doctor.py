"""`firemesh doctor`: what this machine has and lacks."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firemesh_cli.commands import Subparsers


def register(subparsers: "Subparsers") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser("doctor", help="say what the local stack needs, what is missing, how to mend it")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Print the table of checks."""
    from firemesh.errors import LocalStackError
    from firemesh_cli.stack import checks, locate

    root = locate.project_root()
    if root is None:
        raise LocalStackError("there is no Firemesh checkout here; run this inside one")
    return checks.report(root)
