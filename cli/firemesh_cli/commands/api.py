"""`firemesh api`: the REST interface, described for programs."""

import argparse
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firemesh_cli.commands import Subparsers


def register(subparsers: "Subparsers") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser("api", help="describe the REST interface for programs")
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    openapi = actions.add_parser("openapi", help="print the OpenAPI 3.1 document, as /v1/openapi.json gives it")
    openapi.set_defaults(handler=_openapi)


def _openapi(_: argparse.Namespace) -> int:
    from firemesh.control_plane import routes
    from firemesh.control_plane.openapi import describe

    print(json.dumps(describe(routes.declared()), indent=2))
    return 0
