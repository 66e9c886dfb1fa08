"""A whole game is billed what the table says, to the document, and no more than the goal."""

from firemesh_cli.bench import game
from firemesh_cli.bench.budget import budget


def test_a_game_is_billed_exactly_its_row_and_reaches_the_goal() -> None:
    played = game.play(game.MATCHES[game.GOAL])
    assert played.winner in ("town", "mafia")
    assert dict(zip(game.COLUMNS, played.figures(), strict=True)) == budget()["game"][game.GOAL]
    assert budget()["game"][game.GOAL]["read_equivalents"] <= game.READ_EQUIVALENTS_MAX
