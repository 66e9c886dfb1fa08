"""Who may do what: one table, from which the guards and their tests are made."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

ANY_MESH = "*"
"""The scope of a key that is bound to no mesh."""


class AccessRole(StrEnum):
    """What an identity is trusted with. Workers take part; the others only look or operate."""

    ADMIN = "admin"
    OPERATOR = "operator"
    MANAGER = "manager"
    WORKER = "worker"
    OBSERVER = "observer"


class Operation(StrEnum):
    """What can be asked of the control plane."""

    CREATE_MESH = "create_mesh"
    LIST_MESHES = "list_meshes"
    GET_MESH_STATUS = "get_mesh_status"
    JOIN_MESH = "join_mesh"
    GET_AGENT_STATUS = "get_agent_status"
    TERMINATE_AGENT = "terminate_agent"
    READ_AUDIT = "read_audit"


READING = frozenset({Operation.LIST_MESHES, Operation.GET_MESH_STATUS, Operation.GET_AGENT_STATUS, Operation.READ_AUDIT})
"""Operations that change nothing."""

_LOOKING = frozenset({Operation.GET_MESH_STATUS, Operation.GET_AGENT_STATUS})

PERMISSIONS: Mapping[AccessRole, frozenset[Operation]] = {
    # An admin is no player: who joins is dealt secrets, and that takes a key made for a worker. Managers read the log,
    # where all secrets are, so they run with server credentials and not with a key.
    AccessRole.ADMIN: frozenset(Operation) - {Operation.JOIN_MESH},
    AccessRole.OPERATOR: _LOOKING | {Operation.LIST_MESHES, Operation.TERMINATE_AGENT, Operation.READ_AUDIT},
    AccessRole.MANAGER: _LOOKING | {Operation.TERMINATE_AGENT},
    AccessRole.WORKER: _LOOKING | {Operation.JOIN_MESH},
    AccessRole.OBSERVER: _LOOKING | {Operation.LIST_MESHES},
}
"""The whole policy. What is not listed is denied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who calls, as authenticated: a key, its role, the mesh it is bound to, and what it may do at most.

    `operations` narrows the role; empty means all that the role may.
    """

    key_id: str
    role: AccessRole
    mesh: str
    operations: frozenset[Operation] = frozenset()

    @property
    def is_bound(self) -> bool:
        """Whether the key is for one mesh alone."""
        return self.mesh != ANY_MESH

    def may_touch(self, mesh_id: str) -> bool:
        """Whether a mesh lies in the key's scope. An operation on no mesh in particular is in every scope."""
        return not mesh_id or not self.is_bound or mesh_id == self.mesh


def denial(identity: Identity, operation: Operation, mesh_id: str) -> str:
    """Why the identity may not do this: an upper-case word; empty when it may."""
    if operation not in PERMISSIONS[identity.role]:
        return "ROLE"
    if identity.operations and operation not in identity.operations:
        return "KEY_OPERATIONS"
    if not identity.may_touch(mesh_id):
        return "KEY_MESH"
    return ""
