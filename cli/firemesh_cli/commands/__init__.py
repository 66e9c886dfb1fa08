"""The subcommands of `firemesh`: one module each, found by their place in this folder.

A module offers `register(subparsers)`, which adds its parser and names its handler:

    def register(subparsers: Subparsers) -> None:
        parser = subparsers.add_parser("up", help="start the local stack and keep it running")
        parser.set_defaults(handler=run)

    def run(args: argparse.Namespace) -> int: ...

The handler returns an exit status (see `firemesh_cli.__main__`). Every module here is imported for `firemesh --help`:
import what is slow (rich, the SDKs) inside the handler.
"""

import argparse
import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def register_all(subparsers: "Subparsers") -> None:
    """Add every subcommand of this folder, in the order of their names."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda each: each.name):
        importlib.import_module(f"{__name__}.{module.name}").register(subparsers)
