"""The permission table: every cell, both sides, and what narrows a role."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from firemesh.control_plane.access import (
    ANY_MESH,
    BY_NAME_ALONE,
    GRANTS,
    PERMISSIONS,
    PROJECT_WIDE,
    TAKING_PART,
    AccessRole,
    Identity,
    Operation,
    denial,
    grant_denial,
    is_in_charge,
)

POLICY = {
    "create_mesh": "admin",
    "list_meshes": "admin operator observer",
    "get_mesh_status": "admin operator manager worker observer",
    "drain_mesh": "admin operator",
    "close_mesh": "admin operator",
    "delete_mesh": "admin",
    "transfer_leadership": "admin operator",
    "send_command": "admin operator",
    "read_state": "admin operator",
    "read_view": "admin operator",
    "watch_mesh": "admin operator",
    "read_log": "admin operator",
    "read_secrets": "admin operator",
    "provision_agent": "admin operator",
    "list_agents": "admin operator manager worker observer",
    "join_mesh": "worker",
    "get_agent_status": "admin operator manager worker observer",
    "terminate_agent": "admin operator manager",
    "create_key": "admin operator",
    "read_keys": "admin operator",
    "rotate_key": "admin operator",
    "revoke_key": "admin operator",
    "read_audit": "admin operator",
    "read_project_audit": "admin",
    "refresh_session": "worker",
    "write_heartbeat": "worker",
    "read_heartbeat": "worker",
    "submit_command": "worker",
    "see_command": "worker",
    "read_own_state": "worker",
    "write_own_state": "worker",
    "receive_events": "worker",
    "open_game": "guest",
    "take_seat": "guest",
    "watch_game": "guest",
}
"""The policy as a reader would write it, beside the table of the program."""

AN_AGENT = Identity(key_id="k", role=AccessRole.WORKER, mesh="m1", agent="a1", inc="0" * 12)


@pytest.mark.parametrize(("role", "operation"), list(product(AccessRole, Operation)), ids=str)
def test_each_role_may_exactly_what_the_policy_says(role: AccessRole, operation: Operation) -> None:
    scope = ANY_MESH if operation in PROJECT_WIDE else "m1"
    named = BY_NAME_ALONE & {operation}
    identity = AN_AGENT if operation in TAKING_PART else Identity(key_id="k", role=role, mesh=scope, operations=named)
    assert (denial(replace(identity, role=role), operation, "m1", "a1") == "") is (
        role.value in POLICY[operation.value].split()
    )


def test_every_role_has_a_row() -> None:
    assert PERMISSIONS.keys() == set(AccessRole)


@pytest.mark.parametrize(
    ("scope", "mesh", "reason"), [("m1", "m1", ""), ("*", "m2", ""), ("m1", "m2", "KEY_MESH"), ("m1", "", "")]
)
def test_a_key_bound_to_a_mesh_opens_no_other(scope: str, mesh: str, reason: str) -> None:
    assert denial(Identity(key_id="k", role=AccessRole.ADMIN, mesh=scope), Operation.GET_MESH_STATUS, mesh) == reason


def test_operations_of_a_key_narrow_its_role_and_never_widen_it() -> None:
    chosen = frozenset({Operation.GET_MESH_STATUS, Operation.CREATE_MESH})
    identity = Identity(key_id="k", role=AccessRole.OPERATOR, mesh="*", operations=chosen)
    assert denial(identity, Operation.GET_MESH_STATUS, "m1") == ""
    assert denial(identity, Operation.TERMINATE_AGENT, "m1") == "KEY_OPERATIONS"
    assert denial(identity, Operation.CREATE_MESH, "m1") == "ROLE"


@pytest.mark.parametrize("role", [AccessRole.ADMIN, AccessRole.OPERATOR])
@pytest.mark.parametrize("operation", sorted(BY_NAME_ALONE))
def test_what_takes_a_key_that_names_it_no_role_may_by_itself(role: AccessRole, operation: Operation) -> None:
    mighty = Identity(key_id="k", role=role, mesh=ANY_MESH)
    assert denial(mighty, operation, "m1") == "KEY_OPERATIONS"
    assert denial(replace(mighty, operations=frozenset({Operation.READ_LOG})), operation, "m1") == "KEY_OPERATIONS"
    assert denial(replace(mighty, operations=frozenset({operation})), operation, "m1") == ""


@pytest.mark.parametrize("operation", sorted(TAKING_PART))
def test_an_agent_acts_in_its_own_name_and_its_own_mesh_alone(operation: Operation) -> None:
    assert denial(AN_AGENT, operation, "m1", "a1") == ""
    assert denial(AN_AGENT, operation, "m1", "a2") == "OTHER_AGENT"
    assert denial(AN_AGENT, operation, "m2", "a1") == "KEY_MESH"
    assert denial(Identity(key_id="k", role=AccessRole.WORKER, mesh="m1"), operation, "m1", "a1") == "NO_SESSION"


@pytest.mark.parametrize("operation", [Operation.JOIN_MESH, Operation.REFRESH_SESSION])
def test_a_session_makes_no_session(operation: Operation) -> None:
    assert denial(AN_AGENT, operation, "m1", "a1") == "SESSION"


def test_who_may_join_may_take_part() -> None:
    narrow = replace(AN_AGENT, operations=frozenset({Operation.JOIN_MESH}))
    assert denial(narrow, Operation.SUBMIT_COMMAND, "m1", "a1") == ""
    assert denial(narrow, Operation.GET_MESH_STATUS, "m1") == "KEY_OPERATIONS"
    other = replace(AN_AGENT, operations=frozenset({Operation.GET_MESH_STATUS}))
    assert denial(other, Operation.SUBMIT_COMMAND, "m1", "a1") == "KEY_OPERATIONS"


# --- keys that make keys --------------------------------------------------------------------------------------------

GRANT_POLICY = {
    "admin": "admin operator manager worker observer guest",
    "operator": "worker observer",
    "manager": "",
    "worker": "",
    "observer": "",
    "guest": "",
}
"""Whose keys each role makes, as a reader would write it."""


def holder(role: AccessRole, mesh: str = "m1", **more: Any) -> Identity:
    return Identity(key_id=more.pop("key_id", "new"), role=role, mesh=mesh, **more)


@pytest.mark.parametrize(("granter", "granted"), list(product(AccessRole, AccessRole)), ids=str)
def test_each_role_makes_exactly_the_keys_that_the_policy_says(granter: AccessRole, granted: AccessRole) -> None:
    allowed = granted.value in GRANT_POLICY[granter.value].split()
    assert (grant_denial(holder(granter, key_id="own"), holder(granted)) == "") is allowed
    assert is_in_charge(holder(granter, key_id="own"), holder(granted)) is allowed


def test_nobody_grants_what_its_role_may_neither_do_nor_delegate() -> None:
    """A key's holder may delegate what players and guests do, and nothing else that it may not do itself."""
    for role, granted in GRANTS.items():
        for other in granted:
            beyond = PERMISSIONS[other] - PERMISSIONS[role] - PERMISSIONS[AccessRole.WORKER] - PERMISSIONS[AccessRole.GUEST]
            assert beyond == frozenset(), (role, other)


@pytest.mark.parametrize(
    ("own", "asked", "allowed"),
    [("m1", "m1", True), ("m1", "m2", False), ("m1", "*", False), ("*", "m1", True), ("*", "*", True)],
)
def test_a_key_makes_no_key_for_more_meshes_than_its_own(own: str, asked: str, allowed: bool) -> None:
    for granter, granted in ((AccessRole.ADMIN, AccessRole.ADMIN), (AccessRole.OPERATOR, AccessRole.OBSERVER)):
        assert (grant_denial(holder(granter, own, key_id="own"), holder(granted, asked)) == "") is allowed


def test_a_narrowed_key_makes_no_key_that_may_do_more() -> None:
    few = frozenset({Operation.CREATE_KEY, Operation.LIST_MESHES})
    narrow = holder(AccessRole.ADMIN, key_id="own", operations=few)
    assert grant_denial(narrow, holder(AccessRole.ADMIN, operations=few)) == ""
    assert grant_denial(narrow, holder(AccessRole.ADMIN, operations=few | {Operation.DELETE_MESH})) == "KEY_GRANT"
    assert grant_denial(narrow, holder(AccessRole.ADMIN)) == "KEY_GRANT"
    assert is_in_charge(narrow, holder(AccessRole.ADMIN)), "to end a key takes no might of its own"


@pytest.mark.parametrize("role", list(AccessRole))
def test_everybody_is_in_charge_of_its_own_key(role: AccessRole) -> None:
    own = holder(role, key_id="own")
    assert grant_denial(own, own) == ""


def test_the_key_of_one_agent_acts_as_that_agent_alone_and_may_look_at_others() -> None:
    key = holder(AccessRole.WORKER, agent="a1")
    assert denial(key, Operation.JOIN_MESH, "m1", "a1") == ""
    assert denial(key, Operation.JOIN_MESH, "m1", "a2") == "OTHER_AGENT"
    assert denial(key, Operation.REFRESH_SESSION, "m1", "a2") == "OTHER_AGENT"
    assert denial(key, Operation.GET_AGENT_STATUS, "m1", "a2") == ""
    assert denial(key, Operation.SUBMIT_COMMAND, "m1", "a1") == "NO_SESSION"


def test_the_trail_of_the_project_is_for_no_key_of_one_mesh() -> None:
    assert denial(holder(AccessRole.ADMIN, "m1"), Operation.READ_PROJECT_AUDIT, "") == "KEY_MESH"
    assert denial(holder(AccessRole.ADMIN, "*"), Operation.READ_PROJECT_AUDIT, "") == ""
