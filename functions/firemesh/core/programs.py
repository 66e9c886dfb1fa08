"""Programs: seats of a machine that the mesh plays itself, whoever leads. Pure.

A machine that has such seats says what they want to do, and when (`Machine.moves`). The leader orders what is due, as it
orders what members ask: under the program's own name, with its next number in the replicated sessions. So the log tells what
programs did, and replay needs none of them. Of two activations that both think it a program's turn, the precondition of their
commits lets one through; the other decides anew from the state that it finds.

A program is no member. It has no process that could fall silent, its id is none that an agent can have, and it ends with the
mesh.
"""

from typing import TypeVar

from firemesh.core.machine import Machine, Move
from firemesh.core.messages import BATCH_COMMANDS_MAX, Command, canonical_json
from firemesh.core.replica import Replica
from firemesh.ids import is_program

S = TypeVar("S")

PROGRAM_INC = "0" * 12
"""The one run of every program: it never ends before the mesh."""
PROGRAM_COMMANDS_MAX = 2000
"""What one program may have ordered in all. A machine whose programs never have enough falls silent here."""


def due(replica: Replica[S], machine: Machine[S], at_ms: int) -> tuple[Command, ...]:
    """What programs do next, at store time `at_ms`: at most one batch, and nothing that the machine would refuse.

    It ends with the move after which something else is due than before: what the others wanted, they wanted of the moment
    that is over.
    """
    at_ms = max(at_ms, replica.at_ms)
    state, sessions = replica.machine_state, dict(replica.sessions)
    deadline_ms = machine.deadline_ms(state)
    batch: list[Command] = []
    for move in machine.moves(state):
        if move.due_ms > at_ms:
            continue
        command = _command(move, sessions.get(f"{move.program}~{PROGRAM_INC}", 0) + 1)
        transition = machine.apply(state, command, at_ms)
        if transition.reason or command.seq > PROGRAM_COMMANDS_MAX:
            continue
        state, sessions[command.client] = transition.state, command.seq
        batch.append(command)
        if len(batch) == BATCH_COMMANDS_MAX or machine.deadline_ms(state) != deadline_ms:
            break
    return tuple(batch)


def are_moves(batch: tuple[Command, ...]) -> bool:
    """Whether these commands are what programs did; a batch is wholly of them, or not at all."""
    return any(is_program(command.agent_id) for command in batch)


def alarm_ms(replica: Replica[S], machine: Machine[S], at_ms: int) -> int | None:
    """The store time at which the leader has something to do by itself: the machine's deadline, or a later move of a program.

    A move that is due by `at_ms` needs no alarm: it is ordered now, would be refused, or waits for what comes next anyway.
    """
    at_ms = max(at_ms, replica.at_ms)
    deadline_ms = machine.deadline_ms(replica.machine_state)
    times = [move.due_ms for move in machine.moves(replica.machine_state) if move.due_ms > at_ms]
    return min([*times, *([] if deadline_ms is None else [deadline_ms])], default=None)


def _command(move: Move, seq: int) -> Command:
    return Command(agent_id=move.program, inc=PROGRAM_INC, seq=seq, kind=move.kind, payload=canonical_json(move.body))
