"""Who may do what: one table, from which the guards and their tests are made."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

ANY_MESH = "*"
"""The scope of a key that is bound to no mesh."""


class AccessRole(StrEnum):
    """What an identity is trusted with. Workers take part; the others only look or operate.

    A guest is anybody who has opened the site.
    """

    ADMIN = "admin"
    OPERATOR = "operator"
    MANAGER = "manager"
    WORKER = "worker"
    OBSERVER = "observer"
    GUEST = "guest"


class Operation(StrEnum):
    """What can be asked of the control plane."""

    CREATE_MESH = "create_mesh"
    LIST_MESHES = "list_meshes"
    GET_MESH_STATUS = "get_mesh_status"
    DRAIN_MESH = "drain_mesh"
    CLOSE_MESH = "close_mesh"
    DELETE_MESH = "delete_mesh"
    TRANSFER_LEADERSHIP = "transfer_leadership"
    SEND_COMMAND = "send_command"
    READ_STATE = "read_state"
    READ_VIEW = "read_view"
    WATCH_MESH = "watch_mesh"
    READ_LOG = "read_log"
    READ_SECRETS = "read_secrets"
    PROVISION_AGENT = "provision_agent"
    LIST_AGENTS = "list_agents"
    JOIN_MESH = "join_mesh"
    GET_AGENT_STATUS = "get_agent_status"
    TERMINATE_AGENT = "terminate_agent"
    CREATE_KEY = "create_key"
    READ_KEYS = "read_keys"
    ROTATE_KEY = "rotate_key"
    REVOKE_KEY = "revoke_key"
    READ_AUDIT = "read_audit"
    READ_PROJECT_AUDIT = "read_project_audit"
    REFRESH_SESSION = "refresh_session"
    WRITE_HEARTBEAT = "write_heartbeat"
    READ_HEARTBEAT = "read_heartbeat"
    SUBMIT_COMMAND = "submit_command"
    SEE_COMMAND = "see_command"
    READ_OWN_STATE = "read_own_state"
    WRITE_OWN_STATE = "write_own_state"
    RECEIVE_EVENTS = "receive_events"
    OPEN_GAME = "open_game"
    TAKE_SEAT = "take_seat"
    WATCH_GAME = "watch_game"


_LOOKING = frozenset({Operation.GET_MESH_STATUS, Operation.LIST_AGENTS, Operation.GET_AGENT_STATUS})
_RUNNING = frozenset(
    {
        Operation.DRAIN_MESH,
        Operation.CLOSE_MESH,
        Operation.TRANSFER_LEADERSHIP,
        Operation.SEND_COMMAND,
        Operation.READ_STATE,
        Operation.READ_VIEW,
        Operation.WATCH_MESH,
        Operation.READ_LOG,
        Operation.READ_SECRETS,
        Operation.PROVISION_AGENT,
        Operation.TERMINATE_AGENT,
    }
)
_KEYS = frozenset({Operation.CREATE_KEY, Operation.READ_KEYS, Operation.ROTATE_KEY, Operation.REVOKE_KEY})
_GUESTS = frozenset({Operation.OPEN_GAME, Operation.TAKE_SEAT, Operation.WATCH_GAME})
_TRAILS = frozenset({Operation.READ_AUDIT, Operation.READ_PROJECT_AUDIT})

READING = _LOOKING | _TRAILS | {Operation.LIST_MESHES, Operation.READ_VIEW, Operation.READ_LOG, Operation.READ_KEYS}
"""Operations that change nothing: allowed, they are logged and not stored. To look at secrets is none: it is always stored."""

BY_NAME_ALONE = frozenset({Operation.READ_SECRETS, Operation.READ_STATE})
"""Operations that show what somebody knows for itself alone. A key may do them only if its own list names them: no role has
them by itself."""

PROJECT_WIDE = frozenset({Operation.READ_PROJECT_AUDIT})
"""Operations on all meshes at once, which no key for one mesh may do."""

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

PERMISSIONS: Mapping[AccessRole, frozenset[Operation]] = {
    # An admin is no player: who joins is dealt secrets, and that takes a key made for a worker. Managers read the log,
    # where all secrets are, so they run with server credentials and not with a key.
    AccessRole.ADMIN: frozenset(Operation) - {Operation.JOIN_MESH, Operation.REFRESH_SESSION} - TAKING_PART - _GUESTS,
    # An operator runs meshes; to make and delete them, and to read the trail of the project, takes an admin.
    AccessRole.OPERATOR: _LOOKING | _RUNNING | _KEYS | {Operation.LIST_MESHES, Operation.READ_AUDIT},
    AccessRole.MANAGER: _LOOKING | {Operation.TERMINATE_AGENT},
    AccessRole.WORKER: _LOOKING | {Operation.JOIN_MESH, Operation.REFRESH_SESSION} | TAKING_PART,
    AccessRole.OBSERVER: _LOOKING | {Operation.LIST_MESHES},
    # Its key is public, so it opens nothing that is not meant for everybody.
    AccessRole.GUEST: _GUESTS,
}
"""The whole policy. What is not listed is denied."""

GRANTS: Mapping[AccessRole, frozenset[AccessRole]] = {
    AccessRole.ADMIN: frozenset(AccessRole),
    AccessRole.OPERATOR: frozenset({AccessRole.WORKER, AccessRole.OBSERVER}),
}
"""Of which roles a role may make, see and end the keys. Any other role has none but its own."""


class Seat(StrEnum):
    """How an agent's incarnation stands in the roster: it is there and lives, or its id is free, or another's."""

    OWN = "own"
    FREE = "free"
    TAKEN = "taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who calls, as authenticated: a key, its role, the mesh it is bound to, and what it may do at most.

    `operations` narrows the role; empty means all that the role may. `agent` is the only one it may act as; empty means any.
    Who calls with a session is an agent: then `inc` says which run of it, `seat` how it stood in the roster at that moment.
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
        return f"{self.key_id}/{self.agent}" if self.inc else self.key_id

    @property
    def powers(self) -> frozenset[Operation]:
        """All that the key may do, wherever it may do it."""
        return PERMISSIONS[self.role] & (self.operations or frozenset(Operation) - BY_NAME_ALONE)

    @property
    def is_bound(self) -> bool:
        """Whether the key is for one mesh alone."""
        return self.mesh != ANY_MESH

    def may_touch(self, mesh_id: str) -> bool:
        """Whether a mesh lies in the key's scope. An operation on no mesh in particular is in every scope."""
        return not mesh_id or not self.is_bound or mesh_id == self.mesh


def denial(identity: Identity, operation: Operation, mesh_id: str, target: str = "") -> str:
    """Why the identity may not do this (to this agent, or with this key): an upper-case word; empty when it may."""
    if operation not in PERMISSIONS[identity.role]:
        return "ROLE"
    if _granted_with(operation) not in (identity.operations or frozenset(Operation) - BY_NAME_ALONE):
        return "KEY_OPERATIONS"
    if not identity.may_touch(mesh_id) or (identity.is_bound and operation in PROJECT_WIDE):
        return "KEY_MESH"
    return "" if operation in _LOOKING else _agent_denial(identity, operation, target)


def _agent_denial(identity: Identity, operation: Operation, target: str) -> str:
    """A session takes part, and makes no session; who is bound to one agent is no other, whether by session or by key."""
    if operation in TAKING_PART and not identity.inc:
        return "NO_SESSION"
    if operation not in TAKING_PART and identity.inc:
        return "SESSION"
    return "OTHER_AGENT" if identity.agent and target != identity.agent else ""


def is_in_charge(identity: Identity, holder: Identity) -> bool:
    """Whether the identity may see and end the key of `holder`: its own, and those in its scope of the roles it grants."""
    if holder.key_id == identity.key_id:
        return True
    within = not identity.is_bound or holder.mesh == identity.mesh
    return within and holder.role in GRANTS.get(identity.role, frozenset())


def grant_denial(identity: Identity, holder: Identity) -> str:
    """Why the identity may not make or replace the key of `holder`: KEY_GRANT; empty when it may.

    Nobody makes a key mightier than its own: of a role it does not grant, for meshes beyond its own, or, when it is
    narrowed itself, for operations that it lacks.
    """
    exceeds = identity.operations and not holder.powers <= identity.operations
    return "KEY_GRANT" if exceeds or not is_in_charge(identity, holder) else ""


def _granted_with(operation: Operation) -> Operation:
    """The operation a narrowed key must name: who may join may also take part."""
    return Operation.JOIN_MESH if operation in TAKING_PART or operation is Operation.REFRESH_SESSION else operation
