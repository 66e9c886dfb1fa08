"""The mesh itself, and under it a bare document with its listeners: what the store alone takes for a message."""

import contextlib
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

from firemesh.core.effects import ManagerRole
from firemesh.core.params import Params
from firemesh.runtime.mesh import Mesh
from firemesh.runtime.process import AgentProcess
from firemesh.runtime.watch_supervisor import supervised
from firemesh.store.base import DocumentTarget, Put
from firemesh.store.firestore import FirestoreStore
from firemesh.store.mesh_store import MeshStore
from firemesh_cli.bench.peers.system import LEADS, LISTENS, STANDS, TTL_SECONDS, Heard, Publish, Say
from firemesh_cli.bench.peers.workplace import Workplace

KEPT = "memory (emulator)"
WARM_UP_SECONDS_MAX = 60.0
"""The first write to a fresh emulator takes seconds."""
MANAGERS = ("m1", "m2", "m3")
DOCUMENT = "bench/message"


class MeshSystem:
    """A fresh mesh on the emulator, without managers. See `System`."""

    name = "mesh"
    packages: tuple[str, ...] = ()
    kept = KEPT

    @contextlib.asynccontextmanager
    async def running(self, place: Workplace) -> AsyncIterator[str]:
        """See `System`."""
        mesh_id = f"b{secrets.token_hex(4)}"
        store = FirestoreStore(place.project, host=place.firestore_host)
        try:
            await store.commit([Put("warm/up", {})], timeout_seconds=WARM_UP_SECONDS_MAX)
            await Mesh.create(store, mesh_id, machine="counter", setup={}, params=_timing(TTL_SECONDS))
        finally:
            await store.close()
        yield f"{place.firestore_host} {place.project} {mesh_id}"


class NeighbouringMesh(MeshSystem):
    """The same; its managers hear of each other's end, as those of one machine can. See `System`."""

    name = "mesh, neighbours"


class LedMesh(MeshSystem):
    """The same with three managers in processes of their own."""

    name = "mesh command"

    @contextlib.asynccontextmanager
    async def running(self, place: Workplace) -> AsyncIterator[str]:
        """See `System`."""
        async with super().running(place) as address, contextlib.AsyncExitStack() as managers:
            for name in MANAGERS:
                task = {"does": "elect", "system": "mesh", "address": address, "name": name, "ttl_seconds": TTL_SECONDS}
                manager = await place.client(task)
                managers.push_async_callback(manager.kill)
                manager.go()
                await manager.word(STANDS)
            yield address


class Documents(MeshSystem):
    """The emulator alone. See `System`."""

    name = "Firestore document"

    @contextlib.asynccontextmanager
    async def running(self, place: Workplace) -> AsyncIterator[str]:
        """See `System`."""
        yield f"{place.firestore_host} {place.project} -"


class _Connected:
    def __init__(self, address: str) -> None:
        self.host, self.project, self.mesh_id = address.split()
        self.store = FirestoreStore(self.project, host=self.host)


class Manager(_Connected):
    """A manager of the mesh. See `Elector`."""

    neighbours: Path | None = None

    async def campaign(self, candidate: str, ttl_seconds: float, say: Say) -> None:
        """See `Elector`. The ttl is the mesh's."""
        # With its state on disk, who takes the place of the dead is known to be the same, and need not wait.
        process = await AgentProcess.open(
            self.store, self.mesh_id, f"p-{candidate}", state_folder=Path("state", self.mesh_id), neighbours=self.neighbours
        )
        manager = await process.add_manager(candidate)
        say(STANDS)
        was = ManagerRole.FOLLOWER
        while True:
            manager.driver.stepped.clear()
            if manager.role is ManagerRole.LEADER is not was:
                say(LEADS)
            was = manager.role
            await manager.driver.stepped.wait()


class NeighbouringManager(Manager):
    """A manager that hears of the end of others on its machine."""

    neighbours = Path("neighbours")


class CommandCourier(_Connected):
    """A worker that sends a command for each message; listeners hear it in the public view. See `Courier`."""

    async def publisher(self) -> Publish:
        """See `Courier`. The command is `counter.add`: it says nothing, but the view tells how many there were."""
        process = await AgentProcess.open(self.store, self.mesh_id, "p-sender")
        worker = await process.add_worker("sender")

        async def publish(number: int, text: str) -> None:
            await worker.send_to_manager("counter.add", {"n": 1})

        return publish

    async def listen(self, say: Say, heard: Heard) -> None:
        """See `Courier`."""
        mesh = MeshStore(self.store, self.mesh_id)
        last = None
        async for snapshot in supervised(lambda: mesh.watch_document("views/public")):
            total = max((int(document.fields["view"]["total"]) for document in snapshot.documents.values()), default=0)
            if last is None:
                say(LISTENS)
                last = total
            for number in range(last + 1, total + 1):
                heard(number)
            last = total


class DocumentCourier(_Connected):
    """Writes each message into one document. See `Courier`."""

    async def publisher(self) -> Publish:
        """See `Courier`."""

        async def publish(number: int, text: str) -> None:
            await self.store.commit([Put(DOCUMENT, {"number": number, "text": text})])

        return publish

    async def listen(self, say: Say, heard: Heard) -> None:
        """See `Courier`. A listener may skip versions: then those between are heard with the later one."""
        last = None
        async for snapshot in self.store.watch(DocumentTarget(DOCUMENT)):
            newest = max((int(document.fields["number"]) for document in snapshot.documents.values()), default=0)
            if last is None:
                say(LISTENS)
                last = newest
            for number in range(last + 1, newest + 1):
                heard(number)
            last = newest


def _timing(ttl_seconds: float) -> Params:
    """As by default, but for the ttl and what has to fit it."""
    ttl_ms = round(1000 * ttl_seconds)
    renew_ms = ttl_ms // 3
    return Params(ttl_ms=ttl_ms, renew_ms=renew_ms, rpc_timeout_ms=renew_ms * 3 // 4)
