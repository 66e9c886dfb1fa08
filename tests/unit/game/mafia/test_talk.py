import pytest

from firemesh.game.mafia.channels import CHANNELS
from tests.unit.game.mafia.table import Table

SEVEN = ("Mafioso", "Mafioso", "Detective", "Doctor", "Villager", "Villager", "Villager")


def day() -> Table:
    table = Table(*SEVEN)
    table.night(**{"mafioso": "villager", "mafioso-2": "villager"})
    table.until("discussion")
    return table


def test_town_talk_reaches_everybody() -> None:
    table = day()
    assert table.say("doctor", "town", "Hello.") == ""
    assert table.public["chat"] == [{"n": 1, "day": 1, "by": "doctor", "text": "Hello."}]


def test_mafia_talk_is_for_the_living_mafia_and_the_night() -> None:
    table = Table(*SEVEN)
    assert table.say("mafioso", "mafia", "The doctor?") == ""
    assert table.private("mafioso-2")["faction"]["chat"][0]["text"] == "The doctor?"
    assert table.say("doctor", "mafia", "Hello?") == "NOT_YOUR_CHANNEL"
    table.until("discussion")
    assert table.say("mafioso", "mafia", "And now?") == "WRONG_PHASE"


def test_the_dead_talk_among_themselves_only() -> None:
    table = day()
    assert table.say("villager", "town", "It was the mafioso!") == "NOT_ALIVE"
    assert table.say("villager", "dead", "Cold here.") == ""
    assert table.private("villager")["dead_chat"][0]["text"] == "Cold here."
    assert table.say("doctor", "dead", "Anybody there?") == "NOT_YOUR_CHANNEL"
    assert "Cold here." not in str({**table.public, **table.private("doctor")})


def test_a_dead_mafioso_neither_speaks_nor_listens_to_the_mafia() -> None:
    table = Table(*SEVEN)
    table.execute("mafioso")
    table.until("night")
    assert table.say("mafioso", "mafia", "Avenge me.") == "NOT_ALIVE"
    assert "faction" not in table.private("mafioso")


@pytest.mark.parametrize("phase", ["night", "dawn", "dusk"])
def test_the_town_is_silent_outside_the_day(phase: str) -> None:
    table = Table(*SEVEN)
    table.until(phase)
    assert table.say("doctor", "town", "Psst.") == "WRONG_PHASE"


def test_the_budget_of_messages_is_per_player_and_phase() -> None:
    table = day()
    for _ in range(5):
        assert table.say("doctor", "town", "Listen!") == ""
    assert table.say("doctor", "town", "Listen!") == "TOO_MANY_MESSAGES"
    assert table.say("detective", "town", "I do.") == ""
    table.until("ballot")
    assert table.say("doctor", "town", "As I was saying") == ""


@pytest.mark.parametrize(
    ("channel", "text", "reason"),
    [
        ("town", "x" * 401, "TOO_LONG"),
        ("town", "  ", "EMPTY"),
        ("town", "a\u202eb", "MALFORMED"),
        ("town", "\ud800", "MALFORMED"),
        ("attic", "Hello?", "UNKNOWN_CHANNEL"),
    ],
)
def test_unfit_talk_is_refused_with_its_reason(channel: str, text: str, reason: str) -> None:
    assert day().say("doctor", channel, text) == reason


def test_any_language_and_emoji_are_fit() -> None:
    table = day()
    assert table.say("doctor", "town", "Früh übt sich, 早上好 👩‍🚀") == ""


def test_a_stranger_has_no_voice() -> None:
    assert day().say("stranger", "town", "Hello.") == "NOT_SEATED"


def test_old_talk_is_let_go_but_still_counted() -> None:
    table = Table(*SEVEN, messages_per_phase=20)
    table.until("discussion")
    for n in range(70):
        assert table.say(table.state.living[n % 7].agent_id, "town", f"line {n}") == ""
    assert table.public["chat_count"] == 70
    assert [line["n"] for line in table.public["chat"]] == list(range(11, 71))


def test_a_will_is_read_when_its_author_dies_and_not_before() -> None:
    table = Table(*SEVEN)
    table.obeyed("villager", "mafia.will", text="Look at the quiet one.")
    assert table.private("villager")["will"] == "Look at the quiet one."
    assert "quiet" not in str(table.public)
    table.night(**{"mafioso": "villager", "mafioso-2": "villager"})
    assert next(seat for seat in table.public["seats"] if seat["id"] == "villager")["will"] == "Look at the quiet one."
    assert table.tell("villager", "mafia.will", text="No, wait.") == "NOT_ALIVE"


def test_a_will_can_be_taken_back_and_has_a_limit() -> None:
    table = Table(*SEVEN)
    table.obeyed("villager", "mafia.will", text="Hm.")
    table.obeyed("villager", "mafia.will", text="")
    assert "will" not in table.private("villager")
    assert table.tell("villager", "mafia.will", text="x" * 401) == "TOO_LONG"


def test_no_channel_admits_both_the_living_and_the_dead() -> None:
    table = day()
    for channel in CHANNELS.values():
        assert len({seat.alive for seat in table.state.seats if channel.admits(seat)}) == 1
