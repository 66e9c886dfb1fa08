"""What the benchmark of failover concludes from its times and from the managers' logs."""

import pytest

from firemesh_cli.bench.failover.beliefs import beliefs, moments_with_two_leaders
from firemesh_cli.bench.failover.section import GOALS, HINTED, KILLED, RACED, STALLED, STOPPED, Trials, summary

GOOD = {
    KILLED: Trials([1.2, 1.5, 1.9], 0, 0.1),
    HINTED: Trials([0.01, 0.02, 0.3], 0, 0.1),
    STOPPED: Trials([0.1, 0.2], 0, 0.1),
    STALLED: Trials([1.4], 0, 0.1),
    RACED: Trials([0.05], 0, 0.1),
}
SLOW = {KILLED: [1.2, 2.6], HINTED: [0.11, 0.12], STOPPED: [0.1, 0.5], RACED: [1.0]}


def test_the_headline_takes_the_maximum_for_the_99th_percentile_and_the_worst_stop() -> None:
    section = summary(GOOD)
    assert (section.missed, section.not_judged) == ((), ())
    assert section.headline == {
        "failover": {
            "ttl_seconds": 1.5,
            "kills": 3,
            "p50_seconds": 1.5,
            "p99_seconds": 1.9,
            "graceful_seconds": 0.2,
            "hinted_p50_seconds": 0.02,
        }
    }
    assert section.rows[KILLED] == (3, 1.5, 1.9, 1.267, 0, 0.1)


@pytest.mark.parametrize("name", SLOW)
def test_what_is_too_slow_is_missed_on_a_quiet_machine_and_not_judged_on_a_busy_one(name: str) -> None:
    assert set(SLOW) == set(GOALS)
    quiet = summary({**GOOD, name: Trials(SLOW[name], 0, 0.1)})
    assert (quiet.missed, quiet.not_judged) == ((name,), ())
    busy = summary({**GOOD, name: Trials(SLOW[name], 0, 1.5)})
    assert (busy.missed, busy.not_judged, busy.headline) == ((), (name,), {})


def test_what_is_fast_beside_other_work_is_fast() -> None:
    busy = {name: Trials(trials.seconds, 0, 1.5) for name, trials in GOOD.items()}
    assert summary(busy).headline == summary(GOOD).headline


@pytest.mark.parametrize("name", GOOD)
def test_two_leaders_are_a_miss_however_busy_the_machine_is(name: str) -> None:
    assert summary({**GOOD, name: Trials(GOOD[name].seconds, 1, 1.5)}).missed == (name,)


LOG = """2026-11-22 10:00:00,100 manager m1 is leader
something else
2026-11-22 10:00:03,250 manager m1 is follower
2026-11-22 10:00:03,300 commit m1/1/2 (renew) undecided: manager m9 is leader
"""


def test_roles_are_read_from_a_log_with_their_times() -> None:
    (began, who, leads), (ended, _, still_leads) = beliefs(LOG)
    assert (who, leads, still_leads, round(ended - began, 3)) == ("m1", True, False, 3.15)


@pytest.mark.parametrize(
    ("changes", "moments"),
    [
        ([(1.0, "m1", True), (2.0, "m1", False), (2.0, "m2", True)], 0),
        ([(1.0, "m1", True), (2.0, "m2", True), (2.001, "m1", False)], 1),
        ([(1.0, "m1", True), (3.0, "m1", True)], 0),
        ([(2.0, "m2", True), (1.0, "m1", True), (1.5, "m1", False)], 0),
        ([(1.0, "m1", True), (2.0, "m2", True), (3.0, "m3", True)], 2),
    ],
    ids=["one after the other", "overlapping", "itself again", "out of order", "three"],
)
def test_two_leaders_at_one_moment_are_counted(changes: list[tuple[float, str, bool]], moments: int) -> None:
    assert moments_with_two_leaders(changes) == moments
