"""The rate limiter, on a clock the test moves."""

import pytest

from firemesh.control_plane import rate_limit
from firemesh.control_plane.rate_limit import RateLimiter
from firemesh.errors import InvalidParameters, RateLimited


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def exhausted(clock: Clock) -> RateLimiter:
    limiter = RateLimiter(clock, per_second=2, burst=3)
    for _ in range(3):
        limiter.take("a")
    return limiter


def test_a_burst_passes_and_the_next_call_is_told_when_to_come_back() -> None:
    with pytest.raises(RateLimited) as raised:
        exhausted(Clock()).take("a")
    assert raised.value.retry_after_seconds == pytest.approx(0.5)


def test_who_waits_as_told_gets_in_once() -> None:
    clock = Clock()
    limiter = exhausted(clock)
    clock.now += 0.5
    limiter.take("a")
    with pytest.raises(RateLimited):
        limiter.take("a")


def test_a_refused_call_does_not_lengthen_the_wait() -> None:
    clock = Clock()
    limiter = exhausted(clock)
    for _ in range(50):
        with pytest.raises(RateLimited):
            limiter.take("a")
    clock.now += 0.5
    limiter.take("a")


def test_one_caller_does_not_slow_another() -> None:
    exhausted(Clock()).take("b")


def test_memory_is_bounded_and_forgets_the_longest_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "CALLERS_MAX", 2)
    limiter = exhausted(Clock())
    limiter.take("b")
    limiter.take("c")
    limiter.take("a")


@pytest.mark.parametrize("settings", [{"per_second": 0}, {"burst": 0}])
def test_a_limiter_that_lets_nobody_through_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(InvalidParameters):
        RateLimiter(Clock(), **settings)  # type: ignore[arg-type]
