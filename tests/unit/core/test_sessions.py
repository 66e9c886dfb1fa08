"""At most once: what is ordered, what is done, what is refused and why."""

from collections.abc import Iterable

import pytest

from firemesh.core.effects import Request
from firemesh.core.membership import REMOVE
from firemesh.core.messages import BATCH_COMMANDS_MAX, Command, mesh_command
from firemesh.core.replica import Replica, advance, initial_replica
from firemesh.core.sessions import GAP_PATIENCE_MS, Admission, admit
from tests.support.ledger import Ledger, LedgerMachine
from tests.support.scripted import command, incarnation, join, request

MACHINE = LedgerMachine()


def replica_after(*commands: Command) -> Replica[Ledger]:
    replica = initial_replica(MACHINE, {})
    for each in commands:
        replica = advance(replica, MACHINE, term=1, at_ms=0, batch=(each,))
    return replica


def admitted(replica: Replica[Ledger], *commands: Command, agents_max: int = 30, at_ms: int = 0) -> Admission:
    requests = [request(each, received=place) for place, each in enumerate(commands, 1)]
    return admit(replica, requests, agents_max, at_ms)


def reasons(admission: Admission) -> list[str]:
    return [refusal.reason for refusal in admission.refusals]


def numbers(commands: Iterable[Command]) -> list[int]:
    return [each.seq for each in commands]


MEMBER = replica_after(join("w"))


# --- the sequence --------------------------------------------------------------------------------------------------


def test_next_number_is_ordered() -> None:
    admission = admitted(MEMBER, command("w", 2))
    assert numbers(admission.batch) == [2]
    assert admission.done == (request(command("w", 2)).id,)
    assert admission.refusals == ()


@pytest.mark.parametrize("seq", [1, 2])
def test_number_ordered_before_is_refused_as_such_and_not_ordered_again(seq: int) -> None:
    replica = replica_after(join("w"), command("w", 2))
    again = join("w") if seq == 1 else command("w", 2)
    admission = admitted(replica, again)
    assert (admission.batch, admission.done, reasons(admission)) == ((), (), ["ALREADY_ORDERED"])


def test_command_twice_in_one_inbox_is_ordered_once() -> None:
    twice = [Request(name, place, command("w", 2)) for place, name in enumerate(("first", "second"))]
    admission = admit(MEMBER, twice, 30, 0)
    assert numbers(admission.batch) == [2]
    assert admission.done == ("first",)
    assert [(refusal.request_id, refusal.reason) for refusal in admission.refusals] == [("second", "ALREADY_ORDERED")]


def test_number_beyond_the_next_one_waits_for_those_between() -> None:
    assert admitted(MEMBER, command("w", 4), at_ms=GAP_PATIENCE_MS - 1) == Admission((), (), ())
    received_ns = 5_000 * 1_000_000
    late_come = request(command("w", 4), received=received_ns)
    assert admit(MEMBER, [late_come], 30, 5_000 + GAP_PATIENCE_MS - 1) == Admission((), (), ())


def test_gap_that_stays_open_is_refused_and_told_which_number_is_expected() -> None:
    (refusal,) = admitted(MEMBER, command("w", 4), at_ms=GAP_PATIENCE_MS).refusals
    assert refusal.reason == "SEQUENCE_GAP"
    assert refusal.detail == "seq 4 came where 2 was expected; send 2 first"


def test_numbers_that_arrive_out_of_order_are_ordered_in_order() -> None:
    admission = admitted(MEMBER, command("w", 4), command("w", 3), command("w", 2))
    assert numbers(admission.batch) == [2, 3, 4]
    assert admission.refusals == ()


def test_first_come_is_first_served_across_senders() -> None:
    replica = replica_after(join("w"), join("v"))
    admission = admitted(replica, command("w", 2), command("v", 2), command("w", 3))
    assert [(each.agent_id, each.seq) for each in admission.batch] == [("w", 2), ("v", 2), ("w", 3)]


def test_batch_ends_at_its_limit_and_the_rest_waits() -> None:
    commands = [command("w", seq) for seq in range(2, BATCH_COMMANDS_MAX + 12)]
    admission = admitted(MEMBER, *commands)
    assert len(admission.batch) == len(admission.done) == BATCH_COMMANDS_MAX
    assert admission.refusals == ()


# --- who may send --------------------------------------------------------------------------------------------------


def test_command_without_a_session_is_refused() -> None:
    assert reasons(admitted(MEMBER, command("stranger", 2))) == ["UNKNOWN_SESSION"]


def test_command_in_the_same_inbox_as_its_join_is_ordered() -> None:
    admission = admitted(initial_replica(MACHINE, {}), join("w"), command("w", 2))
    assert numbers(admission.batch) == [1, 2]


def test_command_of_a_dead_incarnation_is_refused() -> None:
    replica = replica_after(join("w"), mesh_command("mesh.member_dead", {"agent": "w"}))
    assert reasons(admitted(replica, command("w", 2))) == ["UNKNOWN_SESSION"]


def test_command_of_an_incarnation_that_died_in_the_same_batch_is_refused() -> None:
    removal = Request("removal", 1, mesh_command(REMOVE, {"agent": "w"}))
    admission = admit(MEMBER, [removal, request(command("w", 2), received=2)], 30, 0)
    assert [each.kind for each in admission.batch] == [REMOVE]
    assert reasons(admission) == ["UNKNOWN_SESSION"]


def test_earlier_incarnation_is_refused_from_the_join_of_the_next_one_on() -> None:
    second = join("w", run=1, replaces=[incarnation("w")])
    admission = admitted(MEMBER, second, command("w", 2), command("w", 2, run=1))
    assert [(each.inc, each.seq) for each in admission.batch] == [(second.inc, 1), (second.inc, 2)]
    assert reasons(admission) == ["UNKNOWN_SESSION"]


@pytest.mark.parametrize("kind", ["mesh.member_dead", "mesh.member_left", "mesh.remove_agent", "mesh.deadline"])
def test_member_may_not_speak_for_the_mesh(kind: str) -> None:
    assert reasons(admitted(MEMBER, command("w", 2, kind, {"agent": "w"}))) == ["NOT_A_MEMBER_COMMAND"]


@pytest.mark.parametrize("kind", ["mesh.member_dead", "mesh.deadline", "ledger.note"])
def test_operator_may_only_remove(kind: str) -> None:
    admission = admit(MEMBER, [Request("op", 1, mesh_command(kind, {"agent": "w"}))], 30, 0)
    assert reasons(admission) == ["NOT_AN_OPERATOR_COMMAND"]


def test_operator_may_remove_without_a_session() -> None:
    admission = admit(MEMBER, [Request("op", 1, mesh_command(REMOVE, {"agent": "w"}))], 30, 0)
    assert [each.kind for each in admission.batch] == [REMOVE]


@pytest.mark.parametrize("body", [{}, {"agent": None}, {"agent": ["w"]}, {"agent": "w", "inc": []}, {"agent": {"x": 1}}])
def test_removal_of_nobody_is_ordered_and_changes_nothing(body: dict[str, object]) -> None:
    admission = admit(MEMBER, [Request("op", 1, mesh_command(REMOVE, body))], 30, 0)
    after = advance(MEMBER, MACHINE, term=1, at_ms=0, batch=admission.batch)
    assert after.roster == MEMBER.roster


def test_malformed_request_is_refused_with_its_problem() -> None:
    (refusal,) = admit(MEMBER, [Request("junk", 1, None, "no JSON", "{{")], 30, 0).refusals
    assert (refusal.reason, refusal.detail, refusal.sent) == ("MALFORMED", "no JSON", "{{")


# --- joining -------------------------------------------------------------------------------------------------------


def test_second_process_with_a_living_agents_id_is_refused() -> None:
    assert reasons(admitted(MEMBER, join("w", run=1))) == ["AGENT_ID_IN_USE"]


def test_restarted_process_that_knows_its_last_incarnation_replaces_it() -> None:
    admission = admitted(MEMBER, join("w", run=1, replaces=[incarnation("w")]))
    assert numbers(admission.batch) == [1]


def test_dead_incarnation_never_comes_back_but_the_agent_may() -> None:
    replica = replica_after(join("w"), mesh_command("mesh.member_dead", {"agent": "w"}))
    assert reasons(admitted(replica, join("w"))) == ["INCARNATION_ENDED"]
    assert numbers(admitted(replica, join("w", run=1)).batch) == [1]


def test_incarnation_before_the_last_one_does_not_come_back_either() -> None:
    dead = mesh_command("mesh.member_dead", {"agent": "w"})
    replica = replica_after(join("w"), dead, join("w", run=1), dead)
    assert reasons(admitted(replica, join("w"))) == ["INCARNATION_ENDED"]


def test_full_mesh_refuses_one_more_worker() -> None:
    replica = replica_after(join("w1"), join("w2"))
    assert reasons(admitted(replica, join("w3"), agents_max=2)) == ["MESH_FULL"]
    assert numbers(admitted(replica, join("w3"), agents_max=3).batch) == [1]


def test_places_are_counted_within_one_batch_too() -> None:
    admission = admitted(initial_replica(MACHINE, {}), join("w1"), join("w2"), join("w3"), agents_max=2)
    assert [each.agent_id for each in admission.batch] == ["w1", "w2"]
    assert reasons(admission) == ["MESH_FULL"]


def test_member_that_joins_again_in_its_session_is_refused() -> None:
    again = join("w").model_copy(update={"seq": 2})
    assert reasons(admitted(MEMBER, again)) == ["ALREADY_JOINED"]


def test_join_with_a_malformed_body_is_refused() -> None:
    assert reasons(admitted(MEMBER, command("v", 1, "mesh.join", {"type": "king"}))) == ["MALFORMED"]


def test_session_must_open_with_a_join() -> None:
    assert reasons(admitted(MEMBER, command("v", 1, "ledger.note"))) == ["UNKNOWN_SESSION"]


# --- voters --------------------------------------------------------------------------------------------------------


def test_voters_change_one_at_a_time() -> None:
    admission = admitted(MEMBER, join("m1", "manager"), join("m2", "manager"), command("w", 2))
    assert [each.agent_id for each in admission.batch] == ["m1"]
    assert admission.refusals == ()


def test_leaving_voter_ends_the_batch() -> None:
    replica = replica_after(join("w"), join("m1", "manager"))
    admission = admitted(replica, command("m1", 2, "mesh.leave"), command("w", 2))
    assert [each.agent_id for each in admission.batch] == ["m1"]


def test_joining_workers_share_a_batch() -> None:
    assert len(admitted(MEMBER, join("v1"), join("v2"), command("w", 2)).batch) == 3
