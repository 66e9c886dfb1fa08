"""The audit trails on request: reading them, and checking that nothing is missing."""

from firemesh.control_plane.access import Identity, Operation
from firemesh.control_plane.audit import AuditPage, AuditTrail, ChainReport
from firemesh.control_plane.guard import Guard

RECORDS_IN_PAGE_MAX = 200


class AuditDesk:
    """The use cases about trails. `mesh_id` names a mesh's; empty stands for the project's."""

    def __init__(self, trail: AuditTrail, guard: Guard) -> None:
        self._trail = trail
        self._guard = guard

    async def read(
        self, identity: Identity, mesh_id: str = "", *, start: int = 1, limit: int = 100, request_id: str = ""
    ) -> AuditPage:
        """A page of the trail, from number `start` on; `limit` is 1 to RECORDS_IN_PAGE_MAX.

        Raises MeshNotFound, and what `authorize` raises.
        """
        await self._authorize(identity, mesh_id, request_id)
        return await self._trail.page(mesh_id=mesh_id, start=start, limit=limit)

    async def check(self, identity: Identity, mesh_id: str = "", *, start: int = 1, request_id: str = "") -> ChainReport:
        """Whether a portion of the trail, from number `start` on, is whole. Raises as `read`."""
        await self._authorize(identity, mesh_id, request_id)
        return await self._trail.check(mesh_id=mesh_id, start=start, limit=RECORDS_IN_PAGE_MAX)

    async def _authorize(self, identity: Identity, mesh_id: str, request_id: str) -> None:
        operation = Operation.READ_AUDIT if mesh_id else Operation.READ_PROJECT_AUDIT
        await self._guard.authorize(identity, operation, mesh_id, request_id=request_id)
