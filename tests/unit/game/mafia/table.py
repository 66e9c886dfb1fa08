"""A table for tests: a game with given roles, moved on command by command. Players are called after their roles."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, settings

from firemesh.core.machine import Transition, agent_audience
from firemesh.core.messages import Command
from firemesh.game.mafia.machine import MafiaMachine
from firemesh.game.mafia.state import NOBODY, Seat, State, Verdict

MACHINE = MafiaMachine()
INC = "0" * 12
REPEATABLE = settings(derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
"""The same examples each time, however long that takes."""


def command(agent_id: str, kind: str, body: Mapping[str, Any]) -> Command:
    return Command(agent_id=agent_id, inc=INC if agent_id else "", seq=0, kind=kind, payload=json.dumps(body))


class Lobby:
    """A game from its lobby on. `now_ms` moves only when a test or a deadline moves it."""

    def __init__(self, seats: int = 5, **setup: Any) -> None:
        self.state: State = MACHINE.initial({"seats": seats, "seed": 7, "night_floor_ms": 0, **setup})
        self.now_ms = 1_000_000
        self.last: Transition[State] = Transition(self.state)

    def tell(self, agent_id: str, kind: str, **body: Any) -> str:
        """Send one command; returns the reason, empty when it was obeyed."""
        before = self.state
        self.last = MACHINE.apply(self.state, command(agent_id, kind, body), self.now_ms)
        self.state = self.last.state
        assert not self.last.reason or self.state is before, "a refused command changed the state"
        return self.last.reason

    def obeyed(self, agent_id: str, kind: str, **body: Any) -> None:
        assert self.tell(agent_id, kind, **body) == ""

    def sit(self, *agent_ids: str) -> None:
        for agent_id in agent_ids:
            self.obeyed(agent_id, "mafia.sit", name=agent_id.title())

    def deadline(self) -> str:
        """Let the present phase run out."""
        deadline_ms = self.state.deadline_ms
        assert deadline_ms is not None
        self.now_ms = max(self.now_ms, deadline_ms)
        return self.tell("", "mesh.deadline", deadline_ms=deadline_ms)

    def until(self, phase: str) -> None:
        """Let phases run out until this one has come."""
        for _ in range(10):
            if self.state.phase == phase:
                return
            assert self.deadline() == ""
        raise AssertionError(f"no {phase}; the game stands at {self.state.phase}")

    @property
    def phase(self) -> str:
        return self.state.phase.value

    @property
    def public(self) -> Mapping[str, Any]:
        return MACHINE.views(self.state)["public"]

    def private(self, agent_id: str) -> Mapping[str, Any]:
        return MACHINE.views(self.state)[agent_audience(agent_id)]

    def seat(self, agent_id: str) -> Seat:
        seat = self.state.seat_of(agent_id)
        assert seat is not None
        return seat


class Table(Lobby):
    """A game in its first night. `Table("Mafioso", "Villager", "Villager", ...)` seats mafioso, villager, villager-2..."""

    def __init__(self, *roles: str, **setup: Any) -> None:
        super().__init__(len(roles), **setup)
        seen: Counter[str] = Counter()
        ids = []
        for role in roles:
            seen[role] += 1
            ids.append(role.lower() + (f"-{seen[role]}" if seen[role] > 1 else ""))
        self.sit(*ids)
        seats = tuple(replace(seat, role_name=role) for seat, role in zip(self.state.seats, roles, strict=True))
        self.state = replace(self.state, seats=seats)
        self.until("night")

    def act(self, agent_id: str, target: str | None) -> str:
        return self.tell(agent_id, "mafia.act", target=target)

    def night(self, **targets: str | None) -> None:
        """One night with these choices; it ends by itself or by its deadline."""
        for actor, target in targets.items():
            assert self.act(actor, target) == ""
        if self.phase == "night":
            self.deadline()

    def ballot(self, agent_id: str, target: str | None) -> str:
        return self.tell(agent_id, "mafia.ballot", target=target)

    def ballots(self, ballots: Mapping[str, str]) -> Verdict:
        """A ballot with these choices and nobody else's, then its end."""
        self.until("ballot")
        for voter, choice in ballots.items():
            assert self.ballot(voter, choice) == ""
        if self.phase == "ballot":
            self.deadline()
        return self.state.verdicts[-1]

    def execute(self, target: str) -> None:
        """The others are of one mind about this player."""
        self.until("ballot")
        voters = [seat.agent_id for seat in self.state.living if seat.agent_id != target]
        self.ballots(dict.fromkeys(voters, target))

    def say(self, agent_id: str, channel: str, text: str) -> str:
        return self.tell(agent_id, "mafia.say", channel=channel, text=text)

    def alive(self, agent_id: str) -> bool:
        return self.seat(agent_id).alive


__all__ = ["INC", "MACHINE", "NOBODY", "REPEATABLE", "Lobby", "Table", "command"]
