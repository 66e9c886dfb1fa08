from tests.unit.game.mafia.table import MACHINE, Lobby

FIVE = ("a", "b", "c", "d", "e")


def test_the_lobby_is_due_at_once_so_that_even_an_empty_game_ends() -> None:
    lobby = Lobby()
    assert MACHINE.deadline_ms(lobby.state) == 0
    assert lobby.tell("", "mesh.deadline", deadline_ms=0) == ""
    assert lobby.state.deadline_ms == lobby.now_ms + 120_000
    lobby.deadline()
    assert lobby.phase == "over"


def test_the_first_player_starts_the_lobby_s_clock() -> None:
    lobby = Lobby(durations_ms={"lobby": 9_000})
    lobby.sit("a")
    assert lobby.state.deadline_ms == lobby.now_ms + 9_000
    assert lobby.tell("", "mesh.deadline", deadline_ms=0) == "STALE_DEADLINE"


def test_the_game_starts_when_all_seats_are_taken() -> None:
    lobby = Lobby()
    lobby.sit(*FIVE)
    assert lobby.phase == "reveal"
    assert all(seat.role_name for seat in lobby.state.seats)


def test_of_two_joins_for_the_last_seat_one_wins_and_the_other_is_told() -> None:
    lobby = Lobby()
    lobby.sit(*FIVE[:4])
    assert lobby.tell("first", "mafia.sit", name="First") == ""
    assert lobby.tell("second", "mafia.sit", name="Second") == "SEATS_TAKEN"
    assert [seat.agent_id for seat in lobby.state.seats] == [*FIVE[:4], "first"]


def test_a_table_that_did_not_fill_shrinks_to_those_who_came() -> None:
    lobby = Lobby(12)
    lobby.sit(*FIVE, "f")
    lobby.deadline()
    assert lobby.phase == "reveal"
    assert lobby.public["roles"] == {"Detective": 1, "Doctor": 1, "Mafioso": 1, "Villager": 3}


def test_an_exact_role_list_gives_way_to_the_guide_when_the_table_shrinks() -> None:
    lobby = Lobby(7, roles=["Mafioso", "Mafioso"] + ["Villager"] * 5)
    lobby.sit(*FIVE)
    lobby.deadline()
    assert lobby.public["roles"] == {"Detective": 1, "Doctor": 1, "Mafioso": 1, "Villager": 2}


def test_too_few_players_abandon_the_game_and_it_says_so() -> None:
    lobby = Lobby()
    lobby.sit(*FIVE[:4])
    lobby.deadline()
    assert (lobby.phase, lobby.public["winner"]) == ("over", "nobody")
    assert lobby.public["why"] == "abandoned: 4 came, 5 are needed"


def test_a_player_may_leave_the_lobby_and_another_takes_the_seat() -> None:
    lobby = Lobby()
    lobby.sit(*FIVE[:4])
    lobby.obeyed("a", "mafia.leave")
    lobby.sit("e")
    assert lobby.phase == "lobby"
    lobby.sit("f")
    assert lobby.phase == "reveal"


def test_nobody_leaves_a_game_that_has_begun() -> None:
    lobby = Lobby()
    lobby.sit(*FIVE)
    assert lobby.tell("a", "mafia.leave") == "WRONG_PHASE"


def test_an_agent_that_dies_in_the_lobby_frees_its_seat() -> None:
    lobby = Lobby()
    lobby.sit(*FIVE[:4])
    lobby.obeyed("", "mesh.member_dead", agent="a")
    assert [seat.agent_id for seat in lobby.state.seats] == ["b", "c", "d"]


def test_sitting_down_twice_is_the_same_as_once() -> None:
    lobby = Lobby()
    lobby.sit("a")
    before = lobby.state
    lobby.obeyed("a", "mafia.sit", name="Somebody Else")
    assert lobby.state == before


def test_names_are_unique_whatever_their_capitals() -> None:
    lobby = Lobby()
    lobby.sit("a")
    assert lobby.tell("b", "mafia.sit", name="a ") == "NAME_TAKEN"


def test_a_name_must_be_fit_to_read() -> None:
    lobby = Lobby()
    assert lobby.tell("a", "mafia.sit", name=" ") == "EMPTY"
    assert lobby.tell("a", "mafia.sit", name="x" * 25) == "TOO_LONG"
    assert lobby.tell("a", "mafia.sit", name="a\nb") == "MALFORMED"
    assert lobby.tell("a", "mafia.sit", name="\ud800") == "MALFORMED"
    assert lobby.tell("nobody", "mafia.sit", name="Nobody") == "RESERVED_ID"


def test_the_deal_depends_on_the_seed_and_on_nothing_else() -> None:
    players = [f"p{n}" for n in range(12)]

    def deal(seed: int, order: list[str]) -> dict[str, str]:
        lobby = Lobby(seats=12, seed=seed)
        lobby.sit(*order)
        return {seat.agent_id: seat.role_name for seat in lobby.state.seats}

    assert deal(1, players) == deal(1, players[::-1])
    assert len({tuple(deal(seed, players).items()) for seed in range(20)}) > 10


def test_no_role_is_shown_before_its_owner_may_know_it() -> None:
    lobby = Lobby()
    lobby.sit(*FIVE[:4])
    assert lobby.private("a") == {"you": {"id": "a", "name": "A"}, "may": {"lobby": [{"kind": "mafia.leave"}]}}
