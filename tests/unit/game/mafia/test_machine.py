import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firemesh.core.messages import Command
from firemesh.errors import CorruptDocument
from firemesh.game.mafia.codec import decode_state, encode_state
from firemesh.game.mafia.commands import KINDS
from firemesh.game.mafia.reasons import Reason
from firemesh.game.mafia.state import PhaseName, State
from firemesh.game.mafia.views import views_of
from tests.unit.game.mafia.table import INC, MACHINE, REPEATABLE, Lobby, Table

SEVEN = ("Mafioso", "Godfather", "Detective", "Doctor", "Villager", "Villager", "Villager")
MESH_KINDS = ("mesh.deadline", "mesh.member_dead", "mesh.member_left", "mesh.other")


def states() -> list[State]:
    """A state of each phase."""
    lobby = Lobby()
    lobby.sit("a", "b")
    table = Table(*SEVEN, ballot={"ties": "revote"})
    table.night(mafioso="villager", godfather="villager", detective="mafioso")
    found = [lobby.state, table.state]
    for phase in ("discussion", "ballot"):
        table.until(phase)
        table.say("doctor", "town", "So?")
        found.append(table.state)
    table.ballots({"doctor": "mafioso", "detective": "godfather"})
    found.append(table.state)
    for phase in ("dusk", "night"):
        table.until(phase)
        found.append(table.state)
    table.execute("godfather")
    table.execute("mafioso")
    return [*found, table.state]


STATES = states()

TEXTS = ("", " ", "doctor", "nobody", "town", "mafia", "attic", "Hello.", "\ud800", "a\nb", "x" * 500)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
bodies = st.dictionaries(
    st.sampled_from(["target", "channel", "text", "name", "deadline_ms", "agent", "x"]), json_values, max_size=3
)
commands = st.builds(
    lambda agent, kind, body: Command(agent_id=agent, inc=INC if agent else "", seq=1, kind=kind, payload=json.dumps(body)),
    st.sampled_from(["", "doctor", "mafioso", "villager", "stranger", "nobody"]),
    st.sampled_from([*KINDS, *MESH_KINDS, "mafia.dance", "chess.move"]),
    bodies,
)


@REPEATABLE
@given(st.sampled_from(STATES), commands, st.integers())
def test_any_command_in_any_state_is_obeyed_or_refused_with_a_known_reason(state: State, command: Command, at_ms: int) -> None:
    transition = MACHINE.apply(state, command, at_ms)
    if transition.reason:
        assert transition.reason in set(Reason)
        assert transition.state is state
    views_of(transition.state)
    assert decode_state(encode_state(transition.state)) == transition.state


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.phase.value)
def test_a_state_survives_encoding_as_json_text(state: State) -> None:
    text = json.dumps(MACHINE.encode(state))
    decoded = MACHINE.decode(json.loads(text))
    assert decoded == state
    assert json.dumps(MACHINE.encode(decoded)) == text


def test_equal_states_have_equal_texts_whatever_the_order_of_the_commands() -> None:
    one, other = Table(*SEVEN), Table(*SEVEN)
    for table, order in ((one, ("doctor", "detective")), (other, ("detective", "doctor"))):
        for actor in order:
            table.act(actor, "villager")
    assert one.state == other.state
    assert json.dumps(MACHINE.encode(one.state)) == json.dumps(MACHINE.encode(other.state))


def list_in_list(value: Any) -> bool:
    if isinstance(value, list):
        return any(isinstance(item, list) or list_in_list(item) for item in value)
    return isinstance(value, dict) and any(list_in_list(item) for item in value.values())


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.phase.value)
def test_neither_state_nor_views_hold_a_list_directly_in_a_list(state: State) -> None:
    assert not list_in_list(MACHINE.encode(state))
    for view in MACHINE.views(state).values():
        assert view == json.loads(json.dumps(view))
        assert not list_in_list(view)


def test_the_sample_states_cover_the_phases_with_decisions() -> None:
    phases = {state.phase for state in STATES}
    assert phases >= set(PhaseName) - {PhaseName.REVEAL}


@pytest.mark.parametrize("fault", [{}, {"setup": {}}, {"setup": None, "outcome": 1}])
def test_a_document_that_is_not_ours_is_corrupt(fault: dict[str, Any]) -> None:
    with pytest.raises(CorruptDocument):
        MACHINE.decode(fault)


def test_only_the_mesh_speaks_for_the_mesh() -> None:
    table = Table(*SEVEN)
    assert table.tell("villager", "mesh.deadline", deadline_ms=table.state.deadline_ms) == "NOT_THE_MESH"
    assert table.tell("", "mafia.act", target=None) == "UNKNOWN_KIND"
    assert table.tell("villager", "mafia.dance") == "UNKNOWN_KIND"


@pytest.mark.parametrize(
    "payload", ["{}", '{"target": 1}', '{"target": ["doctor"]}', '{"target": "doctor", "x": 1}', '{"target": true}']
)
def test_a_payload_that_does_not_fit_its_kind_is_malformed_before_any_rule_is_looked_at(payload: str) -> None:
    table = Table(*SEVEN)
    command = Command(agent_id="villager", inc=INC, seq=1, kind="mafia.act", payload=payload)
    assert MACHINE.apply(table.state, command, 0).reason == "MALFORMED"
