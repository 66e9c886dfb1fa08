"""Every order of events within the bounds keeps the invariants; every guard taken away is missed."""

import pytest

from firemesh.core import log
from firemesh.core.effects import ProposalKind
from tests.model.explorer import Bounds, Explorer
from tests.model.worlds import MUTANTS, WORLD_WITHOUT_TAIL, WORLDS, Mutant


@pytest.mark.parametrize("bounds", WORLDS.values(), ids=WORLDS.keys())
def test_no_order_of_events_breaks_an_invariant(bounds: Bounds) -> None:
    result = Explorer(bounds).run()
    print(result)
    assert result.violation is None, str(result)
    assert result.exhausted
    assert {ProposalKind.TAKEOVER, ProposalKind.APPEND} <= result.kinds_landed


def test_no_order_of_events_keeps_a_follower_from_catching_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "TAIL_ENTRIES_MAX", 1)
    result = Explorer(WORLD_WITHOUT_TAIL).run()
    print(result)
    assert result.violation is None, str(result)
    assert result.exhausted
    assert {ProposalKind.SNAPSHOT, ProposalKind.COMPACT} <= result.kinds_landed


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS.keys())
def test_protocol_without_this_guard_breaks_an_invariant(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.patch(monkeypatch)
    result = Explorer(mutant.bounds, mutant.accepts, sound=mutant.sound).run()
    assert result.violation is not None, f"not caught: {result}"
    assert result.violation.invariant == mutant.caught_by, str(result)
    assert result.trace
