"""Who seems alive: suspicion grows with silence, is refuted by a sign of life, and distrusts itself first."""

import pytest
from pydantic import ValidationError

from firemesh.core.health import Beat, Health, HealthMonitor, HealthPolicy, run_of

INC, LATER_INC = "000000000001", "000000000002"
POLICY = HealthPolicy()


def beat(process: str = "p1", seq: int = 1, interval_ms: int = 1000, inc: str = INC) -> Beat:
    return Beat(process=process, inc=inc, seq=seq, interval_ms=interval_ms, agents={})


def watching(*processes: str, interval_ms: int = 1000, beats: int = 10, policy: HealthPolicy = POLICY) -> HealthMonitor:
    """An observer that heard a beat of each process every interval, the last one at `beats * interval_ms`."""
    runs = [run_of(process, INC) for process in processes]
    monitor = HealthMonitor(policy=policy, pulses={}).expecting(runs, interval_ms, 0)
    for seq in range(1, beats + 1):
        for process in processes:
            monitor = monitor.heard(beat(process, seq, interval_ms), seq * interval_ms)
    return monitor


P1 = run_of("p1", INC)


def test_phi_grows_with_silence() -> None:
    monitor = watching("p1")
    phis = [monitor.phi(P1, 10_000 + silence) for silence in (0, 1000, 2000, 2500, 3000, 4000, 60_000)]
    assert phis == sorted(phis)
    assert phis[0] < 0.1
    assert phis[2] < POLICY.phi_threshold < phis[5]


def test_one_missed_beat_makes_no_suspect() -> None:
    assert watching("p1").judged(10_000 + 2000).health() == {P1: Health.HEALTHY}


def test_silence_makes_a_suspect() -> None:
    assert watching("p1").judged(10_000 + 4000).health() == {P1: Health.SUSPECT}


def test_an_irregular_process_is_given_more_time() -> None:
    monitor = watching("p1", beats=1)
    now = 1000
    for seq, gap in enumerate([300, 2500, 400, 2600, 300, 2400, 500, 2500], start=2):
        now += gap
        monitor = monitor.heard(beat(seq=seq), now)
    assert monitor.judged(now + 4000).health() == {P1: Health.HEALTHY}


def test_a_sign_of_life_refutes_suspicion() -> None:
    monitor = watching("p1").judged(10_000 + 4000).heard(beat(seq=11), 14_100)
    assert monitor.judged(14_200).health() == {P1: Health.HEALTHY}
    assert monitor.to_confirm(60_000) == ()


@pytest.mark.parametrize("stale", [beat(seq=10), beat(seq=3), beat(seq=99, inc=LATER_INC), beat("stranger", 99)])
def test_a_repeated_or_foreign_sign_of_life_refutes_nothing(stale: Beat) -> None:
    monitor = watching("p1").judged(14_000).heard(stale, 14_100)
    assert monitor.judged(14_200).health() == {P1: Health.SUSPECT}


def test_a_suspect_is_for_confirmation_once_its_silence_and_its_suspicion_are_long_enough() -> None:
    monitor = watching("p1").judged(13_600)
    assert monitor.health() == {P1: Health.SUSPECT}
    assert monitor.to_confirm(13_600 + POLICY.suspect_at_least_ms - 1) == ()
    assert monitor.to_confirm(13_600 + POLICY.suspect_at_least_ms) == (P1,)


def test_a_fast_process_is_not_declared_dead_below_the_floor() -> None:
    monitor = watching("p1", interval_ms=250).judged(4000)
    assert monitor.health() == {P1: Health.SUSPECT}
    assert monitor.to_confirm(2500 + POLICY.dead_after_floor_ms - 1) == ()


def test_a_run_that_was_never_heard_counts_from_when_it_was_expected() -> None:
    monitor = HealthMonitor(policy=POLICY, pulses={}).expecting([P1], 1000, 50_000)
    assert monitor.judged(51_500).health() == {P1: Health.HEALTHY}
    assert monitor.judged(54_000).to_confirm(55_000) == (P1,)


def test_a_run_that_is_not_expected_any_more_is_forgotten() -> None:
    monitor = watching("p1", "p2").judged(14_000).expecting([run_of("p2", INC)], 1000, 14_000)
    assert set(monitor.health()) == {run_of("p2", INC)}


def test_a_slow_observer_distrusts_itself() -> None:
    slow = watching("p1").with_lateness(3)
    assert slow.judged(14_000).health() == {P1: Health.HEALTHY}
    assert slow.dead_after_ms(1000) == 4 * watching("p1").dead_after_ms(1000)


def test_a_process_that_says_it_runs_late_is_given_as_many_times_the_time() -> None:
    late = beat(seq=11).model_copy(update={"lateness": 2})
    policy = HealthPolicy(dead_after_floor_ms=8000)
    monitor = watching("p1", policy=policy).heard(late, 11_000)
    assert monitor.judged(11_000 + 3 * 3000).health() == {P1: Health.HEALTHY}
    suspecting = monitor.judged(11_000 + 3 * 4000)
    assert suspecting.health() == {P1: Health.SUSPECT}
    assert suspecting.to_confirm(11_000 + 3 * 8000 - 1) == ()
    assert suspecting.to_confirm(11_000 + 3 * 8000) == (P1,)


def test_lateness_stays_within_its_bounds() -> None:
    monitor = watching("p1")
    assert monitor.with_lateness(99).lateness == 8
    assert monitor.with_lateness(-5).lateness == 0


def test_nobody_is_declared_dead_in_the_grace_after_an_outage() -> None:
    monitor = watching("p1").judged(20_000).after_outage(20_000)
    assert monitor.to_confirm(20_000 + POLICY.outage_grace_ms - 1) == ()
    assert monitor.to_confirm(20_000 + POLICY.outage_grace_ms) == (P1,)


def test_the_silence_of_many_at_once_waits_one_window_more() -> None:
    monitor = watching("p1", "p2", "p3").judged(13_500)
    window = monitor.dead_after_ms(1000)
    suspected_long_enough = 13_500 + POLICY.suspect_at_least_ms
    assert set(monitor.health().values()) == {Health.SUSPECT}
    assert 10_000 + window < suspected_long_enough < 10_000 + 2 * window
    assert monitor.to_confirm(suspected_long_enough) == ()
    assert monitor.to_confirm(10_000 + 2 * window - 1) == ()
    assert len(monitor.to_confirm(10_000 + 2 * window)) == 3


def test_the_silence_of_one_among_many_does_not_wait() -> None:
    monitor = watching("p1", "p2", "p3")
    for process in ("p2", "p3"):
        monitor = monitor.heard(beat(process, 11), 13_500)
    assert monitor.judged(13_900).to_confirm(14_500) == (P1,)


def test_the_only_process_may_be_declared_dead() -> None:
    assert watching("p1").judged(14_000).to_confirm(15_000) == (P1,)


def test_a_slower_rhythm_that_was_announced_makes_no_suspect() -> None:
    monitor = watching("p1").heard(beat(seq=11, interval_ms=10_000), 11_000)
    assert monitor.judged(11_000 + 15_000).health() == {P1: Health.HEALTHY}
    assert monitor.judged(11_000 + 40_000).health() == {P1: Health.SUSPECT}


def test_a_faster_rhythm_is_judged_by_its_own_gaps() -> None:
    monitor = watching("p1", interval_ms=10_000).heard(beat(seq=11, interval_ms=500), 100_500)
    assert monitor.judged(100_500 + 3000).health() == {P1: Health.SUSPECT}


@pytest.mark.parametrize(
    "wrong", [{"interval_ms": 49}, {"lateness": 9}, {"seq": -1}, {"inc": "x"}, {"agents": {f"a{n}": "" for n in range(31)}}]
)
def test_a_sign_of_life_out_of_bounds_is_none(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Beat.model_validate({**beat().model_dump(), **wrong})
