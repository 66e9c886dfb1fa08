"""The trivial machine of the protocol tests: it keeps what was applied, in order."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from firemesh.core.machine import Move, Transition
from firemesh.core.messages import Command


@dataclass(frozen=True, slots=True)
class Ledger:
    applied: tuple[str, ...] = ()
    deadline_ms: int | None = None


class LedgerMachine:
    """Takes `ledger.note`, refuses `ledger.forbidden`, and `ledger.deadline` {deadline_ms} sets its alarm."""

    name = "ledger"

    def initial(self, setup: Mapping[str, Any]) -> Ledger:
        return Ledger()

    def apply(self, state: Ledger, command: Command, at_ms: int) -> Transition[Ledger]:
        if command.kind == "ledger.forbidden":
            return Transition(state, "FORBIDDEN")
        if command.kind == "ledger.deadline":
            return Transition(replace(state, deadline_ms=json.loads(command.payload)["deadline_ms"]))
        if command.kind == "mesh.deadline":
            state = replace(state, deadline_ms=None)
        name = f"{command.agent_id}:{command.seq}" if command.agent_id else command.kind
        return Transition(replace(state, applied=(*state.applied, name)))

    def views(self, state: Ledger) -> Mapping[str, Mapping[str, Any]]:
        return {"public": {"applied": len(state.applied)}}

    def hidden_views(self, state: Ledger) -> Mapping[str, Mapping[str, Any]]:
        return {}

    def deadline_ms(self, state: Ledger) -> int | None:
        return state.deadline_ms

    def moves(self, state: Ledger) -> tuple[Move, ...]:
        return ()

    def encode(self, state: Ledger) -> Mapping[str, Any]:
        return {"applied": list(state.applied), "deadline_ms": state.deadline_ms}

    def decode(self, data: Mapping[str, Any]) -> Ledger:
        return Ledger(tuple(data["applied"]), data["deadline_ms"])
