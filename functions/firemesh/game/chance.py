"""Deterministic chance: the n-th draw of a seed is always the same, on every machine and every Python.

The counter of draws lives in the state, so that chance is replicated with it.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

T = TypeVar("T")


def draw(seed: int | str, counter: int, bound: int) -> int:
    """A whole number in [0, bound), evenly spread. `bound` is at least 1."""
    digest = sha256(f"{seed}:{counter}".encode()).digest()
    return int.from_bytes(digest[:16], "big") % bound


def shuffled(seed: int | str, counter: int, items: Sequence[T]) -> tuple[tuple[T, ...], int]:
    """The items in a drawn order, and the next counter."""
    deck = list(items)
    for last in range(len(deck) - 1, 0, -1):
        chosen = draw(seed, counter, last + 1)
        counter += 1
        deck[last], deck[chosen] = deck[chosen], deck[last]
    return tuple(deck), counter
