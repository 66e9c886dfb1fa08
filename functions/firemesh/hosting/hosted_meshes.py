"""All meshes of one instance of a function: which are hosted here, and what is known of them since the last activation."""

import logging
import time
from collections import OrderedDict

from firemesh.core.health import HealthPolicy
from firemesh.errors import InvariantViolation, MeshError, MeshNotFound
from firemesh.hosting.hosted_mesh import HostedMesh
from firemesh.hosting.wake import WakeQueue
from firemesh.store import paths
from firemesh.store.base import Document, Store
from firemesh.store.mesh_removal import MeshRemoval
from firemesh.store.mesh_store import Hosting, MeshStore, parse_record

log = logging.getLogger(__name__)

MESHES_KNOWN_MAX = 200
"""Meshes an instance keeps its knowledge of; the one activated longest ago is forgotten first."""
MESHES_PER_PAGE = 100
MESHES_REARMED_MAX = 2000
TRY_AGAIN_MS = 2000
PORTIONS_MAX = 5
"""Portions (`MeshRemoval`) of one mesh that are deleted at a time."""
DAY_NS = 24 * 60 * 60 * 1_000_000_000


class HostedMeshes:
    """Activates meshes by their id. A mesh that processes alone manage is left alone, at the cost of one read in all."""

    def __init__(self, store: Store, wakes: WakeQueue, *, policy: HealthPolicy | None = None) -> None:
        self._store = store
        self._wakes = wakes
        self._policy = policy or HealthPolicy()
        self._known: OrderedDict[str, HostedMesh | None] = OrderedDict()
        self._rearm_from = ""
        """The mesh with which the schedule begins: where it broke off the last time, so that none is always left out."""

    async def on_request(self, mesh_id: str) -> None:
        """A command lies in the inbox. Nobody repeats this call, so when it fails the mesh is woken soon.

        Raises what `WakeQueue.wake` raises.
        """
        try:
            await self.activate(mesh_id)
        except MeshError as error:
            log.warning("mesh %s could not be activated and will be woken: %s", mesh_id, error)
            await self._wakes.wake(mesh_id, time.time_ns() // 1_000_000 + TRY_AGAIN_MS)

    async def activate(self, mesh_id: str) -> None:
        """Deal with whatever has happened in a mesh. One that is not hosted here, or not there any more, is no error.

        Raises:
            StoreUnavailable: the store or the queue did not answer; activate again.
            InvariantViolation: the store holds what the protocol cannot have written.
        """
        was_known = mesh_id in self._known
        try:
            await self._activate(mesh_id)
        except InvariantViolation:
            if not was_known:
                raise
            # It may have been deleted and created anew since this instance last saw it.
            log.warning("mesh %s: what is known of it does not fit any more; starting from what is stored", mesh_id)
            await self._activate(mesh_id)

    async def rearm_all(self) -> int:
        """Activate every hosted mesh, in case a wake was lost, or delete it when its days are over; how many are left.

        One that fails stops no other. With more than MESHES_REARMED_MAX, or when it is cut short, the next call goes on.
        """
        hosted = 0
        for _ in range(MESHES_REARMED_MAX // MESHES_PER_PAGE):
            page = await self._store.list_documents(paths.meshes(), start_at=self._rearm_from, limit=MESHES_PER_PAGE + 1)
            found = sorted(page.documents.values(), key=lambda document: document.id)
            for document in found[:MESHES_PER_PAGE]:
                self._rearm_from = document.id
                hosted += await self._rearm(document, page.read_time)
            self._rearm_from = found[MESHES_PER_PAGE].id if len(found) > MESHES_PER_PAGE else ""
            if not self._rearm_from:
                return hosted
        log.warning("there are more than %s meshes; the next time begins with %s", MESHES_REARMED_MAX, self._rearm_from)
        return hosted

    async def _rearm(self, document: Document, now_ns: int) -> bool:
        """Whether this mesh is hosted, and is left. `now_ns` is the store's time."""
        mesh_id = document.id
        try:
            if _is_outdated(document, now_ns):
                await self._remove(mesh_id)
            else:
                await self.activate(mesh_id)
        except (MeshError, InvariantViolation) as error:
            log.error("mesh %s could not be rearmed: %s", mesh_id, error)
        return self._known.get(mesh_id) is not None

    async def _remove(self, mesh_id: str) -> None:
        """Delete what is left of a mesh, or much of it; the schedule comes again. Whoever is in it, is out."""
        self._known.pop(mesh_id, None)
        removal = MeshRemoval(self._store, mesh_id)
        for _ in range(PORTIONS_MAX):
            if (await removal.portion(force=True)).done:
                log.info("mesh %s was deleted: its days are over", mesh_id)
                return

    async def _activate(self, mesh_id: str) -> None:
        try:
            hosted = await self._find(mesh_id)
            if hosted is not None:
                await hosted.activate()
        except MeshNotFound:
            self._known.pop(mesh_id, None)
            log.info("mesh %s is not there any more", mesh_id)
        except BaseException:
            # What a failed activation knew may be half true.
            self._known.pop(mesh_id, None)
            raise

    async def _find(self, mesh_id: str) -> HostedMesh | None:
        if mesh_id not in self._known:
            mesh = MeshStore(self._store, mesh_id)
            record = await mesh.read_record()
            hosted = record.hosting is Hosting.FUNCTIONS
            self._known[mesh_id] = HostedMesh(mesh, record, self._wakes, self._policy) if hosted else None
        self._known.move_to_end(mesh_id)
        if len(self._known) > MESHES_KNOWN_MAX:
            self._known.popitem(last=False)
        return self._known[mesh_id]


def _is_outdated(document: Document, now_ns: int) -> bool:
    """Whether a hosted mesh is past the days it is kept. Its document was written at its creation, and never again."""
    record = parse_record(document)
    kept_ns = record.keep_days * DAY_NS
    return record.hosting is Hosting.FUNCTIONS and 0 < kept_ns <= now_ns - document.update_time
