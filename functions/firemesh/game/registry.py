"""The machines this program has, by name."""

from collections.abc import Callable, Mapping
from typing import Any

from firemesh.core.machine import Machine
from firemesh.errors import UnknownMachine
from firemesh.game.counter import CounterMachine
from firemesh.game.mafia.machine import MafiaMachine

MACHINES: Mapping[str, Callable[[], Machine[Any]]] = {
    CounterMachine.name: CounterMachine,
    MafiaMachine.name: MafiaMachine,
}


def machine_named(name: str) -> Machine[Any]:
    """A machine by its name. Raises UnknownMachine, naming the known ones, when there is none."""
    make = MACHINES.get(name)
    if make is None:
        raise UnknownMachine(f"no machine of this name; known machines: {', '.join(sorted(MACHINES))}")
    return make()
