import json

import pytest

from firemesh.game.mafia.offline import new_game, play
from firemesh.game.mafia.scripted import ScriptedPlayer
from firemesh.game.mafia.speech import LINES, Heard, Topic, hear
from tests.unit.game.mafia.table import Table

SEVEN = ("Mafioso", "Mafioso", "Detective", "Doctor", "Villager", "Villager", "Villager")
NAMES = (("Ada", "p1"), ("Bo", "p2"))


def decide(player: ScriptedPlayer, table: Table) -> list[tuple[str, object]]:
    actions = player.decide(table.public, table.private(player.agent_id))
    return [(action.kind, action.body.get("target", action.body.get("text"))) for action in actions]


def test_a_player_without_a_seat_asks_for_one_once() -> None:
    table = Table(*SEVEN)
    lobby = {**table.public, "phase": "lobby", "day": 0, "seats": []}
    player = ScriptedPlayer(1, "p1", "Ada")
    assert [action.body for action in player.decide(lobby, None)] == [{"name": "Ada"}]
    assert player.decide(lobby, None) == []


def test_a_player_whose_name_is_taken_sits_down_under_its_id() -> None:
    lobby = {**Table(*SEVEN).public, "phase": "lobby", "day": 0}
    taken = {**lobby, "seats": [{"id": "x", "name": "ada", "alive": True, "absent": False}]}
    assert [action.body for action in ScriptedPlayer(1, "p1", "Ada").decide(taken, None)] == [{"name": "p1"}]


def test_a_player_whose_public_view_is_older_than_its_own_waits_for_it() -> None:
    table = Table(*SEVEN)
    older = {**table.public, "phase": "lobby", "day": 0, "seats": []}
    assert ScriptedPlayer(1, "villager").decide(older, table.private("villager")) == []


def test_a_player_marked_absent_says_that_it_is_back() -> None:
    table = Table(*SEVEN)
    table.obeyed("", "mesh.member_dead", agent="villager")
    assert ("mafia.sit", None) in decide(ScriptedPlayer(1, "villager"), table)


@pytest.mark.parametrize("actor", ["mafioso", "detective", "doctor"])
def test_a_player_acts_once_a_night_and_not_again_when_it_is_asked_again(actor: str) -> None:
    table, player = Table(*SEVEN), ScriptedPlayer(1, actor)
    (target,) = [target for kind, target in decide(player, table) if kind == "mafia.act"]
    assert decide(player, table) == []
    table.act(actor, str(target))
    assert decide(player, table) == []


def test_the_second_mafioso_follows_the_first() -> None:
    table = Table(*SEVEN)
    follower = ScriptedPlayer(1, "mafioso-2")
    assert decide(follower, table) == []
    table.act("mafioso", "villager-3")
    assert decide(follower, table) == [("mafia.act", "villager-3")]


def test_a_detective_with_a_guilty_check_says_so_first_thing() -> None:
    table, player = Table(*SEVEN), ScriptedPlayer(1, "detective")
    table.night(detective="mafioso")
    table.until("discussion")
    (text,) = [text for kind, text in decide(player, table) if kind == "mafia.say"]
    heard = hear(str(text), tuple((seat["name"], seat["id"]) for seat in table.public["seats"]))
    assert {Heard(Topic.CLAIM, "Detective"), Heard(Topic.GUILTY, "mafioso")} <= set(heard)


def test_a_believed_guilty_check_moves_the_town_s_ballots() -> None:
    table = Table(*SEVEN)
    table.night(detective="mafioso")
    table.until("discussion")
    table.say("detective", "town", "I am the detective. I checked Mafioso: guilty.")
    table.until("ballot")
    for voter in ("villager", "villager-2", "doctor", "detective"):
        assert ("mafia.ballot", "mafioso") in decide(ScriptedPlayer(1, voter), table)


def test_a_doctor_protects_a_detective_who_has_spoken() -> None:
    table = Table(*SEVEN)
    table.until("discussion")
    table.say("detective", "town", "I am the detective. I checked Villager: innocent.")
    table.until("night")
    assert decide(ScriptedPlayer(1, "doctor"), table) == [("mafia.act", "detective")]


def test_the_mafia_goes_for_a_detective_who_has_spoken_more_often_than_not() -> None:
    table = Table(*SEVEN)
    table.until("discussion")
    table.say("detective", "town", "I am the detective.")
    table.until("night")
    victims = [dict(decide(ScriptedPlayer(seed, "mafioso"), table))["mafia.act"] for seed in range(30)]
    assert victims.count("detective") > 15


def test_a_player_casts_one_ballot_and_moves_at_most_once() -> None:
    for seed in range(10):
        cast: dict[tuple[str, str], int] = {}
        game = play(seed, 9)
        day = 0
        for ordered in game.log:
            day += ordered.command.kind == "mesh.deadline"
            if ordered.command.kind == "mafia.ballot":
                key = (str(day), ordered.command.agent_id)
                cast[key] = cast.get(key, 0) + 1
        assert max(cast.values()) <= 2


def test_nobody_talks_more_than_twice_in_a_discussion() -> None:
    for seed in range(10):
        game = new_game(seed, 9)
        game.show()
        while game.state.deadline_ms is not None:
            game.step()
            if game.state.phase == "discussion":
                assert max(game.state.spoken.values(), default=0) <= 2


def test_a_restarted_player_goes_on_as_if_nothing_had_happened() -> None:
    for seed in range(5):
        plain, restarted = play(seed, 8), new_game(seed, 8)
        restarted.show()
        while restarted.state.deadline_ms is not None:
            restarted.step()
            if restarted.state.phase in ("dawn", "dusk"):
                restarted.players = {agent: reborn(player, seed) for agent, player in restarted.players.items()}
        assert restarted.log == plain.log


def reborn(player: ScriptedPlayer, seed: int) -> ScriptedPlayer:
    again = ScriptedPlayer(seed, player.agent_id, player._name)
    again.restore(json.loads(json.dumps(player.state)))
    return again


def test_a_player_restarted_before_its_action_arrived_sends_it_again() -> None:
    table, player = Table(*SEVEN), ScriptedPlayer(1, "doctor")
    first = decide(player, table)
    again = ScriptedPlayer(1, "doctor")
    again.restore(player.state)
    assert decide(again, table) == first


def test_a_player_restarted_before_it_had_its_seat_asks_for_it_again() -> None:
    public = {"day": 0, "phase": "lobby", "seats": [], "deadline_ms": None, "started_ms": 0}
    player = ScriptedPlayer(1, "w1", "Ada")
    first = player.decide(public, None)
    assert [action.kind for action in first] == ["mafia.sit"]
    assert player.decide(public, None) == []
    again = ScriptedPlayer(1, "w1", "Ada")
    again.restore(player.state)
    assert again.decide(public, None) == first


@pytest.mark.parametrize(
    ("line", "heard"),
    [
        ("I am the detective. I checked Ada: guilty.", (Heard(Topic.CLAIM, "Detective"), Heard(Topic.GUILTY, "p1"))),
        ("I checked Ada: innocent and Bo: guilty.", (Heard(Topic.INNOCENT, "p1"), Heard(Topic.GUILTY, "p2"))),
        ("I suspect Bo.", (Heard(Topic.ACCUSE, "p2"),)),
        ("I trust Ada.", (Heard(Topic.TRUST, "p1"),)),
        ("Adam said nothing.", ()),
        ("What a day.", ()),
    ],
)
def test_lines_are_understood(line: str, heard: tuple[Heard, ...]) -> None:
    assert hear(line, NAMES) == heard


@pytest.mark.parametrize("mood", [mood for mood in LINES if mood.startswith("accuse")])
def test_every_accusing_line_is_heard_as_one(mood: str) -> None:
    for line in LINES[mood]:
        assert Heard(Topic.ACCUSE, "p1") in hear(line.format(t="Ada"), NAMES)


@pytest.mark.parametrize("mood", ["claim_guilty", "claim_counter", "report_guilty"])
def test_every_report_of_guilt_is_heard_as_one(mood: str) -> None:
    for line in LINES[mood]:
        assert Heard(Topic.GUILTY, "p1") in hear(line.format(t="Ada"), NAMES)
