"""The smallest useful machine: it adds. It shows that a mesh is not tied to a game, and keeps protocol tests short."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from firemesh.core.machine import PUBLIC_AUDIENCE, Move, Transition
from firemesh.core.messages import Command
from firemesh.errors import CorruptDocument, InvalidMessage

AGENTS_MAX = 256
TOTAL_MAX = 2**53 - 1
MESH_KINDS = frozenset({"mesh.deadline", "mesh.member_dead", "mesh.member_left"})


@dataclass(frozen=True, slots=True)
class Count:
    """The sum of everything added, and how many additions each agent made."""

    total: int = 0
    additions: Mapping[str, int] = field(default_factory=dict)


class CounterMachine:
    """Takes `counter.add` {n}. Refuses with MALFORMED, NEGATIVE, TOO_LARGE, TOO_MANY_AGENTS or UNKNOWN_KIND."""

    name = "counter"

    def initial(self, setup: Mapping[str, Any]) -> Count:
        """Zero. The setup must be empty."""
        if setup:
            raise InvalidMessage("the counter machine takes no setup; give an empty object")
        return Count()

    def apply(self, state: Count, command: Command, at_ms: int) -> Transition[Count]:
        """Add a whole number; see the class for the refusals."""
        if command.kind in MESH_KINDS and not command.agent_id:
            return Transition(state)
        if command.kind != "counter.add":
            return Transition(state, "UNKNOWN_KIND")
        body = command.body
        n = body.get("n")
        if type(n) is not int or len(body) != 1:
            return Transition(state, "MALFORMED")
        if n < 0:
            return Transition(state, "NEGATIVE")
        return self._add(state, command.agent_id, n)

    def _add(self, state: Count, agent_id: str, n: int) -> Transition[Count]:
        if n > TOTAL_MAX - state.total:
            return Transition(state, "TOO_LARGE")
        if agent_id not in state.additions and len(state.additions) >= AGENTS_MAX:
            return Transition(state, "TOO_MANY_AGENTS")
        additions = {**state.additions, agent_id: state.additions.get(agent_id, 0) + 1}
        return Transition(Count(state.total + n, additions))

    def views(self, state: Count) -> Mapping[str, Mapping[str, Any]]:
        """Everybody may see the total."""
        return {PUBLIC_AUDIENCE: {"total": state.total}}

    def hidden_views(self, state: Count) -> Mapping[str, Mapping[str, Any]]:
        """It has no programs."""
        return {}

    def deadline_ms(self, state: Count) -> int | None:
        """Nothing is ever due."""
        return None

    def moves(self, state: Count) -> tuple[Move, ...]:
        """It has no programs."""
        return ()

    def encode(self, state: Count) -> Mapping[str, Any]:
        """The state as a JSON object: {total, additions: {agent: count}}."""
        return {"total": state.total, "additions": dict(sorted(state.additions.items()))}

    def decode(self, data: Mapping[str, Any]) -> Count:
        """The inverse of `encode`."""
        try:
            return Count(int(data["total"]), {str(agent): int(n) for agent, n in data["additions"].items()})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CorruptDocument("a stored counter does not fit its model") from error
