"""The one place where it is decided who may do what, and where the decision is recorded."""

import re

from firemesh.control_plane.access import READING, TAKING_PART, Identity, Operation, denial
from firemesh.control_plane.audit import AuditTrail, Decision, log_decision
from firemesh.control_plane.quota import Quotas
from firemesh.errors import InvalidMessage, PermissionDenied, RateLimited
from firemesh.ids import ID_PATTERN
from firemesh.store.base import Store


class Guard:
    """Decides by the permission table. Every decision is logged; denials and changes are stored before anything is done."""

    def __init__(self, store: Store) -> None:
        self._audit = AuditTrail(store)
        self._quotas = Quotas(store)

    async def authorize(
        self,
        identity: Identity,
        operation: Operation,
        mesh_id: str = "",
        *,
        target: str = "",
        objection: str = "",
        request_id: str = "",
    ) -> None:
        """Decide by the table, record the decision, and raise PermissionDenied when it is no.

        `target` is the agent or key that it is about. `objection` is what speaks against it though the table allows it; empty
        when nothing does.

        Raises:
            InvalidMessage: the mesh or the target has no possible id.
            PermissionDenied: the role or the key does not allow it.
            RateLimited: it does, but not so often.
            StoreUnavailable, OutcomeUnknown: the decision could not be recorded; nothing may be done.
        """
        for name in filter(None, (mesh_id, target)):
            if re.fullmatch(ID_PATTERN, name) is None:
                raise InvalidMessage(f"an id is 1 to 40 of a-z, 0-9 and -, with no - at either end; not {name[:80]!r}")
        reason = denial(identity, operation, mesh_id, target) or objection
        decision = Decision(
            who=identity.name,
            role=identity.role,
            operation=operation,
            mesh=mesh_id,
            target=target,
            allowed=not reason,
            reason=reason,
            request_id=request_id,
        )
        if decision.allowed:
            await self._count(identity, decision, operation)
        log_decision(decision)
        if reason or operation not in READING | TAKING_PART:
            await self._audit.append(decision, mesh_id=mesh_id if _belongs_to_mesh(identity, operation, mesh_id) else "")
        if reason:
            raise PermissionDenied(f"a key of role {identity.role} may not {operation}: {reason}")

    async def _count(self, identity: Identity, decision: Decision, operation: Operation) -> None:
        """Count a call that would be allowed. A refusal for that is logged alone: whoever asks too often shall not write."""
        try:
            await self._quotas.take(identity.key_id, operation)
        except RateLimited:
            log_decision(decision.model_copy(update={"allowed": False, "reason": "QUOTA"}))
            raise


def _belongs_to_mesh(identity: Identity, operation: Operation, mesh_id: str) -> bool:
    """Whether a decision goes into the trail of the mesh, which goes with the mesh, or into the project's.

    A key must not write into the trail of a mesh that is none of its business.
    """
    return identity.may_touch(mesh_id) and operation is not Operation.DELETE_MESH
