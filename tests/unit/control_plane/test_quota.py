"""Quotas over all instances, on a clock the test moves."""

import asyncio

import pytest

from firemesh.control_plane.access import AccessRole, Operation
from firemesh.control_plane.quota import QUOTAS, Quotas, Rate
from firemesh.errors import RateLimited
from firemesh.store.base import Store
from firemesh.store.memory import ABORTED, LANDS, Faults, MemoryStore
from tests.support.api import Api

RATE = {Operation.CREATE_MESH: Rate(per_hour=3600, burst=3)}
START_NS = 10**18


class Clock:
    now_ns = START_NS

    def __call__(self) -> int:
        return self.now_ns


def quotas(store: Store) -> Quotas:
    return Quotas(store, RATE)


async def exhausted(clock: Clock) -> tuple[Quotas, MemoryStore]:
    memory = MemoryStore(clock)
    limits = quotas(memory.client("test"))
    for _ in range(3):
        await limits.take("k", Operation.CREATE_MESH)
    return limits, memory


async def test_a_burst_passes_and_the_next_call_is_told_when_to_come_back() -> None:
    limits, _ = await exhausted(Clock())
    with pytest.raises(RateLimited) as raised:
        await limits.take("k", Operation.CREATE_MESH)
    assert raised.value.retry_after_seconds == pytest.approx(1.0, abs=0.01)


async def test_who_waits_as_told_gets_in_once() -> None:
    clock = Clock()
    limits, _ = await exhausted(clock)
    clock.now_ns += 10**9
    await limits.take("k", Operation.CREATE_MESH)
    with pytest.raises(RateLimited):
        await limits.take("k", Operation.CREATE_MESH)


async def test_all_instances_count_together() -> None:
    _, memory = await exhausted(Clock())
    with pytest.raises(RateLimited):
        await quotas(memory.client("another instance")).take("k", Operation.CREATE_MESH)


async def test_calls_at_once_are_all_counted_or_refused() -> None:
    memory = MemoryStore(Clock())
    limits = [quotas(memory.client(str(number))) for number in range(8)]
    outcomes = await asyncio.gather(*(each.take("k", Operation.CREATE_MESH) for each in limits), return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 3
    assert all(outcome is None or isinstance(outcome, RateLimited) for outcome in outcomes)


async def test_a_call_that_the_store_was_too_busy_to_count_is_counted_again() -> None:
    fates = iter([ABORTED, *[LANDS] * 3])
    memory = MemoryStore(Clock())
    limits = quotas(memory.client("test", Faults(commit_fate=lambda writes: next(fates))))
    for _ in range(3):
        await limits.take("k", Operation.CREATE_MESH)
    with pytest.raises(RateLimited):
        await limits.take("k", Operation.CREATE_MESH)


async def test_one_key_does_not_slow_another_nor_one_operation_another() -> None:
    limits, _ = await exhausted(Clock())
    await limits.take("k2", Operation.CREATE_MESH)
    await limits.take("k", Operation.GET_MESH_STATUS)


async def test_a_call_costs_a_read_and_a_write_and_a_refused_one_a_read() -> None:
    limits, memory = await exhausted(Clock())
    memory.counts.clear()
    with pytest.raises(RateLimited):
        await limits.take("k", Operation.CREATE_MESH)
    assert memory.counts == {("test", "rateLimits", "reads"): 1}
    memory.counts.clear()
    await limits.take("k2", Operation.CREATE_MESH)
    assert memory.counts == {("test", "rateLimits", "reads"): 1, ("test", "rateLimits", "writes"): 1}


def test_over_http_the_wait_is_told_and_logged_and_nothing_is_created(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    burst = QUOTAS[Operation.CREATE_MESH].burst
    for number in range(burst):
        api.create(f"m{number}")
    answer = api.call("POST", "/v1/meshes", body={"mesh_id": "one-more", "machine": "counter"})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert [record.fields["reason"] for record in caplog.records if record.levelname == "WARNING"] == ["QUOTA"]  # type: ignore[attr-defined]
    assert api.call("GET", "/v1/meshes/one-more").status_code == 404
    assert api.trail("one-more") == []


def test_who_may_not_ask_at_all_is_not_counted(api: Api) -> None:
    api.call("POST", "/v1/meshes", AccessRole.WORKER, {"mesh_id": "m1"})
    assert not [path for path in api.memory.documents() if path.startswith("rateLimits/")]
