"""What the commands ask of a project, by either way: with this machine's own credentials, or through the control plane.

Both answer in the words of the REST interface (docs/api.md): JSON values, so that a command prints the same either way.
"""

import argparse
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

from firemesh_cli.api_client import add_api_option
from firemesh_cli.connection import add_connection_options

Row = Mapping[str, Any]


class Operator(Protocol):
    """A project as its operator deals with it. Every method raises a MeshError with a sentence for the user."""

    async def create_mesh(self, mesh_id: str, chosen: Row) -> None:
        """Create a mesh; `chosen` holds machine, setup, profile and hosting."""
        ...

    async def list_meshes(self, start: str) -> tuple[tuple[str, ...], str]:
        """A page of ids, and the id at which the next one starts; empty: this was the last."""
        ...

    async def status(self, mesh_id: str) -> Row:
        """How a mesh stands: the fields of `MeshReport`."""
        ...

    async def order(self, mesh_id: str, verb: str, body: Row) -> None:
        """Give the order to `drain`, `close` or `transfer`."""
        ...

    async def delete(self, mesh_id: str, *, force: bool) -> Row:
        """Delete one portion: `deleted`, `done`."""
        ...

    async def agents(self, mesh_id: str) -> tuple[Row, ...]:
        """The rows of the roster."""
        ...

    async def terminate(self, mesh_id: str, agent_id: str) -> None:
        """Order an agent's removal."""
        ...

    async def provision(self, mesh_id: str, agent_id: str, chosen: Row) -> Row:
        """Make an agent's key; `chosen` holds days and label. The row of the key, and `key` itself."""
        ...

    async def create_key(self, chosen: Row) -> Row:
        """Make a key; `chosen` is the body of POST /keys."""
        ...

    async def list_keys(self, start: str) -> tuple[tuple[Row, ...], str]:
        """A page of keys without their secrets, and the id at which the next one starts; empty: this was the last."""
        ...

    async def rotate_key(self, key_id: str, overlap_seconds: int) -> Row:
        """Replace a key."""
        ...

    async def revoke_key(self, key_id: str, overlap_seconds: int) -> None:
        """End a key."""
        ...

    async def read_audit(self, mesh_id: str, *, start: int, limit: int) -> Row:
        """A page of a trail: `records`, `next_start`, `last`. An empty `mesh_id` stands for the project's."""
        ...

    async def check_audit(self, mesh_id: str, *, start: int) -> Row:
        """Whether a portion of a trail is whole: `checked`, `broken_at`, `next_start`."""
        ...

    async def audit_has_grown(self, mesh_id: str, last: int) -> None:
        """Return when the trail has a record behind number `last`."""
        ...


def add_operator_options(parser: argparse.ArgumentParser) -> None:
    """Add --project, --host and --api."""
    add_connection_options(parser)
    add_api_option(parser)


@asynccontextmanager
async def operator(args: argparse.Namespace) -> AsyncIterator[Operator]:
    """The way that the options name."""
    if args.api:
        from firemesh_cli.api_client import ApiClient
        from firemesh_cli.operator.remote import RemoteOperator

        yield RemoteOperator(ApiClient(args.api))
        return
    from firemesh_cli.operator.local import opened

    async with opened(args) as local:
        yield local
