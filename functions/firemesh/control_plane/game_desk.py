"""Games that anybody may open, take a seat in, and watch, with nothing but the site's guest key.

The guest key is an ordinary API key of role guest, which the operator publishes with the site: who holds it may do these
three things and nothing else, no more often than its quotas say, until the operator revokes it.

Every game has a *seat key* of its own, which nobody holds: its id is made from the mesh's, its secret was thrown away. The
tokens of all who take a seat or watch name it. So a game's guests go out together, at once, when it is revoked.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from firemesh.control_plane.access import AccessRole, Identity, Operation
from firemesh.control_plane.agent_sessions import AgentSessions
from firemesh.control_plane.control_panel import ControlPanel, TokenMinter
from firemesh.control_plane.guard import Guard
from firemesh.control_plane.key_ring import KeyRequest, KeyRing
from firemesh.core.params import PROFILES
from firemesh.errors import KeyNotFound, MeshNotFound
from firemesh.game.mafia.setup import DEFAULT_DURATIONS_MS, BallotSetup
from firemesh.ids import new_game_id, new_incarnation, new_seed
from firemesh.runtime.admission import Admission
from firemesh.runtime.mesh import Mesh
from firemesh.store.base import Store, Write
from firemesh.store.mesh_store import Hosting

GAME = "mafia"
SEAT_KEY_DAYS = 1
"""How long a game is kept: from then on nobody could take a seat any more, and all its tokens are worth nothing."""

LOBBY_MS = 600_000
"""People need time to pass on a code."""


class Pace(StrEnum):
    """How long phases last."""

    QUICK = "quick"
    NORMAL = "normal"
    SLOW = "slow"


STRETCH: Mapping[Pace, float] = {Pace.QUICK: 0.4, Pace.NORMAL: 1.0, Pace.SLOW: 2.0}


@dataclass(frozen=True, slots=True)
class GameOpened:
    """The new game's mesh; its id is the code by which others find it."""

    mesh_id: str
    seats: int


@dataclass(frozen=True, slots=True)
class Watching:
    """What a spectator needs: a token with which the security rules let it read the public view and the topology."""

    mesh: str
    machine: str
    custom_token: str


class GameDesk:
    """Opens games and lets guests in."""

    def __init__(
        self,
        store: Store,
        ring: KeyRing,
        sessions: AgentSessions,
        panel: ControlPanel,
        guard: Guard,
        *,
        mint_token: TokenMinter,
    ) -> None:
        self._store = store
        self._ring = ring
        self._sessions = sessions
        self._panel = panel
        self._guard = guard
        self._mint_token = mint_token

    async def open_game(
        self,
        identity: Identity,
        game: GameOpened,
        setup: Mapping[str, Any],
        *,
        request_id: str = "",
        also: Sequence[Write] = (),
    ) -> None:
        """Open a game that functions host, with its seat key, and land `also` in the same commit.

        Raises:
            AlreadyExists: the id was drawn before; draw another.
            What `Guard.authorize` and `Mesh.create` raise.
        """
        await self._guard.authorize(identity, Operation.OPEN_GAME, request_id=request_id)
        wanted = KeyRequest(AccessRole.WORKER, game.mesh_id, days=SEAT_KEY_DAYS, label="seats of an open game")
        seat_key = await self._ring.held_by_nobody(seat_key_id(game.mesh_id), wanted, made_by=identity.key_id)
        await Mesh.create(
            self._store,
            game.mesh_id,
            machine=GAME,
            setup=setup,
            params=PROFILES["default"],
            hosting=Hosting.FUNCTIONS,
            keep_days=SEAT_KEY_DAYS,
            also=(seat_key, *also),
        )

    async def take_seat(self, identity: Identity, mesh_id: str, *, session: str = "", request_id: str = "") -> Admission:
        """Admit a guest as a new agent; with the session of an earlier admission, as that same agent again.

        Raises:
            MeshNotFound: there is no open game of this id.
            Unauthenticated: it is over, or the session is none of ours.
            PermissionDenied: the session is of another game.
            What `Guard.authorize` and `ControlPanel.join_mesh` raise.
        """
        await self._guard.authorize(identity, Operation.TAKE_SEAT, mesh_id, request_id=request_id)
        seat = await self._seat_identity(mesh_id)
        agent_id = self._sessions.holder(session, seat, mesh_id) if session else f"guest-{new_incarnation()}"
        return await self._panel.join_mesh(seat, mesh_id, agent_id, request_id=request_id)

    async def watch_game(self, identity: Identity, mesh_id: str, *, request_id: str = "") -> Watching:
        """Let a guest see what everybody may see. Raises as `take_seat`."""
        await self._guard.authorize(identity, Operation.WATCH_GAME, mesh_id, request_id=request_id)
        seat = await self._seat_identity(mesh_id)
        watcher = f"watcher-{new_incarnation()}"
        claims = {
            "mesh": mesh_id,
            "agent": watcher,
            "inc": new_incarnation(),
            "type": "observer",
            "access_role": AccessRole.OBSERVER.value,
            "key": seat.key_id,
        }
        return Watching(mesh_id, GAME, await self._mint_token(f"{mesh_id}:{watcher}", claims))

    async def _seat_identity(self, mesh_id: str) -> Identity:
        key_id = seat_key_id(mesh_id)
        try:
            return await self._ring.living(key_id)
        except KeyNotFound as error:
            raise MeshNotFound(f"there is no open game {mesh_id!r}; look at the code again") from error


def draw_game(seats: int) -> GameOpened:
    """A game to be opened, under a fresh id."""
    return GameOpened(new_game_id(), seats)


def seat_key_id(mesh_id: str) -> str:
    """The id of the key that nobody holds."""
    return hashlib.sha256(f"seats of {mesh_id}".encode()).hexdigest()[:12]


def game_setup(seats: int, pace: Pace, ballot: BallotSetup, *, reveal_role_on_death: bool) -> Mapping[str, Any]:
    """A game's setup, with a seed that nobody outside knows."""
    durations = {phase: int(STRETCH[pace] * ms) for phase, ms in DEFAULT_DURATIONS_MS.items()}
    return {
        "seats": seats,
        "seed": new_seed(),
        "durations_ms": {**durations, "lobby": LOBBY_MS},
        "ballot": ballot.model_dump(mode="json"),
        "reveal_role_on_death": reveal_role_on_death,
    }
