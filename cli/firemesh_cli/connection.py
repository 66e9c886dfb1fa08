"""Which Firestore a command talks to, told by options and environment."""

import argparse
import os
from typing import TYPE_CHECKING

from firemesh.errors import InvalidParameters

if TYPE_CHECKING:
    from firemesh.store.firestore import FirestoreStore, TokenSource


def add_connection_options(parser: argparse.ArgumentParser) -> None:
    """Add --project and --host."""
    parser.add_argument("--project", help="the Firebase project (default: $GOOGLE_CLOUD_PROJECT or $GCLOUD_PROJECT)")
    parser.add_argument("--host", help="a Firestore emulator as host:port (default: $FIRESTORE_EMULATOR_HOST, else Firestore)")


def connect(args: argparse.Namespace, client_name: str, *, token: "TokenSource | None" = None) -> "FirestoreStore":
    """The store the options name; call it inside a running event loop. With `token` every call is that user's.

    Raises:
        InvalidParameters: no project is named.
    """
    from firemesh.store.firestore import connect as connect_store

    return connect_store(chosen_project(args), args.host, client_name=client_name, token=token)


def chosen_project(args: argparse.Namespace) -> str:
    """The project that options or environment name. Raises InvalidParameters when neither does."""
    project = args.project or os.environ.get("GOOGLE_CLOUD_PROJECT") or os.environ.get("GCLOUD_PROJECT")
    if not project:
        raise InvalidParameters("no project: give --project, or set GOOGLE_CLOUD_PROJECT (`firemesh up` prints it)")
    return str(project)
