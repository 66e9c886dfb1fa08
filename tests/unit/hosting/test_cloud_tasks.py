"""The wake queue on the real client of Cloud Tasks, against the stand-in of the local stack."""

import time
from collections.abc import Iterator

import pytest

from firemesh.errors import StoreUnavailable
from firemesh.hosting.cloud_tasks import CloudTasksQueue, task_name
from firemesh_cli.stack import task_queue
from firemesh_cli.stack.task_server import TaskServer
from tests.support.listener import Listener, listening, nobody

QUEUE = "projects/demo-p/locations/us-central1/queues/watchdog"
FAR_MS = (int(time.time()) + 86_400) * 1000 + 123


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[TaskServer]:
    with TaskServer() as server:
        monkeypatch.setenv("FIREMESH_TASKS_HOST", server.host)
        yield server


def queue_to(listener: Listener) -> CloudTasksQueue:
    return CloudTasksQueue(QUEUE, url=listener.url, invoker="tasks@demo-p.iam.gserviceaccount.com")


async def test_a_wake_calls_the_watchdog_in_the_name_of_its_invoker(server: TaskServer, listener: Listener) -> None:
    due_ms = int(time.time() * 1000)
    await queue_to(listener).wake("m1", due_ms)
    (call,) = listener.await_calls(1)
    assert call.body == {"data": {"mesh": "m1", "due_ms": due_ms}}
    assert call.headers["content-type"] == "application/json"
    assert call.headers["authorization"].startswith("Bearer ")


async def test_a_wake_waits_for_its_time_to_the_millisecond(server: TaskServer, listener: Listener) -> None:
    await queue_to(listener).wake("m1", FAR_MS)
    (task,) = server.queue.waiting(QUEUE)
    assert round(task.due * 1000) == FAR_MS
    assert task.deadline_seconds == 60


async def test_asking_twice_makes_one_task(server: TaskServer, listener: Listener) -> None:
    queue = queue_to(listener)
    for mesh, due_ms in (("m1", FAR_MS), ("m1", FAR_MS), ("m2", FAR_MS), ("m1", FAR_MS + 1)):
        await queue.wake(mesh, due_ms)
    assert len(server.queue.waiting(QUEUE)) == 3


async def test_a_time_is_worth_one_wake(server: TaskServer, listener: Listener) -> None:
    queue, due_ms = queue_to(listener), int(time.time() * 1000)
    await queue.wake("m1", due_ms)
    listener.await_calls(1)
    await queue.wake("m1", due_ms)
    await queue.wake("m1", due_ms + 1)
    assert [call.body["data"]["due_ms"] for call in listener.await_calls(2)] == [due_ms, due_ms + 1]


async def test_a_service_that_does_not_answer_or_is_full_is_unavailable(
    server: TaskServer, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_queue, "TASKS_MAX", 0)
    with pytest.raises(StoreUnavailable, match="too many tasks"):
        await queue_to(listener).wake("m1", FAR_MS)
    with nobody() as port:
        monkeypatch.setenv("FIREMESH_TASKS_HOST", f"127.0.0.1:{port}")
        with pytest.raises(StoreUnavailable, match="no task was created"):
            await queue_to(listener).wake("m1", FAR_MS)


def test_names_in_order_do_not_begin_alike() -> None:
    first, second = task_name("m1", 1000), task_name("m1", 1001)
    assert first.endswith("-m1-1000")
    assert first[:8] != second[:8]
