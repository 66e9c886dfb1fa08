"""The life of a mesh by order of its operator: drained, closed, led by somebody else."""

from typing import Any

import pytest

from firemesh.core.effects import HeadSeen, ManagerRole, ProposalKind, ReleaseAsked, Request, RequestsSeen, Timer
from firemesh.core.membership import CLOSE, DRAIN, TRANSFER, MemberStatus
from firemesh.core.messages import Command, Head, MeshStatus, mesh_command
from firemesh.core.replica import Replica, advance, initial_replica, restore, take_snapshot
from firemesh.core.sessions import Admission, admit
from tests.support.ledger import Ledger, LedgerMachine
from tests.support.scripted import Scripted, ScriptedMesh, command, incarnation, join, request

MACHINE = LedgerMachine()
ORDER_TO_DRAIN, ORDER_TO_CLOSE = mesh_command(DRAIN, {}), mesh_command(CLOSE, {})


def order(of: Command, received: int = 1) -> Request:
    return Request("operator_" + "0" * 12 + "_00000000", received, of)


def is_told(leader: Scripted, *requests: Request) -> None:
    leader.tell(RequestsSeen(requests))
    leader.settle()


def replica_after(*batches: Command) -> Replica[Ledger]:
    replica = initial_replica(MACHINE, {})
    for each in batches:
        replica = advance(replica, MACHINE, term=1, at_ms=0, batch=(each,))
    return replica


def admitted(replica: Replica[Ledger], *commands: Command) -> Admission:
    return admit(replica, [request(each, place) for place, each in enumerate(commands, 1)], 30, 0)


def reasons(admission: Admission) -> list[str]:
    return [refusal.reason for refusal in admission.refusals]


# --- draining -------------------------------------------------------------------------------------------------------


def test_a_draining_mesh_lets_no_new_worker_in_and_goes_on_otherwise() -> None:
    draining = replica_after(join("w"), ORDER_TO_DRAIN)
    assert draining.roster.status is MeshStatus.DRAINING
    assert reasons(admitted(draining, join("new"))) == ["MESH_DRAINING"]
    assert len(admitted(draining, command("w", 2)).batch) == 1


def test_a_draining_mesh_takes_back_who_was_lost_and_not_who_left() -> None:
    dead = mesh_command("mesh.member_dead", {"agent": "w", "inc": incarnation("w")})
    lost = replica_after(join("w"), ORDER_TO_DRAIN, dead)
    assert len(admitted(lost, join("w", run=1)).batch) == 1
    restarted = replica_after(join("w"), ORDER_TO_DRAIN)
    assert len(admitted(restarted, join("w", run=1, replaces=[incarnation("w")])).batch) == 1
    left = replica_after(join("w"), ORDER_TO_DRAIN, command("w", 2, "mesh.leave"))
    assert reasons(admitted(left, join("w", run=1))) == ["MESH_DRAINING"]


def test_a_draining_mesh_takes_managers_without_whom_nothing_would_go_on() -> None:
    assert len(admitted(replica_after(ORDER_TO_DRAIN), join("m9", "manager")).batch) == 1


def test_who_joins_behind_the_order_to_drain_in_one_batch_is_refused_too() -> None:
    admission = admit(replica_after(), [order(ORDER_TO_DRAIN), request(join("new"), 2)], 30, 0)
    assert (admission.batch, reasons(admission)) == ((ORDER_TO_DRAIN,), ["MESH_DRAINING"])


def test_the_head_and_the_topology_say_that_a_mesh_drains(mesh: ScriptedMesh) -> None:
    leader = mesh["m1"]
    leader.tell(RequestsSeen((order(ORDER_TO_DRAIN),)))
    proposal = leader.lands()
    shown = {projection.path: projection.fields for projection in proposal.projections}
    assert proposal.head.status is MeshStatus.DRAINING
    assert (shown["views/topology"] or {})["status"] == "draining"
    assert leader.role is ManagerRole.LEADER


# --- closing --------------------------------------------------------------------------------------------------------


def test_closing_ends_every_member_in_one_entry_and_tells_the_machine() -> None:
    before = replica_after(join("m1", "manager"), join("w"), join("x"))
    after = advance(before, MACHINE, term=1, at_ms=0, batch=(ORDER_TO_CLOSE,))
    assert {member.status for member in after.roster.members.values()} == {MemberStatus.LEFT}
    assert (after.roster.status, after.roster.voters.managers, after.sessions) == (MeshStatus.CLOSED, (), {})
    assert after.machine_state.applied.count("mesh.member_left") == 3


def test_the_commit_that_closes_a_mesh_lets_go_of_the_lease(mesh: ScriptedMesh) -> None:
    leader = mesh["m1"]
    leader.tell(RequestsSeen((order(ORDER_TO_CLOSE),)))
    proposal = leader.lands()
    assert (proposal.kind, proposal.head.leader, proposal.head.closed) == (ProposalKind.APPEND, "", True)
    assert leader.role is ManagerRole.FOLLOWER
    assert leader.commits == []


@pytest.mark.parametrize("name", ["m1", "m2"])
def test_nobody_stands_for_a_closed_mesh(mesh: ScriptedMesh, name: str) -> None:
    is_told(mesh["m1"], order(ORDER_TO_CLOSE))
    mesh.all_see_head()
    assert Timer.CAMPAIGN not in mesh[name].armed
    assert mesh[name].state.replica.roster.status is MeshStatus.CLOSED


def test_a_candidate_stands_back_when_the_mesh_is_closed_meanwhile(mesh: ScriptedMesh) -> None:
    mesh["m1"].tell(ReleaseAsked())
    mesh["m1"].settle()
    candidate = mesh["m2"]
    candidate.sees_head()
    candidate.answers_reads = False
    candidate.fire(Timer.CAMPAIGN)
    closed = mesh.store.head.model_copy(update={"status": MeshStatus.CLOSED})
    candidate.tell(HeadSeen(closed, mesh.store.version + 1))
    candidate.answer_reads()
    for timer in tuple(candidate.armed):
        candidate.fire(timer)
    assert (candidate.role, candidate.commits) == (ManagerRole.FOLLOWER, [])


def test_what_waits_when_a_mesh_closes_is_refused_and_not_left_behind(mesh: ScriptedMesh) -> None:
    leader = mesh["m1"]
    late = [request(command("w", 2), 2), request(join("new"), 3), Request("odd", 4, None, "no command", "?")]
    leader.tell(RequestsSeen((order(ORDER_TO_CLOSE), *late)))
    proposal = leader.lands()
    assert {refusal.reason for refusal in proposal.refusals} == {"MESH_CLOSED"}
    assert {refusal.request_id for refusal in proposal.refusals} == {each.id for each in late}


def test_nobody_joins_a_closed_mesh() -> None:
    closed = replica_after(join("m1", "manager"), ORDER_TO_CLOSE)
    joins = [join("new"), join("m2", "manager"), join("m1", "manager", run=1)]
    assert reasons(admitted(closed, *joins)) == ["MESH_CLOSED"] * 3


def test_a_closed_mesh_does_not_drain() -> None:
    assert replica_after(ORDER_TO_CLOSE, ORDER_TO_DRAIN).roster.status is MeshStatus.CLOSED


# --- handing over ---------------------------------------------------------------------------------------------------


def test_an_order_to_hand_over_is_obeyed_once_its_entry_has_landed(mesh: ScriptedMesh) -> None:
    leader = mesh["m1"]
    leader.tell(RequestsSeen((order(mesh_command(TRANSFER, {"to": "m2"})),)))
    assert leader.lands().kind is ProposalKind.APPEND
    release = leader.lands()
    assert (release.kind, release.head.leader, release.head.transfer_to) == (ProposalKind.RELEASE, "", "m2")
    heir = mesh["m2"]
    heir.sees_head()
    heir.fire(Timer.CAMPAIGN)
    heir.settle()
    assert heir.role is ManagerRole.LEADER


def test_an_order_whose_landing_was_not_heard_is_obeyed_when_it_is_found_out(mesh: ScriptedMesh) -> None:
    leader = mesh["m1"]
    leader.tell(RequestsSeen((order(mesh_command(TRANSFER, {"to": "m2"})),)))
    leader.lands_unheard()
    assert leader.lands().head.transfer_to == "m2"


@pytest.mark.parametrize("body", [{"to": "w"}, {"to": "nobody"}, {"to": "m1"}, {"to": ["m2"]}, {}])
def test_an_order_to_hand_over_to_no_other_living_voter_is_ignored(mesh: ScriptedMesh, body: dict[str, Any]) -> None:
    is_told(mesh["m1"], order(mesh_command(TRANSFER, body)))
    assert mesh["m1"].role is ManagerRole.LEADER
    assert mesh.store.head.leader == "m1"


# --- who may order it, and what is kept -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [DRAIN, CLOSE, TRANSFER])
def test_no_member_gives_the_operators_orders(kind: str) -> None:
    assert reasons(admitted(replica_after(join("w")), command("w", 2, kind))) == ["NOT_A_MEMBER_COMMAND"]


@pytest.mark.parametrize("given", [(), (ORDER_TO_DRAIN,), (ORDER_TO_CLOSE,)])
def test_a_snapshot_keeps_the_status(given: tuple[Command, ...]) -> None:
    replica = replica_after(join("w"), *given)
    assert restore(take_snapshot(replica, MACHINE), MACHINE).roster == replica.roster


def test_an_open_mesh_is_hashed_and_kept_as_before_there_was_a_status() -> None:
    replica = replica_after(join("w"))
    assert "status" not in take_snapshot(replica, MACHINE).state.replace('"status":"alive"', "")


def test_a_head_without_a_status_is_of_an_open_mesh() -> None:
    old = {name: value for name, value in Head().model_dump(mode="json").items() if name != "status"}
    assert Head.model_validate(old).status is MeshStatus.OPEN
