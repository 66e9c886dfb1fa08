"""Seeded runs of the real driver over a faulty store: nothing is lost, nothing twice, somebody leads again soon."""

from dataclasses import replace
from typing import Any

import pytest

from firemesh.core import leading, sessions
from firemesh.core.effects import ManagerRole, ProposalKind
from firemesh.core.invariants import INVARIANTS
from firemesh.core.turn import Turn
from tests.simulation.fate import CALM, DEAF
from tests.simulation.simulation import Plan, Report, simulate
from tests.simulation.stage import PARAMS, Node

SEEDS, SEEDS_PER_TEST = 200, 10
CALM_PLAN = Plan(weather=CALM, rough_seconds=15, managers=(3, 3))
DEAF_PLAN = Plan(weather=DEAF, rough_seconds=15, managers=(3, 3))


def failures(reports: list[Report]) -> str:
    return "\n".join(str(report) for report in reports if report.problems)


@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_PER_TEST))
def test_mesh_survives_crashes_pauses_outages_and_lost_commits(first: int) -> None:
    reports = [simulate(seed) for seed in range(first, first + SEEDS_PER_TEST)]
    assert not failures(reports), failures(reports)
    assert sum(report.terms for report in reports) > SEEDS_PER_TEST, "too calm to prove anything"
    assert frozenset[str]().union(*(report.checked for report in reports)) == set(INVARIANTS)


def test_mesh_survives_all_that_when_its_standbys_only_look() -> None:
    plan = Plan(params=replace(PARAMS, standbys_listen=0))
    reports = [simulate(seed, plan) for seed in range(SEEDS_PER_TEST)]
    assert not failures(reports), failures(reports)
    assert sum(report.terms for report in reports) > SEEDS_PER_TEST, "too calm to prove anything"


def test_equal_seeds_give_equal_runs() -> None:
    assert simulate(7) == simulate(7)
    assert simulate(7).fingerprint != simulate(8).fingerprint


@pytest.mark.parametrize("plan", [CALM_PLAN, DEAF_PLAN], ids=["calm", "acknowledgements lost"])
def test_healthy_leader_is_never_deposed(plan: Plan) -> None:
    for seed in range(5):
        report = simulate(seed, plan)
        assert not report.problems, str(report)
        assert (report.terms, report.depositions) == (1, 0)


# --- guards taken away ---------------------------------------------------------------------------------------------


def goes_wrong(plan: Plan, *wanted: str, seeds: int = 40) -> bool:
    """Whether one of these problems, or a leader deposed, is found in some seed."""
    for seed in range(seeds):
        report = simulate(seed, plan)
        found = {problem.split(":")[0] for problem in report.problems} | ({"deposed"} if report.depositions else set())
        if found & set(wanted):
            return True
    return False


def test_renewal_that_changes_nothing_gets_a_healthy_leader_deposed(monkeypatch: pytest.MonkeyPatch) -> None:
    def renew(turn: Turn[Any]) -> None:
        head = turn.state.head
        if turn.state.role is ManagerRole.LEADER and turn.state.pending is None:
            leading.propose(turn, ProposalKind.RENEW, changes={"seq": head.seq, "nonce": head.nonce})

    monkeypatch.setattr(leading, "renew", renew)
    assert goes_wrong(CALM_PLAN, "deposed")


def test_leader_that_does_not_know_its_own_nonce_deposes_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leading, "is_mine", lambda *_: False)
    assert goes_wrong(DEAF_PLAN, "deposed")


def test_without_sessions_a_command_is_ordered_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "is_duplicate", lambda *_: False)
    monkeypatch.setattr(sessions._Admitting, "_judge_next", lambda *_: sessions.ORDER)
    assert goes_wrong(Plan(), "I7")


def test_command_taken_from_the_inbox_and_not_ordered_breaks_i5(monkeypatch: pytest.MonkeyPatch) -> None:
    admit = sessions.admit

    def forgetful(*args: Any, **kwargs: Any) -> sessions.Admission:
        admission = admit(*args, **kwargs)
        return replace(admission, batch=tuple(command for command in admission.batch if command.seq < 3))

    monkeypatch.setattr(sessions, "admit", forgetful)
    assert goes_wrong(CALM_PLAN, "I5", seeds=3)


def test_manager_that_does_not_name_its_earlier_runs_is_never_admitted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Node, "earlier_runs", property(lambda _: ()))
    assert goes_wrong(Plan(), "never admitted", seeds=10)


def test_head_taken_for_ones_own_breaks_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leading, "is_mine", lambda *_: True)
    assert goes_wrong(Plan(), "I2", "I4", "I6")
