"""`firemesh up`: the local stack in the foreground."""

import argparse
import json
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from firemesh_cli.commands import Subparsers


def register(subparsers: "Subparsers") -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "up",
        help="start the local emulators and keep them until Ctrl-C",
        description="Start the Firebase emulators on free ports of 127.0.0.1 and keep them until Ctrl-C. "
        "Other terminals talk to them with the environment variables printed.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines for a shell")
    parser.add_argument("--functions", action="store_true", help="start the control plane and Authentication as well")
    parser.set_defaults(handler=run)


def run(args: argparse.Namespace) -> int:
    """Start, say where, wait."""
    from firemesh.errors import LocalStackError
    from firemesh_cli.stack.supervisor import LocalStack

    signal.signal(signal.SIGTERM, _interrupt)
    print("starting the emulators ...", file=sys.stderr)
    with LocalStack(functions=args.functions) as stack:
        environment = stack.environment()
        if args.json:
            summary = {
                "firestore_host": stack.firestore_host,
                "project": stack.project,
                "log_folder": str(stack.log_folder),
                "environment": environment,
            }
            print(json.dumps(summary), flush=True)
        else:
            for name, value in environment.items():
                print(f"export {name}={value}", flush=True)
        if args.functions:
            print(f"play at {stack.site_url}/ and operate at {stack.site_url}/console/", file=sys.stderr)
        print(f"ready on {stack.firestore_host}; logs in {stack.log_folder}; Ctrl-C ends it", file=sys.stderr)
        stack.wait()
        raise LocalStackError(f"the emulators ended by themselves; see {stack.log_folder}")


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
