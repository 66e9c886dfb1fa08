"""All meshes of one instance of a function: which are hosted here, and what is known of them since the last activation."""

import logging
import time
from collections import OrderedDict

from firemesh.core.health import HealthPolicy
from firemesh.errors import InvariantViolation, MeshError, MeshNotFound
from firemesh.hosting.hosted_mesh import HostedMesh
from firemesh.hosting.wake import WakeQueue
from firemesh.store import paths
from firemesh.store.base import Store
from firemesh.store.mesh_store import Hosting, MeshStore

log = logging.getLogger(__name__)

MESHES_KNOWN_MAX = 200
"""Meshes an instance keeps its knowledge of; the one activated longest ago is forgotten first."""
MESHES_PER_PAGE = 100
MESHES_REARMED_MAX = 2000
TRY_AGAIN_MS = 2000


class HostedMeshes:
    """Activates meshes by their id. A mesh that processes alone manage is left alone, at the cost of one read in all."""

    def __init__(self, store: Store, wakes: WakeQueue, *, policy: HealthPolicy | None = None) -> None:
        self._store = store
        self._wakes = wakes
        self._policy = policy or HealthPolicy()
        self._known: OrderedDict[str, HostedMesh | None] = OrderedDict()

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
        """Activate every hosted mesh, in case a wake was lost; how many there were. One that fails stops no other."""
        hosted, start = 0, ""
        for _ in range(MESHES_REARMED_MAX // MESHES_PER_PAGE):
            page = await self._store.list_documents(paths.meshes(), start_at=start, limit=MESHES_PER_PAGE + 1)
            ids = sorted(document.id for document in page.documents.values())
            for mesh_id in ids[:MESHES_PER_PAGE]:
                hosted += await self._rearm(mesh_id)
            if len(ids) <= MESHES_PER_PAGE:
                return hosted
            start = ids[MESHES_PER_PAGE]
        log.warning("there are more than %s meshes; those from %s on were not rearmed", MESHES_REARMED_MAX, start)
        return hosted

    async def _rearm(self, mesh_id: str) -> bool:
        try:
            await self.activate(mesh_id)
        except (MeshError, InvariantViolation) as error:
            log.error("mesh %s could not be rearmed: %s", mesh_id, error)
        return self._known.get(mesh_id) is not None

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
