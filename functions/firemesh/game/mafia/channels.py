"""Who may talk, to whom and when, as a table."""

from collections.abc import Mapping
from dataclasses import dataclass

from firemesh.game.mafia.state import PhaseName, Seat

TEXT_CHARS_MAX = 400
MESSAGES_KEPT = 60


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of talk. Its members speak and read; a public channel is read by all.

    `faction`: only its living members belong; empty means no faction is asked for. `dead`: it belongs to the dead
    instead of the living. `kept`: how many messages the state and the views keep.
    """

    name: str
    phases: frozenset[PhaseName]
    faction: str = ""
    dead: bool = False
    public: bool = False
    kept: int = MESSAGES_KEPT

    def admits(self, seat: Seat) -> bool:
        """Whether this seat may speak here, phases aside."""
        if self.dead or not seat.alive:
            return self.dead and not seat.alive
        return not self.faction or seat.faction == self.faction


_DAY_TALK = frozenset({PhaseName.DISCUSSION, PhaseName.BALLOT, PhaseName.REVOTE})
_IN_PLAY = frozenset(PhaseName) - {PhaseName.LOBBY, PhaseName.REVEAL, PhaseName.OVER}

CHANNELS: Mapping[str, Channel] = {
    channel.name: channel
    for channel in (
        Channel("town", _DAY_TALK, public=True),
        Channel("mafia", frozenset({PhaseName.NIGHT}), faction="mafia", kept=20),
        Channel("dead", _IN_PLAY, dead=True, kept=20),
    )
}
