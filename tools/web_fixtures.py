"""Views of every phase, for the page's development build and its tests: made by whole games among scripted players.

    .venv/bin/python tools/web_fixtures.py         # writes web_worker/page/fixtures

Each file holds one moment as one player sees it: {agent, at_ms, public, own, options}. `options` is what
`firemesh.game.mafia.options` makes of it, for the page's own reckoning to be compared with.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from firemesh.core.machine import PUBLIC_AUDIENCE, agent_audience
from firemesh.game.mafia.offline import OfflineGame, new_game
from firemesh.game.mafia.options import options
from firemesh.game.mafia.state import PhaseName

FOLDER = Path(__file__).resolve().parent.parent / "web_worker/page/fixtures"
SEEDS = range(200)
View = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A moment to look for: in which kind of game, at which public view, seen by whom (nobody: a spectator)."""

    when: Callable[[View], bool]
    who: Callable[[View, View], bool] | None = None
    seats: int = 9
    then: Callable[[OfflineGame], None] = lambda game: None
    setup: Mapping[str, Any] = field(default_factory=dict)


def _in(phase: str, day: int = 0, lines: int = 0, ballots: int = 0) -> Callable[[View], bool]:
    return lambda public: (
        public["phase"] == phase
        and public["day"] >= day
        and public["chat_count"] >= lines
        and len(public.get("ballots", public.get("balloted", ()))) >= ballots
    )


def _is(role: str, *having: str, alive: bool = True) -> Callable[[View, View], bool]:
    return lambda _, own: (
        own["you"].get("role") == role and own["you"].get("alive") is alive and all(own.get(name) for name in having)
    )


def _dead(_: View, own: View) -> bool:
    return own["you"].get("alive") is False


def _plotting(_: View, own: View) -> bool:
    faction = own.get("faction", {})
    return own["you"].get("role") == "Mafioso" and bool(faction.get("choices")) and bool(faction["chat"])


def _died_tonight(public: View) -> bool:
    return any(seat.get("death") == {"day": public["day"], "cause": "killed"} for seat in public["seats"])


def _half_full(public: View) -> bool:
    return public["phase"] == "lobby" and len(public["seats"]) == 6


def _won(side: str) -> Callable[[View], bool]:
    return lambda public: public.get("winner") == side


def _executed(public: View) -> bool:
    return public["phase"] == "dusk" and bool(public["verdicts"]) and public["verdicts"][-1]["chosen"] != "nobody"


def _spared(public: View) -> bool:
    return public["phase"] == "dusk" and bool(public["verdicts"]) and public["verdicts"][-1]["how"] == "tie"


def _ghosts_talk(game: OfflineGame) -> None:
    dead = [seat.agent_id for seat in game.state.seats if not seat.alive]
    for ghost, text in zip(dead, ("Well, that was quick.", "They are looking at the wrong people."), strict=False):
        game.order(ghost, "mafia.say", {"channel": "dead", "text": text})


def _one_is_away(game: OfflineGame) -> None:
    game.order("", "mesh.member_dead", {"agent": game.state.living[-1].agent_id})


PROGRAMS = {"programs": 3, "fill_with_programs": True}
REVOTE = {"ballot": {"ties": "revote"}}
SECRET = {"ballot": {"secret": True, "rule": "majority"}, "reveal_role_on_death": False}
WANTED: Mapping[str, Wanted] = {
    "lobby": Wanted(_half_full, lambda public, own: own["you"]["id"] == public["seats"][-1]["id"], setup=PROGRAMS),
    "lobby-watch": Wanted(_half_full),
    "reveal-villager": Wanted(_in("reveal"), _is("Villager")),
    "reveal-mafioso": Wanted(_in("reveal"), _is("Mafioso"), seats=12),
    "night-villager": Wanted(_in("night"), _is("Villager")),
    "night-mafioso": Wanted(_in("night", day=2), _plotting, seats=12),
    "night-doctor": Wanted(_in("night", day=2), _is("Doctor", "action")),
    "night-detective": Wanted(_in("night", day=3), _is("Detective", "results")),
    "dawn-death": Wanted(lambda public: public["phase"] == "dawn" and _died_tonight(public), _is("Villager")),
    "dawn-quiet": Wanted(lambda public: public["phase"] == "dawn" and not _died_tonight(public), _is("Doctor")),
    "discussion": Wanted(_in("discussion", day=2, lines=20), _is("Detective", "results")),
    "discussion-dead": Wanted(_in("discussion", day=3, lines=12), _dead, then=_ghosts_talk),
    "ballot": Wanted(_in("ballot", day=2, ballots=4), _is("Villager"), then=_one_is_away),
    "ballot-secret": Wanted(_in("ballot", day=2, ballots=4), _is("Villager", "ballot"), setup=SECRET),
    "ballot-thirty": Wanted(_in("ballot", day=3, ballots=20), _is("Villager"), seats=30),
    "ballot-watch": Wanted(_in("ballot", day=2, ballots=5)),
    "revote": Wanted(_in("revote", ballots=2), _is("Villager"), setup=REVOTE),
    "dusk-executed": Wanted(_executed, _is("Villager")),
    "dusk-spared": Wanted(_spared, _is("Villager")),
    "over-town": Wanted(_won("town"), _is("Detective")),
    "over-mafia": Wanted(_won("mafia"), _is("Villager", alive=False)),
    "over-watch": Wanted(_won("mafia"), seats=16),
    "over-abandoned": Wanted(_won("nobody"), lambda public, own: True, seats=9),
}


def moments(game: OfflineGame) -> Iterator[OfflineGame]:
    """The game after each command, to its end. Every other player leaves a will, which scripted players would not."""
    game.show()
    while game.machine.deadline_ms(game.state) is not None:
        before = game.state.phase
        game.step()
        if before is not game.state.phase is PhaseName.REVEAL:
            for seat in game.state.seats[::2]:
                game.order(seat.agent_id, "mafia.will", {"text": f"I had my eye on {game.state.seats[-1].name}. Look there."})
        yield game


def fixture(name: str) -> View:
    """The first moment that fits, over the seeds in order."""
    wanted = WANTED[name]
    for seed in SEEDS:
        players = 3 if name == "over-abandoned" else None
        for game in moments(new_game(seed, wanted.seats, players, **wanted.setup)):
            if wanted.when(game.views[PUBLIC_AUDIENCE]) and _seen(game, wanted) is not None:
                wanted.then(game)
                return _seen(game, wanted) or {}
    raise LookupError(f"no game among {len(SEEDS)} has the moment {name!r}")


def _seen(game: OfflineGame, wanted: Wanted) -> View | None:
    """What the first fitting player sees; of a spectator the public view."""
    public = game.views[PUBLIC_AUDIENCE]
    shown = {"agent": None, "at_ms": game.now_ms, "public": public, "own": None, "options": []}
    if wanted.who is None:
        return shown
    for seat in public["seats"]:
        own = game.views.get(agent_audience(seat["id"]))  # nobody reads what a program sees
        if own is not None and wanted.who(public, own):
            may = [asdict(option) for option in options(public, own)]
            return shown | {"agent": seat["id"], "own": own, "options": may}
    return None


def text_of(seen: View) -> str:
    """A fixture as it stands on disk."""
    return json.dumps(seen, ensure_ascii=False, indent=1) + "\n"


def main() -> int:
    """Write all fixtures; gives the exit status."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in WANTED:
        (FOLDER / f"{name}.json").write_text(text_of(fixture(name)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
