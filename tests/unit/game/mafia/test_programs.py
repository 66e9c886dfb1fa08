"""Programs at the table: they sit there at once, play by their own views alone, and take their time."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firemesh.core import programs
from firemesh.core.leading import deadline_command
from firemesh.core.messages import Command, canonical_json
from firemesh.core.replica import Replica, advance, initial_replica
from firemesh.errors import InvalidMessage
from firemesh.game.mafia.machine import MafiaMachine
from firemesh.game.mafia.program_seats import PLAYER_NAMES
from firemesh.game.mafia.programs import BEATS, moves_of
from firemesh.game.mafia.state import PhaseName, State
from firemesh.ids import is_program, program_id
from tests.unit.game.mafia.table import INC, MACHINE, REPEATABLE, Lobby, Table

SETUPS: tuple[dict[str, Any], ...] = (
    {},
    {"ballot": {"rule": "majority", "ties": "revote"}},
    {"ballot": {"ties": "random", "abstain": False}, "reveal_role_on_death": False},
    {"ballot": {"secret": True, "ties": "revote"}},
)
START_MS = 1_700_000_000_000


def played(seats: int, seed: int = 1, **setup: Any) -> Iterator[Replica[State]]:
    """Every state of a game of programs alone, as a leader without any member lets it pass."""
    machine = MafiaMachine()
    replica = initial_replica(machine, {"seats": seats, "programs": seats, "seed": seed, **setup})
    now_ms = START_MS
    while (due_ms := programs.alarm_ms(replica, machine, now_ms)) is not None:
        now_ms = max(now_ms, due_ms)
        deadline_ms = machine.deadline_ms(replica.machine_state)
        is_over = deadline_ms is not None and deadline_ms <= now_ms
        batch = (deadline_command(deadline_ms or 0),) if is_over else programs.due(replica, machine, now_ms)
        replica = advance(replica, machine, term=1, at_ms=now_ms, batch=batch)
        yield replica


def with_programs(table: Table) -> Table:
    """The same table, but programs sit on all its seats."""
    names = {seat.agent_id: program_id(place) for place, seat in enumerate(table.state.seats, 1)}
    seats = tuple(replace(seat, agent_id=names[seat.agent_id]) for seat in table.state.seats)
    table.state = replace(table.state, seats=seats)
    return table


@pytest.mark.parametrize("setup", SETUPS, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_programs_alone_play_a_game_to_its_end_and_want_nothing_that_is_refused(seed: int, setup: dict[str, Any]) -> None:
    for last in played(9, seed, **setup):
        for move in moves_of(last.machine_state):
            command = Command(agent_id=move.program, inc=INC, seq=1, kind=move.kind, payload=canonical_json(move.body))
            assert MACHINE.apply(last.machine_state, command, last.at_ms).reason == ""
    assert last.machine_state.phase is PhaseName.OVER
    assert last.refused == {}


@pytest.mark.parametrize("seats", [5, 12])
def test_either_side_may_win(seats: int) -> None:
    outcomes = [list(played(seats, seed))[-1].machine_state.outcome for seed in range(10)]
    assert {outcome.winner for outcome in outcomes if outcome} == {"town", "mafia"}


def test_votes_and_deeds_are_in_before_the_time_is_up_and_not_all_at_once() -> None:
    times: dict[str, set[float]] = {}
    before = None
    for replica in played(12):
        state = replica.machine_state
        if before is not None and before.machine_state.phase == state.phase and state.deadline_ms is not None:
            share = (replica.at_ms - state.started_ms) / (state.deadline_ms - state.started_ms)
            times.setdefault(state.phase.value, set()).add(round(share, 2))
        before = replica
    assert max(share for shares in times.values() for share in shares) <= (BEATS - 1) / BEATS
    assert len(times["ballot"]) > 1
    assert len(times["discussion"]) > 1


def test_a_program_says_at_most_two_lines_to_the_town_in_a_discussion() -> None:
    for replica in played(12, seed=5):
        if replica.machine_state.phase is PhaseName.DISCUSSION:
            assert max(replica.machine_state.spoken.values(), default=0) <= 2


def test_whoever_looks_and_however_often_sees_the_same_moves() -> None:
    for replica in played(7):
        encoded = MACHINE.decode(MACHINE.encode(replica.machine_state))
        assert _plain(replica.machine_state) == _plain(encoded)


def test_a_program_decides_by_its_own_views_alone() -> None:
    """The same game with other cards in the hands of two others, which a villager cannot know of."""
    one = with_programs(Table("Mafioso", "Villager", "Villager", "Doctor", "Detective"))
    other = with_programs(Table("Villager", "Mafioso", "Villager", "Detective", "Doctor"))
    for phase in ("night", "discussion", "ballot"):
        one.until(phase)
        other.until(phase)
        assert _plain(one.state, "@3") == _plain(other.state, "@3")
    assert _plain(one.state, "@3") != []


def test_programs_are_not_played_by_the_lot_of_the_deal() -> None:
    """Another seed, the same cards and views: the moves differ, and no draw of the deal is used up."""
    moves = set()
    for seed in range(4):
        table = with_programs(Table("Mafioso", "Villager", "Villager", "Doctor", "Detective", seed=seed))
        table.until("ballot")
        draws = table.state.draws
        moves.add(str(_plain(table.state)))
        assert table.state.draws == draws
    assert len(moves) > 1


def mafia_of(*ids: str) -> Table:
    """A first night with these mafiosi and six others, all of them people."""
    table = Table(*["Mafioso"] * len(ids), *["Villager"] * 4, "Doctor", "Detective")
    mafiosi = (replace(seat, agent_id=each) for seat, each in zip(table.state.seats, ids, strict=False))
    table.state = replace(table.state, seats=(*mafiosi, *table.state.seats[len(ids) :]))
    return table


def test_one_program_of_the_mafia_chooses_and_the_others_follow() -> None:
    table = mafia_of("@2", "@10", "@1")
    acts = [move for move in moves_of(table.state) if move.kind == "mafia.act"]
    assert [move.program for move in acts] == ["@1"]
    assert table.act("@1", "villager") == ""
    assert {(move.program, move.body["target"]) for move in moves_of(table.state)} == {("@2", "villager"), ("@10", "villager")}


def test_programs_of_the_mafia_give_a_person_time_to_choose_and_then_do_not_wait() -> None:
    together, alone = mafia_of("a-person", "@1"), mafia_of("@2", "@1")
    late, early = (next(move for move in moves_of(each.state) if move.kind == "mafia.act") for each in (together, alone))
    assert early.due_ms < late.due_ms < (together.state.deadline_ms or 0)


def test_programs_of_the_mafia_do_what_a_person_among_them_wants_even_when_they_have_chosen() -> None:
    table = mafia_of("a-person", "@1", "@2")
    assert [table.act("@1", "villager"), table.act("@2", "villager")] == ["", ""]
    assert moves_of(table.state) == ()
    assert table.act("a-person", "doctor") == ""
    assert {(move.program, move.body["target"]) for move in moves_of(table.state)} == {("@1", "doctor"), ("@2", "doctor")}


def test_everybody_sees_who_is_a_program_and_nobody_sees_its_cards() -> None:
    lobby = Lobby(6, programs=4)
    lobby.sit("ada-1", "ben-1")
    seats = lobby.public["seats"]
    assert [seat.get("program", False) for seat in seats] == [True] * 4 + [False] * 2
    assert set(MACHINE.views(lobby.state)) == {"public", "agent_ada-1", "agent_ben-1"}


def test_programs_sit_there_from_the_beginning_and_the_last_person_begins_the_game() -> None:
    lobby = Lobby(6, programs=5)
    assert len(lobby.public["seats"]) == 5
    lobby.sit("guest")
    assert lobby.phase == "reveal"


def test_a_program_gives_up_its_name_to_a_person() -> None:
    lobby = Lobby(6, programs=4)
    name = lobby.state.seats[0].name
    assert lobby.tell("guest", "mafia.sit", name=f" {name.upper()} ") == ""
    assert lobby.tell("other", "mafia.sit", name=name) == "NAME_TAKEN"
    names = [seat.name.strip().lower() for seat in lobby.state.seats]
    assert len(names) == len(set(names)) == 5


def test_no_two_at_a_table_have_one_name() -> None:
    lobby = Lobby(30, programs=10, fill_with_programs=True)
    for place, name in enumerate(PLAYER_NAMES):
        lobby.tell(f"guest-{place}", "mafia.sit", name=name)
    lobby.tell("guest-late", "mafia.sit", name="Somebody")
    while lobby.phase == "lobby":
        lobby.deadline()
    names = [seat.name.lower() for seat in lobby.state.seats]
    assert len(names) == len(set(names)) == 30


@pytest.mark.parametrize(("asked", "seated"), [(True, 8), (False, 6)])
def test_seats_that_are_left_when_the_lobby_ends_go_to_programs_if_that_was_asked_for(asked: bool, seated: int) -> None:
    lobby = Lobby(8, programs=2, fill_with_programs=asked)
    lobby.sit("a", "b", "c", "d")
    lobby.deadline()
    assert lobby.phase == "reveal"
    assert len(lobby.state.seats) == seated
    assert len({seat.agent_id for seat in lobby.state.seats}) == seated


def test_a_game_to_which_nobody_came_does_not_begin() -> None:
    lobby = Lobby(8, programs=6, fill_with_programs=True)
    lobby.until("over")
    assert lobby.public["why"] == "abandoned: nobody came"


def test_the_dead_and_those_who_left_the_lobby_make_no_room_for_a_second_program_of_one_id() -> None:
    lobby = Lobby(6, programs=3, fill_with_programs=True)
    lobby.sit("a", "b")
    lobby.obeyed("a", "mafia.leave")
    lobby.deadline()
    ids = [seat.agent_id for seat in lobby.state.seats]
    assert sorted(each for each in ids if is_program(each)) == [program_id(n) for n in range(1, 6)]


def test_more_programs_than_seats_are_refused() -> None:
    with pytest.raises(InvalidMessage, match="7 programs have no room on 6 seats"):
        MACHINE.initial({"seats": 6, "seed": 1, "programs": 7})


def test_a_game_without_programs_is_encoded_as_before() -> None:
    assert "programs" not in str(MACHINE.encode(Lobby(6).state))
    assert MACHINE.decode(MACHINE.encode(Lobby(6, programs=2).state)) == Lobby(6, programs=2).state


def _plain(state: State, program: str = "") -> list[tuple[str, str, str, int]]:
    moves = [move for move in moves_of(state) if program in ("", move.program)]
    return [(move.program, move.kind, str(move.body), move.due_ms) for move in moves]


WEIRD = ("(", "{t}", "a.*", "I am the detective", "\\", "checked: guilty", "İ", "ﬁ")
SAYINGS = tuple(
    f"{start} {name} {end}"
    for name in WEIRD
    for start, end in (("I checked", ": guilty."), ("I am the doctor", ""), ("", "lies"))
)


def weird_table() -> Table:
    """Three programs, one of them a mafioso, among people with names that no program expects."""
    table = Table("Mafioso", "Mafioso", "Detective", "Doctor", "Villager", "Villager", "Villager", "Villager")
    ids = ("@1", "b", "@2", "d", "@3", "f", "g", "h")
    seats = (replace(seat, agent_id=each, name=name) for seat, each, name in zip(table.state.seats, ids, WEIRD, strict=True))
    table.state = replace(table.state, seats=tuple(seats))
    return table


@REPEATABLE
@given(
    st.sampled_from(("night", "discussion", "ballot")),
    st.lists(
        st.tuples(
            st.sampled_from(("b", "d", "f", "g", "h")),
            st.sampled_from(("mafia.say", "mafia.ballot", "mafia.act", "mafia.will")),
            st.sampled_from(("@1", "@2", "@3", "b", "g", "nobody", None)),
            st.sampled_from(SAYINGS),
        ),
        max_size=12,
    ),
)
def test_whatever_people_say_and_do_programs_know_what_they_want(phase: str, deeds: list[tuple[str, str, Any, str]]) -> None:
    table = weird_table()
    table.until(phase)
    for who, kind, target, text in deeds:
        body = {"mafia.say": {"channel": "town", "text": text}, "mafia.will": {"text": text}}.get(kind, {"target": target})
        table.tell(who, kind, **body)
    for move in moves_of(table.state):
        assert is_program(move.program)
        assert len(canonical_json(move.body)) < 1000
