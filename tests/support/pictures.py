"""Pictures of real games among scripted players, as the demo's observer would take them."""

from collections.abc import Iterator
from typing import Any

from firemesh.game.mafia.offline import new_game
from firemesh_cli.demo.picture import Picture, ProcessLine
from firemesh_cli.stack.reading import Billed, MeterReading

DURATIONS_MS = {
    "lobby": 60_000,
    "reveal": 2_000,
    "night": 10_000,
    "dawn": 2_000,
    "discussion": 10_000,
    "ballot": 12_000,
    "revote": 8_000,
    "dusk": 2_000,
}


def process_lines(seats: int = 12) -> tuple[ProcessLine, ...]:
    """Three managers, the first of which leads, and three processes of workers."""
    players = [f"p{n:02d}" for n in range(seats)]
    managers = [ProcessLine(f"managers-{n}", 100 + n, "running", (f"m{n}",), n == 0, "healthy", 0.3) for n in range(3)]
    workers = [ProcessLine(f"workers-{n}", 200 + n, "running", tuple(players[n::3]), False, "healthy", 0.2) for n in range(3)]
    return (*managers, *workers)


def picture(public: dict[str, Any] | None = None, **changes: Any) -> Picture:
    """One moment of a mesh in good health."""
    known = {
        "mesh_id": "demo-0a1b2c3d4e5f",
        "seed": 7,
        "elapsed_seconds": 61.0,
        "term": 1,
        "leader": "m0",
        "last_index": 12,
        "ttl_seconds": 2.5,
        "now_ms": 0,
        "public": public or {},
        "processes": process_lines(),
        "notes": ((0.4, "m0 leads term 1"),),
        "billed": MeterReading({("m0", "log"): Billed(1234, 567, 89)}),
        "dollars": 0.0012,
    }
    return Picture(**(known | changes))


def game_pictures(seed: int, seats: int, **setup: Any) -> Iterator[Picture]:
    """A whole game, one picture after each thing that happened in it."""
    game = new_game(seed, seats, durations_ms=DURATIONS_MS, **setup)
    game.show()
    start_ms = game.now_ms
    while True:
        elapsed_seconds = (game.now_ms - start_ms) / 1000
        public = dict(game.views["public"])
        yield picture(
            public,
            seed=seed,
            elapsed_seconds=elapsed_seconds,
            now_ms=game.now_ms,
            last_index=len(game.log),
            processes=process_lines(seats),
        )
        if game.machine.deadline_ms(game.state) is None:
            return
        game.step()
