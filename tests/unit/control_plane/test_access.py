"""The permission table: every cell, both sides, and what narrows a role."""

from dataclasses import replace
from itertools import product

import pytest

from firemesh.control_plane.access import PERMISSIONS, TAKING_PART, AccessRole, Identity, Operation, denial

POLICY = {
    "create_mesh": "admin",
    "list_meshes": "admin operator observer",
    "get_mesh_status": "admin operator manager worker observer",
    "join_mesh": "worker",
    "get_agent_status": "admin operator manager worker observer",
    "terminate_agent": "admin operator manager",
    "read_audit": "admin operator",
    "refresh_session": "worker",
    "write_heartbeat": "worker",
    "read_heartbeat": "worker",
    "submit_command": "worker",
    "see_command": "worker",
    "read_own_state": "worker",
    "write_own_state": "worker",
    "receive_events": "worker",
}
"""The policy as a reader would write it, beside the table of the program."""

AN_AGENT = Identity(key_id="k", role=AccessRole.WORKER, mesh="m1", agent="a1", inc="0" * 12)


@pytest.mark.parametrize(("role", "operation"), list(product(AccessRole, Operation)), ids=str)
def test_each_role_may_exactly_what_the_policy_says(role: AccessRole, operation: Operation) -> None:
    identity = AN_AGENT if operation in TAKING_PART else Identity(key_id="k", role=role, mesh="m1")
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
