"""The permission table: every cell, both sides, and what narrows a role."""

from itertools import product

import pytest

from firemesh.control_plane.access import PERMISSIONS, AccessRole, Identity, Operation, denial

POLICY = {
    "create_mesh": "admin",
    "list_meshes": "admin operator observer",
    "get_mesh_status": "admin operator manager worker observer",
    "join_mesh": "worker",
    "get_agent_status": "admin operator manager worker observer",
    "terminate_agent": "admin operator manager",
    "read_audit": "admin operator",
}
"""The policy as a reader would write it, beside the table of the program."""


@pytest.mark.parametrize(("role", "operation"), list(product(AccessRole, Operation)), ids=str)
def test_each_role_may_exactly_what_the_policy_says(role: AccessRole, operation: Operation) -> None:
    identity = Identity(key_id="k", role=role, mesh="m1")
    assert (denial(identity, operation, "m1") == "") is (role.value in POLICY[operation.value].split())


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
