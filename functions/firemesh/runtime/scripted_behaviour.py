"""Scripted drivers for the machines that have them, so that a mesh can play by itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from firemesh.errors import InvalidMessage
from firemesh.game.mafia.program_seats import PLAYER_NAMES
from firemesh.game.mafia.scripted import ScriptedPlayer
from firemesh.runtime.behaviour import Behaviour, Intent


class ScriptedMafiaPlayer:
    """A scripted player of Mafia as a behaviour. `pace` stretches (above 1) or shortens its thinking."""

    def __init__(self, seed: int, agent_id: str, name: str, pace: float = 1.0) -> None:
        self._player = ScriptedPlayer(seed, agent_id, name)
        self._pace = pace

    def moment(self, public: Mapping[str, Any], own: Mapping[str, Any]) -> str:
        """Day and phase."""
        return f"{public['day']}/{public['phase']}"

    def decide(self, public: Mapping[str, Any], own: Mapping[str, Any]) -> Sequence[Intent]:
        """What the player wants now."""
        actions = self._player.decide(public, own or None)
        return [Intent(action.kind, action.body, int(action.think_ms * self._pace)) for action in actions]

    def memory(self) -> Mapping[str, Any]:
        """What the player remembers."""
        return self._player.state

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Remember it again."""
        self._player.restore(memory)


def scripted_behaviour(machine: str, agent_id: str, *, seed: int, number: int = 0, pace: float = 1.0) -> Behaviour:
    """A scripted driver for one agent; `number` picks its name at the table.

    Raises:
        InvalidMessage: there is no scripted driver for this machine.
    """
    if machine != "mafia":
        raise InvalidMessage(f"there is no scripted driver for the machine {machine!r}; there is one for mafia")
    return ScriptedMafiaPlayer(seed, agent_id, PLAYER_NAMES[number % len(PLAYER_NAMES)], pace)
