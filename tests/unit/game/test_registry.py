import pytest

from firemesh.errors import UnknownMachine
from firemesh.game.registry import MACHINES, machine_named


@pytest.mark.parametrize("name", ["counter", "mafia"])
def test_a_machine_is_found_by_the_name_it_gives_itself(name: str) -> None:
    assert machine_named(name).name == name


def test_an_unknown_machine_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownMachine) as refusal:
        machine_named("chess")
    assert all(name in str(refusal.value) for name in MACHINES)
