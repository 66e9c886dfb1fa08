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
    REFRESH_SESSION = "refresh_session"
    WRITE_HEARTBEAT = "write_heartbeat"
    READ_HEARTBEAT = "read_heartbeat"
    SUBMIT_COMMAND = "submit_command"
    SEE_COMMAND = "see_command"
    READ_OWN_STATE = "read_own_state"
    WRITE_OWN_STATE = "write_own_state"
    RECEIVE_EVENTS = "receive_events"


READING = frozenset({Operation.LIST_MESHES, Operation.GET_MESH_STATUS, Operation.GET_AGENT_STATUS, Operation.READ_AUDIT})
"""Operations that change nothing."""

TAKING_PART = frozenset(
    {
        Operation.WRITE_HEARTBEAT,
        Operation.READ_HEARTBEAT,
        Operation.SUBMIT_COMMAND,
        Operation.SEE_COMMAND,
        Operation.READ_OWN_STATE,
        Operation.WRITE_OWN_STATE,
        Operation.RECEIVE_EVENTS,
    }
)
"""What an agent does in its own name, with a session. Too frequent for the audit trail: a command stands in the mesh's log."""

_LOOKING = frozenset({Operation.GET_MESH_STATUS, Operation.GET_AGENT_STATUS})

PERMISSIONS: Mapping[AccessRole, frozenset[Operation]] = {
    # An admin is no player: who joins is dealt secrets, and that takes a key made for a worker. Managers read the log,
    # where all secrets are, so they run with server credentials and not with a key.
    AccessRole.ADMIN: frozenset(Operation) - {Operation.JOIN_MESH, Operation.REFRESH_SESSION} - TAKING_PART,
    AccessRole.OPERATOR: _LOOKING | {Operation.LIST_MESHES, Operation.TERMINATE_AGENT, Operation.READ_AUDIT},
    AccessRole.MANAGER: _LOOKING | {Operation.TERMINATE_AGENT},
    AccessRole.WORKER: _LOOKING | {Operation.JOIN_MESH, Operation.REFRESH_SESSION} | TAKING_PART,
    AccessRole.OBSERVER: _LOOKING | {Operation.LIST_MESHES},
}
"""The whole policy. What is not listed is denied."""


class Seat(StrEnum):
    """How an agent's incarnation stands in the roster: it is there and lives, or its id is free, or another's."""

    OWN = "own"
    FREE = "free"
    TAKEN = "taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who calls, as authenticated: a key, its role, the mesh it is bound to, and what it may do at most.

    `operations` narrows the role; empty means all that the role may. Who calls with a session is an agent: `agent` and `inc`
    say which, `seat` how it stood in the roster when the call came.
    """

    key_id: str
    role: AccessRole
    mesh: str
    operations: frozenset[Operation] = frozenset()
    agent: str = ""
    inc: str = ""
    seat: Seat = Seat.FREE

    @property
    def name(self) -> str:
        """Whom the audit trail names: the key, and the agent that showed a session."""
        return f"{self.key_id}/{self.agent}" if self.agent else self.key_id

    @property
    def is_bound(self) -> bool:
        """Whether the key is for one mesh alone."""
        return self.mesh != ANY_MESH

    def may_touch(self, mesh_id: str) -> bool:
        """Whether a mesh lies in the key's scope. An operation on no mesh in particular is in every scope."""
        return not mesh_id or not self.is_bound or mesh_id == self.mesh


def denial(identity: Identity, operation: Operation, mesh_id: str, target: str = "") -> str:
    """Why the identity may not do this (to this agent): an upper-case word; empty when it may."""
    if operation not in PERMISSIONS[identity.role]:
        return "ROLE"
    if identity.operations and _granted_with(operation) not in identity.operations:
        return "KEY_OPERATIONS"
    if not identity.may_touch(mesh_id):
        return "KEY_MESH"
    if operation not in TAKING_PART:
        return "SESSION" if identity.agent and operation not in _LOOKING else ""
    if not identity.agent:
        return "NO_SESSION"
    return "" if target == identity.agent else "OTHER_AGENT"


def _granted_with(operation: Operation) -> Operation:
    """The operation a narrowed key must name: who may join may also take part."""
    return Operation.JOIN_MESH if operation in TAKING_PART or operation is Operation.REFRESH_SESSION else operation
