"""What Firestore charges: the list prices of one region, so that counts become money."""

from dataclasses import dataclass
from typing import Protocol

OPERATIONS_PER_PRICE = 100_000


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars for 100,000 operations."""

    reads: float
    writes: float
    deletes: float


US_CENTRAL1_STANDARD = Prices(reads=0.03, writes=0.09, deletes=0.01)
"""Standard edition in us-central1, beyond the free daily quota."""


class BilledOperations(Protocol):
    """Anything that says how many reads, writes and deletes were billed."""

    @property
    def reads(self) -> int:
        """Billed document reads."""
        ...

    @property
    def writes(self) -> int:
        """Billed document writes."""
        ...

    @property
    def deletes(self) -> int:
        """Billed document deletes."""
        ...


def dollars(operations: BilledOperations, prices: Prices = US_CENTRAL1_STANDARD) -> float:
    """What the operations cost, in US dollars."""
    total = operations.reads * prices.reads + operations.writes * prices.writes + operations.deletes * prices.deletes
    return total / OPERATIONS_PER_PRICE


def read_equivalents(operations: BilledOperations) -> float:
    """The operations in one figure, at their relative list prices: a write costs three reads, a delete a third of one."""
    return operations.reads + 3 * operations.writes + operations.deletes / 3
