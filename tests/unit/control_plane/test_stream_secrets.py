"""What an agent receives over REST depends on no secret of the others, at any time of a game."""

import json
from contextlib import aclosing
from typing import Any

from firemesh.control_plane.access import AccessRole, Identity, Seat
from firemesh.control_plane.agent_events import AgentEvents, EventId
from firemesh.control_plane.key_ring import KeyRequest, KeyRing
from firemesh.game.mafia.offline import INC
from tests.support.secrecy import StoredGame, leaks

STEPS_BETWEEN_LOOKS = 3


async def received(game: StoredGame, key_id: str, agent: str) -> dict[str, Any]:
    """The documents that a fresh stream of an agent shows at first, by path: its row, and three views at the most."""
    identity = Identity(key_id=key_id, role=AccessRole.WORKER, mesh="m1", agent=agent, inc=INC, seat=Seat.OWN)
    wanted = {f"agents/{agent}", "views/public", "views/topology", f"views/agent_{agent}"}
    wanted &= game.documents().keys()
    seen: dict[str, Any] = {}
    stream = AgentEvents(game.database.client("events"), identity, EventId())
    async with aclosing(stream.frames()) as frames:
        async for frame in frames:
            for line in frame.splitlines():
                if line.startswith("data: "):
                    data = json.loads(line.removeprefix("data: "))
                    seen[data["path"]] = data["fields"]
            if wanted <= seen.keys():
                return seen
    raise AssertionError(f"the stream ended with {sorted(seen)} instead of {sorted(wanted)}")


async def test_through_a_whole_game_a_stream_shows_nothing_that_depends_on_the_secrets_of_others() -> None:
    game = await StoredGame(6, 6).begin()
    ring = KeyRing(game.database.client("keys"), b"p" * 32, environment="test")
    key = await ring.create(KeyRequest(AccessRole.WORKER, mesh="m1"))
    own: set[str] = set()
    while not game.over:
        for _ in range(STEPS_BETWEEN_LOOKS):
            if not game.over:
                await game.step()
        for agent in game.members:
            seen = await received(game, key.key_id, agent)
            assert leaks(game, agent, seen) == [], f"at index {game.replica.index}"
            own |= {agent} if f"views/agent_{agent}" in seen else set()
    assert own == set(game.agents)
