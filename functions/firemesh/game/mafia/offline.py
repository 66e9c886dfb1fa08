"""Whole games without a mesh: the machine, its players and a clock that jumps from event to event."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from firemesh.core.machine import PUBLIC_AUDIENCE, agent_audience
from firemesh.core.messages import Command
from firemesh.game.mafia.machine import MafiaMachine
from firemesh.game.mafia.program_seats import PLAYER_NAMES
from firemesh.game.mafia.scripted import Action, ScriptedPlayer
from firemesh.game.mafia.state import State

START_MS = 1_700_000_000_000
COMMANDS_MAX = 100_000
INC = "0" * 12


@dataclass(frozen=True, slots=True)
class Ordered:
    """One command of the log, and the store time it was ordered at. `reason` is empty when it was obeyed."""

    command: Command
    at_ms: int
    reason: str = ""


@dataclass(slots=True)
class OfflineGame:
    """One game in the making. `log` holds every command in order; replaying it gives `state`."""

    machine: MafiaMachine
    state: State
    players: Mapping[str, ScriptedPlayer]
    now_ms: int = START_MS
    log: list[Ordered] = field(default_factory=list)
    views: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    _waiting: list[tuple[int, int, str, Action]] = field(default_factory=list)
    _seqs: dict[str, int] = field(default_factory=dict)
    _count: int = 0

    def order(self, agent_id: str, kind: str, body: Mapping[str, Any]) -> str:
        """Put one command through the machine now, and let the players see what changed. Returns the reason."""
        seq = self._seqs[agent_id] = self._seqs.get(agent_id, 0) + 1 if agent_id else 0
        inc = INC if agent_id else ""
        command = Command(agent_id=agent_id, inc=inc, seq=seq, kind=kind, payload=json.dumps(body))
        transition = self.machine.apply(self.state, command, self.now_ms)
        self.state = transition.state
        self.log.append(Ordered(command, self.now_ms, transition.reason))
        self.show()
        return transition.reason

    def show(self) -> None:
        """Let each player decide whose views have changed."""
        before, self.views = self.views, self.machine.views(self.state)
        public = self.views[PUBLIC_AUDIENCE]
        news = before.get(PUBLIC_AUDIENCE) != public
        for agent_id, player in self.players.items():
            private = self.views.get(agent_audience(agent_id))
            if news or before.get(agent_audience(agent_id)) != private:
                for action in player.decide(public, private):
                    self._count += 1
                    heappush(self._waiting, (self.now_ms + action.think_ms, self._count, agent_id, action))

    def step(self) -> None:
        """The next thing that happens: an action whose time has come, or else the deadline."""
        deadline_ms = self.machine.deadline_ms(self.state)
        if self._waiting and (deadline_ms is None or self._waiting[0][0] <= deadline_ms):
            due_ms, _, agent_id, action = heappop(self._waiting)
            self.now_ms = max(self.now_ms, due_ms)
            if action.phase == f"{self.state.day}/{self.state.phase.value}":
                self.order(agent_id, action.kind, action.body)
        elif deadline_ms is not None:
            self.now_ms = max(self.now_ms, deadline_ms)
            self.order("", "mesh.deadline", {"deadline_ms": deadline_ms})

    def finish(self) -> "OfflineGame":
        """Play to the end. Every game ends; one that does not is a fault of the machine."""
        self.show()
        while self.machine.deadline_ms(self.state) is not None:
            if len(self.log) > COMMANDS_MAX:
                raise AssertionError(f"the game has not ended after {COMMANDS_MAX} commands: {self.state.setup}")
            self.step()
        return self


def new_game(seed: int, seats: int, players: int | None = None, **setup: Any) -> OfflineGame:
    """A table of scripted players, nobody seated yet. Further settings go to the setup as they are."""
    machine = MafiaMachine()
    count = seats if players is None else players
    cast = {f"p{n:02d}": ScriptedPlayer(seed, f"p{n:02d}", PLAYER_NAMES[n % 30]) for n in range(count)}
    return OfflineGame(machine, machine.initial({"seed": seed, "seats": seats, **setup}), cast)


def play(seed: int, seats: int, **setup: Any) -> OfflineGame:
    """One whole game among scripted players."""
    return new_game(seed, seats, **setup).finish()


def replay(machine: MafiaMachine, setup: Mapping[str, Any], log: Sequence[Ordered]) -> State:
    """The state that a log leads to from the beginning."""
    state = machine.initial(setup)
    for ordered in log:
        state = machine.apply(state, ordered.command, ordered.at_ms).state
    return state
