import json

import pytest

from firemesh.core.messages import Command
from firemesh.errors import CorruptDocument, InvalidMessage
from firemesh.game.counter import AGENTS_MAX, TOTAL_MAX, Count, CounterMachine

MACHINE = CounterMachine()


def add(state: Count, agent_id: str, payload: str, kind: str = "counter.add") -> tuple[Count, str]:
    command = Command(agent_id=agent_id, inc="0" * 12 if agent_id else "", seq=1, kind=kind, payload=payload)
    transition = MACHINE.apply(state, command, 0)
    return transition.state, transition.reason


def test_it_adds_and_counts_additions_per_agent() -> None:
    state = MACHINE.initial({})
    for agent, n in (("a", 2), ("b", 3), ("a", 0)):
        state, reason = add(state, agent, json.dumps({"n": n}))
        assert reason == ""
    assert state == Count(5, {"a": 2, "b": 1})
    assert MACHINE.views(state) == {"public": {"total": 5}}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ('{"n": -1}', "NEGATIVE"),
        ('{"n": true}', "MALFORMED"),
        ('{"n": 1.0}', "MALFORMED"),
        ('{"n": 1, "m": 2}', "MALFORMED"),
        ("{}", "MALFORMED"),
        (json.dumps({"n": TOTAL_MAX + 1}), "TOO_LARGE"),
    ],
)
def test_a_refused_addition_changes_nothing(payload: str, reason: str) -> None:
    state = Count(1, {"a": 1})
    assert add(state, "a", payload) == (state, reason)


def test_the_number_of_agents_is_bounded() -> None:
    state = Count(0, {f"a{n}": 1 for n in range(AGENTS_MAX)})
    assert add(state, "one-more", '{"n": 1}')[1] == "TOO_MANY_AGENTS"
    assert add(state, "a0", '{"n": 1}')[1] == ""


def test_commands_of_the_mesh_are_heard_and_unknown_ones_refused() -> None:
    state = Count()
    assert add(state, "", '{"agent": "a"}', "mesh.member_dead") == (state, "")
    assert add(state, "a", "{}", "mesh.member_dead") == (state, "UNKNOWN_KIND")
    assert add(state, "a", "{}", "counter.subtract") == (state, "UNKNOWN_KIND")


def test_nothing_is_ever_due() -> None:
    assert MACHINE.deadline_ms(Count()) is None


def test_a_count_survives_encoding() -> None:
    state = Count(5, {"b": 1, "a": 2})
    assert MACHINE.decode(json.loads(json.dumps(MACHINE.encode(state)))) == state
    with pytest.raises(CorruptDocument):
        MACHINE.decode({"total": 1})


def test_a_setup_is_refused() -> None:
    with pytest.raises(InvalidMessage):
        MACHINE.initial({"seats": 5})
