"""The Mafia machine, as the mesh runs it."""

from collections.abc import Mapping
from typing import Any

from firemesh.core.machine import Move, Transition
from firemesh.core.messages import Command
from firemesh.game.mafia.codec import decode_state, encode_state
from firemesh.game.mafia.commands import obey
from firemesh.game.mafia.program_seats import with_programs
from firemesh.game.mafia.reasons import Reason
from firemesh.game.mafia.setup import read_setup
from firemesh.game.mafia.state import State
from firemesh.game.mafia.views import private_view, views_of
from firemesh.ids import is_program


class MafiaMachine:
    """A game of Mafia for 5 to 30 seats. Setup: see `setup.Setup`; commands: see `commands.KINDS`."""

    name = "mafia"

    def initial(self, setup: Mapping[str, Any]) -> State:
        """A lobby, whose clock starts with the first command. Raises InvalidMessage for a senseless setup."""
        state = State(read_setup(setup))
        return with_programs(state, state.setup.programs)

    def apply(self, state: State, command: Command, at_ms: int) -> Transition[State]:
        """Obey one command, or refuse it with a `reasons.Reason`. Commands count in log order, late ones too."""
        result = obey(state, command, at_ms)
        if isinstance(result, Reason):
            return Transition(state, result.value)
        return Transition(result)

    def views(self, state: State) -> Mapping[str, Mapping[str, Any]]:
        """The `public` view and one `agent_{id}` view per seat; spectators read the public one."""
        return views_of(state)

    def hidden_views(self, state: State) -> Mapping[str, Mapping[str, Any]]:
        """What each program is told for itself alone."""
        return {seat.agent_id: private_view(state, seat) for seat in state.seats if is_program(seat.agent_id)}

    def deadline_ms(self, state: State) -> int | None:
        """When the present phase ends; 0 before the lobby's clock has started (due at once); None after the game."""
        return state.deadline_ms

    def moves(self, state: State) -> tuple[Move, ...]:
        """What the seats of programs want to do in this phase."""
        if not any(is_program(seat.agent_id) for seat in state.seats):
            return ()
        # The players come with all they know: no start of a function should pay for them that leads no such game.
        from firemesh.game.mafia.programs import moves_of

        return moves_of(state)

    def encode(self, state: State) -> Mapping[str, Any]:
        """The whole state, secrets included, as a JSON object."""
        return encode_state(state)

    def decode(self, data: Mapping[str, Any]) -> State:
        """The inverse of `encode`. Raises CorruptDocument."""
        return decode_state(data)
