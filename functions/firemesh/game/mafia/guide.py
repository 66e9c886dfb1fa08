"""How many of each role for 5 to 30 seats.

Why these numbers: parity ends the game, so the mafia needs few. Somewhat more than one in five seats is mafia, a little
fewer with a lone killer. A detective and a doctor always play: without them the town has nothing to reason about. The
godfather comes in once the town can afford one false reading; a second detective and a second doctor come in when one
night's work covers too small a part of the table. Each row was checked by playing scripted games.
"""

from collections import Counter
from dataclasses import dataclass

SEATS_MIN = 5
SEATS_MAX = 30


@dataclass(frozen=True, slots=True)
class Row:
    """The special roles from `seats` players upwards, until the next row. Everybody else is a villager."""

    seats: int
    mafioso: int
    godfather: int
    detective: int
    doctor: int

    @property
    def specials(self) -> tuple[str, ...]:
        """The roles of this row, one name per player."""
        return (
            ("Mafioso",) * self.mafioso
            + ("Godfather",) * self.godfather
            + ("Detective",) * self.detective
            + ("Doctor",) * self.doctor
        )


GUIDE = (
    Row(5, mafioso=1, godfather=0, detective=1, doctor=1),
    Row(8, mafioso=2, godfather=0, detective=1, doctor=1),
    Row(11, mafioso=2, godfather=1, detective=1, doctor=1),
    Row(16, mafioso=3, godfather=1, detective=2, doctor=1),
    Row(21, mafioso=4, godfather=1, detective=2, doctor=2),
    Row(26, mafioso=5, godfather=1, detective=3, doctor=2),
)


def roles_for(seats: int) -> tuple[str, ...]:
    """The roles the guide gives to a table, sorted by name. `seats` lies in 5..30."""
    row = next(row for row in reversed(GUIDE) if row.seats <= seats)
    specials = row.specials
    return tuple(sorted(specials + ("Villager",) * (seats - len(specials))))


def counted(roles: tuple[str, ...]) -> dict[str, int]:
    """How often each role occurs, by name."""
    return dict(sorted(Counter(roles).items()))
