"""Commands over REST: each into the inbox once, in order, from its own agent, whatever is repeated or lost on the way."""

from collections.abc import Sequence
from typing import Any

import pytest

from firemesh.control_plane.command_door import WAITING_MAX
from firemesh.store.base import Write
from firemesh.store.memory import ACK_LOST, LANDS, LOST, CommitFate
from tests.support.api import LOOP, Api
from tests.support.rest_agent import RestAgent


@pytest.fixture
def agent(api: Api) -> RestAgent:
    api.create()
    return RestAgent(api)


@pytest.fixture
def member(agent: RestAgent) -> RestAgent:
    assert agent.join().json == {"seq": 1, "is_new": True}
    agent.order(1)
    agent.seat()
    return agent


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]


def test_a_join_and_what_follows_lie_in_the_inbox_as_the_leader_reads_them(member: RestAgent) -> None:
    assert member.send(2, "counter.add", {"b": 2, "a": 1}).status_code == 202
    (stored,) = LOOP.run(member.api.store.list_documents("meshes/m1/inbox")).documents.values()
    assert stored.id == f"a1_{member.inc}_00000002"
    assert stored.fields == {
        **{"agent_id": "a1", "inc": member.inc, "seq": 2, "kind": "counter.add"},
        "payload": '{"a":1,"b":2}',
    }


def test_the_same_call_again_does_nothing_twice(member: RestAgent) -> None:
    for _ in range(2):
        assert member.send(2, body={"amount": 1}).status_code == 202
    assert member.waiting() == [2]
    member.order(2)
    assert member.send(2, body={"amount": 1}).json == {"seq": 2, "is_new": False}
    assert member.waiting() == []
    assert member.join().json == {"seq": 1, "is_new": False}


def test_another_command_under_a_used_number_is_refused(member: RestAgent) -> None:
    member.send(2, body={"amount": 1})
    assert problem(member.send(2, body={"amount": 2})) == (409, "AlreadyExists")
    member.order(2)
    member.send(3)
    assert problem(member.send(2, body={"amount": 2})) == (409, "AlreadyExists")
    assert problem(member.send(2, "counter.sub", {"amount": 1})) == (409, "AlreadyExists")


def test_a_number_too_far_is_refused_and_names_the_next(member: RestAgent) -> None:
    refused = member.send(3)
    assert problem(refused) == (400, "InvalidMessage")
    assert refused.json is not None
    assert refused.json["detail"] == "command 3 comes where 2 is expected"
    assert member.waiting() == []


def test_an_answer_that_got_lost_is_made_good_by_asking_again(member: RestAgent) -> None:
    fates = iter([ACK_LOST, LOST])

    def fate(writes: Sequence[Write]) -> CommitFate:
        return next(fates, LANDS) if any("/inbox/" in write.path for write in writes) else LANDS

    member.api.faults.commit_fate = fate
    assert member.send(2).status_code == 504
    assert member.send(2).json == {"seq": 2, "is_new": False}
    assert member.send(3).status_code == 504
    assert member.waiting() == [2]
    assert member.send(3).json == {"seq": 3, "is_new": True}
    assert member.waiting() == [2, 3]


def test_no_more_than_64_wait(member: RestAgent) -> None:
    for seq in range(2, 2 + WAITING_MAX):
        assert member.send(seq).status_code == 202
    full = member.send(2 + WAITING_MAX)
    assert problem(full) == (429, "InboxFull")
    assert full.json is not None
    assert full.json["retryable"] is True
    member.order(2)
    assert member.send(2 + WAITING_MAX).status_code == 202


def test_one_that_is_no_member_may_only_join(agent: RestAgent) -> None:
    assert problem(agent.send(2)) == (404, "AgentNotFound")
    assert problem(agent.send(1)) == (400, "InvalidMessage")
    assert agent.waiting() == []


@pytest.mark.parametrize(
    "changes",
    [{"type": "manager"}, {"process": "p1"}, {"process": "client-a2"}, {"replaces": ["0" * 12]}, {"type": 1}, {"x": 1}],
)
def test_a_join_says_nothing_but_who_comes(agent: RestAgent, changes: Any) -> None:
    assert agent.join(**changes).status_code == 400
    assert agent.waiting() == []


@pytest.mark.parametrize("kind", ["mesh.remove_agent", "mesh.member_dead", "mesh.join", "mesh.deadline"])
def test_commands_of_the_mesh_itself_do_not_pass(member: RestAgent, kind: str) -> None:
    assert member.send(2, kind).status_code == 400
    assert member.send(2, "mesh.leave").status_code == 202


def test_what_the_mesh_would_refuse_as_malformed_does_not_pass(member: RestAgent) -> None:
    deep: Any = {}
    for _ in range(40):
        deep = {"a": deep}
    for kind, body in [("counter", {}), ("Counter.add", {}), ("counter.add", {"a": "x" * 4100}), ("counter.add", deep)]:
        assert member.send(2, kind, body).status_code == 400
    assert member.waiting() == []


def test_a_refused_join_may_be_tried_again_and_its_refusal_goes(agent: RestAgent) -> None:
    agent.join()
    agent.order(1)
    refusal = f"meshes/m1/refused/a1_{agent.inc}_00000001"
    agent.api.put(refusal, {"reason": "MESH_FULL", "detail": "30 agents", "sent": ""})
    assert agent.call("GET", "/commands/1").json == {
        "seq": 1,
        "status": "refused",
        "reason": "MESH_FULL",
        "detail": "30 agents",
    }
    assert agent.join().json == {"seq": 1, "is_new": True}
    assert agent.waiting() == [1]
    assert refusal not in agent.api.memory.documents()


def test_a_rivals_join_costs_a_member_nothing(api: Api) -> None:
    api.create()
    one, other = RestAgent(api), RestAgent(api)
    one.join()
    other.join()
    one.order(1)
    one.seat()
    assert problem(other.join()) == (409, "AgentIdInUse")
    assert one.send(2).json == {"seq": 2, "is_new": True}
    assert one.join().json == {"seq": 1, "is_new": False}
    assert one.waiting() == [2]


def test_a_new_run_begins_at_one(member: RestAgent) -> None:
    member.send(2)
    member.seat("dead")
    again = RestAgent(member.api)
    assert again.join().json == {"seq": 1, "is_new": True}
    again.seat()
    assert again.send(2).json == {"seq": 2, "is_new": True}


def test_what_became_of_a_command_is_told(member: RestAgent) -> None:
    assert member.call("GET", "/commands/2").status_code == 404
    member.send(2)
    told = member.call("GET", "/commands/2").json
    assert told == {"seq": 2, "status": "waiting", "reason": "", "detail": ""}
    member.order(2)
    done = member.call("GET", "/commands/2").json
    assert done is not None
    assert done["status"] == "done"
    refusal = {"reason": "UNKNOWN_SESSION", "detail": "", "sent": ""}
    member.api.put(f"meshes/m1/refused/a1_{member.inc}_00000002", refusal)
    refused = member.call("GET", "/commands/2").json
    assert refused is not None
    assert (refused["status"], refused["reason"]) == ("refused", "UNKNOWN_SESSION")


@pytest.mark.parametrize("seq", ["0", "-1", "x", "100000000", "1.5"])
def test_a_number_that_no_command_has_is_refused(member: RestAgent, seq: str) -> None:
    assert member.call("GET", f"/commands/{seq}").status_code == 400


def test_a_command_costs_five_reads_and_two_writes(member: RestAgent) -> None:
    member.api.memory.counts.clear()
    member.send(2)
    billed = member.api.memory.counts
    assert sum(count for (_, _, what), count in billed.items() if what == "reads") == 5
    assert sum(count for (_, _, what), count in billed.items() if what == "writes") == 2
