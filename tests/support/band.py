"""The machine of the protocol tests, with programs: each makes the moves it is given, one after the other."""

from firemesh.core.machine import Move
from tests.support.ledger import Ledger, LedgerMachine


class BandMachine(LedgerMachine):
    """A ledger some of whose notes are written by programs. A move that is refused is wanted on."""

    def __init__(self, *moves: Move) -> None:
        self._wanted = moves

    def moves(self, state: Ledger) -> tuple[Move, ...]:
        made = [name.partition(":")[0] for name in state.applied]
        left = []
        for move in self._wanted:
            if move.program in made:
                made.remove(move.program)
            else:
                left.append(move)
        return tuple(left)


def note(program: str, due_ms: int, kind: str = "ledger.note", **body: int) -> Move:
    return Move(program, kind, body, due_ms)
