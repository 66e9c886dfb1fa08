"""Entry point of the `firemesh` command.

Exit status: 0 it worked; 1 it failed, and one line on standard error says why; 2 the command line is wrong;
130 interrupted.
"""

import argparse
import sys
from collections.abc import Sequence

from firemesh.errors import MeshError
from firemesh_cli.commands import register_all

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    result = argparse.ArgumentParser(prog="firemesh", description="A mesh of agents with no server of its own, over Firestore.")
    register_all(result.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True))
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (default: this process's) and give its exit status."""
    args = parser().parse_args(argv)
    try:
        status: int = args.handler(args)
    except MeshError as error:
        print(f"firemesh: {error}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("firemesh: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    return status


if __name__ == "__main__":
    sys.exit(main())
