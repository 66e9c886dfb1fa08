"""An operator with the credentials of this machine: no key is asked for, no rule binds, and nothing is recorded."""

import argparse
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from firemesh.control_plane.access import AccessRole, Operation
from firemesh.control_plane.api_key import ApiKeyRecord, check_pepper
from firemesh.control_plane.audit import AuditTrail
from firemesh.control_plane.key_ring import KeyRequest, KeyRing, NewKey
from firemesh.control_plane.mesh_end import delete_with_keys
from firemesh.core.params import PROFILES
from firemesh.errors import InvalidMessage
from firemesh.runtime.mesh import Mesh, list_mesh_ids
from firemesh.runtime.watch_supervisor import supervised
from firemesh.store.base import DocumentTarget, Store
from firemesh.store.mesh_store import Hosting
from firemesh_cli.connection import connect
from firemesh_cli.operator import Row

PAGE_MAX = 100
RECORDS_CHECKED_MAX = 200


@asynccontextmanager
async def opened(args: argparse.Namespace) -> AsyncIterator["LocalOperator"]:
    """An operator of the store that the options name."""
    emulated = args.host or os.environ.get("FIRESTORE_EMULATOR_HOST")
    store = connect(args, "operator")
    try:
        yield LocalOperator(store, environment="local" if emulated else "prod")
    finally:
        await store.close()


class LocalOperator:
    """See `Operator`."""

    def __init__(self, store: Store, *, environment: str) -> None:
        self.store = store
        self._environment = environment
        self._trail = AuditTrail(store)

    async def create_mesh(self, mesh_id: str, chosen: Row) -> None:
        """See `Operator`."""
        await Mesh.create(
            self.store,
            mesh_id,
            machine=chosen["machine"],
            setup=chosen["setup"],
            params=PROFILES[chosen["profile"]],
            hosting=Hosting(chosen["hosting"]),
        )

    async def list_meshes(self, start: str) -> tuple[tuple[str, ...], str]:
        """See `Operator`."""
        ids = await list_mesh_ids(self.store, start=start, limit=PAGE_MAX + 1)
        return ids[:PAGE_MAX], "".join(ids[PAGE_MAX:])

    async def status(self, mesh_id: str) -> Row:
        """See `Operator`."""
        return asdict(await Mesh(self.store, mesh_id).get_status())

    async def order(self, mesh_id: str, verb: str, body: Row) -> None:
        """See `Operator`."""
        mesh = Mesh(self.store, mesh_id)
        match verb:
            case "drain":
                await mesh.drain()
            case "close":
                await mesh.close()
            case _:
                await mesh.transfer_leadership(body["to"])

    async def delete(self, mesh_id: str, *, force: bool) -> Row:
        """See `Operator`."""
        return asdict(await delete_with_keys(Mesh(self.store, mesh_id), self._ring(), force=force))

    async def agents(self, mesh_id: str) -> tuple[Row, ...]:
        """See `Operator`."""
        return await (await Mesh.open(self.store, mesh_id)).agents()

    async def terminate(self, mesh_id: str, agent_id: str) -> None:
        """See `Operator`."""
        await (await Mesh.open(self.store, mesh_id)).remove_agent(agent_id)

    async def provision(self, mesh_id: str, agent_id: str, chosen: Row) -> Row:
        """See `Operator`."""
        await Mesh.open(self.store, mesh_id)
        request = KeyRequest(AccessRole.WORKER, mesh_id, days=chosen["days"], label=chosen["label"], agent=agent_id)
        return _made(await self._making_ring().create(request))

    async def create_key(self, chosen: Row) -> Row:
        """See `Operator`."""
        request = KeyRequest(
            AccessRole(chosen["role"]),
            chosen["mesh"],
            _operations(chosen["operations"]),
            chosen["days"],
            chosen["label"],
            chosen["agent"],
        )
        return _made(await self._making_ring().create(request))

    async def list_keys(self, start: str) -> tuple[tuple[Row, ...], str]:
        """See `Operator`."""
        found = await self._ring().list(start=start, limit=PAGE_MAX + 1)
        ids = sorted(found)
        return tuple(_row(key_id, found[key_id]) for key_id in ids[:PAGE_MAX]), "".join(ids[PAGE_MAX:])

    async def rotate_key(self, key_id: str, overlap_seconds: int) -> Row:
        """See `Operator`."""
        return _made(await self._making_ring().rotate(key_id, overlap_seconds=overlap_seconds))

    async def revoke_key(self, key_id: str, overlap_seconds: int) -> None:
        """See `Operator`."""
        await self._ring().revoke(key_id, overlap_seconds=overlap_seconds)

    async def read_audit(self, mesh_id: str, *, start: int, limit: int) -> Row:
        """See `Operator`."""
        page = await self._trail.page(mesh_id=mesh_id, start=start, limit=limit)
        records = [record.model_dump(mode="json") for record in page.records]
        return {"records": records, "next_start": page.next_start, "last": page.last}

    async def check_audit(self, mesh_id: str, *, start: int) -> Row:
        """See `Operator`."""
        return asdict(await self._trail.check(mesh_id=mesh_id, start=start, limit=RECORDS_CHECKED_MAX))

    async def audit_has_grown(self, mesh_id: str, last: int) -> None:
        """See `Operator`."""
        async for snapshot in supervised(lambda: self.store.watch(DocumentTarget(self._trail.head_path(mesh_id)))):
            if any(document.fields["number"] > last for document in snapshot.documents.values()):
                return

    def _ring(self) -> KeyRing:
        """For what needs no secret: a stored key tells nothing."""
        return KeyRing(self.store, b"", environment=self._environment)

    def _making_ring(self) -> KeyRing:
        """For making keys. Raises InvalidParameters when the environment holds no pepper."""
        return KeyRing(self.store, check_pepper(os.environ.get("API_KEY_PEPPER", "")), environment=self._environment)


def _operations(names: tuple[str, ...]) -> tuple[Operation, ...]:
    try:
        return tuple(Operation(name) for name in names)
    except ValueError as error:
        raise InvalidMessage(f"--operations: {error}; known are {', '.join(Operation)}") from error


def _row(key_id: str, record: ApiKeyRecord) -> Row:
    return {"key_id": key_id, **record.model_dump(mode="json", exclude={"digest"})}


def _made(new: NewKey) -> Row:
    return {**_row(new.key_id, new.record), "key": new.text}
