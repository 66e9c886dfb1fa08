"""The stand-in for Cloud Tasks, over real HTTP."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from firemesh_cli.stack import task_queue
from firemesh_cli.stack.task_queue import RetryPolicy
from firemesh_cli.stack.task_server import TaskServer
from tests.support.listener import PATIENCE_SECONDS, listening, nobody

QUEUE = "projects/p/locations/l/queues/q"
NO_PAUSE = RetryPolicy(attempts_max=3, backoff_seconds_min=0.01, backoff_seconds_max=0.02)
FAR = datetime.fromtimestamp(int(time.time()) + 86_400, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@pytest.fixture
def server() -> Iterator[TaskServer]:
    with TaskServer(retries=NO_PAUSE) as server:
        yield server


def ask(server: TaskServer, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://{server.host}/v2/{path}", data, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def create(server: TaskServer, url: str, name: str = "one", **more: Any) -> int:
    http_request = {"url": url, "httpMethod": 1, "body": "e30=", "headers": {"Content-Type": "application/json"}}
    task = {"name": f"{QUEUE}/tasks/{name}", "httpRequest": http_request, **more}
    return ask(server, "POST", f"{QUEUE}/tasks", {"task": task})[0]


def await_end(server: TaskServer, name: str = "one") -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while server.queue.find(f"{QUEUE}/tasks/{name}") is not None:
        assert time.monotonic() < deadline, "the task is still there"
        time.sleep(0.005)


def test_a_task_is_called_with_its_body_and_says_what_it_is(server: TaskServer) -> None:
    with listening() as listener:
        assert create(server, listener.url) == 200
        (call,) = listener.await_calls(1)
    assert call.body == {}
    assert call.headers["x-cloudtasks-queuename"] == "q"
    assert call.headers["x-cloudtasks-taskname"] == "one"
    assert call.headers["x-cloudtasks-taskretrycount"] == "0"


def test_a_task_is_not_called_before_its_time(server: TaskServer) -> None:
    with listening() as listener:
        due = time.time() + 0.3
        assert create(server, listener.url, scheduleTime=datetime.fromtimestamp(due, UTC).isoformat()) == 200
        listener.await_calls(1)
        assert time.time() >= due


def test_an_earlier_task_overtakes_one_that_waits(server: TaskServer) -> None:
    with listening() as listener:
        create(server, listener.url, "far", scheduleTime=FAR)
        create(server, listener.url, "near")
        (call,) = listener.await_calls(1)
    assert call.headers["x-cloudtasks-taskname"] == "near"


def test_a_name_is_taken_while_its_task_waits_and_after_it_has_ended(server: TaskServer) -> None:
    with listening() as listener:
        assert create(server, listener.url, "far", scheduleTime=FAR) == 200
        assert create(server, listener.url, "far") == 409
        assert create(server, listener.url) == 200
        await_end(server)
        assert create(server, listener.url) == 409
        assert len(listener.calls) == 1


def test_a_call_that_fails_is_repeated_until_it_succeeds(server: TaskServer) -> None:
    with listening(lambda number: 503 if number == 1 else 200) as listener:
        create(server, listener.url)
        calls = listener.await_calls(2)
        await_end(server)
    assert [call.headers["x-cloudtasks-taskretrycount"] for call in calls] == ["0", "1"]


def test_a_call_that_never_succeeds_is_given_up(server: TaskServer) -> None:
    with listening(lambda number: 500) as listener:
        create(server, listener.url)
        await_end(server)
        assert len(listener.calls) == NO_PAUSE.attempts_max


def test_nobody_at_the_address_counts_as_failure(server: TaskServer) -> None:
    with nobody() as port:
        create(server, f"http://127.0.0.1:{port}/watchdog")
        await_end(server)


def test_a_deleted_task_is_never_called_and_its_name_stays_taken(server: TaskServer) -> None:
    with listening() as listener:
        create(server, listener.url, scheduleTime=FAR)
        assert ask(server, "DELETE", f"{QUEUE}/tasks/one")[0] == 200
        assert ask(server, "DELETE", f"{QUEUE}/tasks/one")[0] == 404
        assert create(server, listener.url) == 409
    assert listener.calls == []


def test_what_waits_can_be_got_and_listed(server: TaskServer) -> None:
    with listening() as listener:
        create(server, listener.url, scheduleTime=FAR)
        status, task = ask(server, "GET", f"{QUEUE}/tasks/one")
        assert (status, task["scheduleTime"], task["dispatchCount"]) == (200, FAR, 0)
        assert [each["name"] for each in ask(server, "GET", f"{QUEUE}/tasks")[1]["tasks"]] == [f"{QUEUE}/tasks/one"]
        assert ask(server, "GET", f"{QUEUE}/tasks/other")[0] == 404
        assert ask(server, "GET", "projects/p/locations/l/queues/empty/tasks") == (200, {"tasks": []})


def test_the_number_of_tasks_is_bounded(server: TaskServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_queue, "TASKS_MAX", 1)
    with listening() as listener:
        assert create(server, listener.url, "first", scheduleTime=FAR) == 200
        assert create(server, listener.url, "second", scheduleTime=FAR) == 429


@pytest.mark.parametrize(
    "task",
    [
        {},
        {"httpRequest": {"url": "http://example.org/"}},
        {"httpRequest": {"url": "http://127.0.0.1:1/", "httpMethod": "GET"}},
        {"httpRequest": {"url": "http://127.0.0.1:1/", "body": "%"}},
        {"httpRequest": {"url": "http://127.0.0.1:1/"}, "name": "projects/p/locations/l/queues/other/tasks/one"},
        {"httpRequest": {"url": "http://127.0.0.1:1/"}, "scheduleTime": "tomorrow"},
        {"httpRequest": {"url": "http://127.0.0.1:1/"}, "scheduleTime": "2100-01-01T00:00:00Z"},
    ],
    ids=["no-call", "elsewhere", "not-a-post", "body-not-base64", "another-queue", "no-time", "too-far-ahead"],
)
def test_a_malformed_task_is_refused(server: TaskServer, task: Any) -> None:
    assert ask(server, "POST", f"{QUEUE}/tasks", {"task": task})[0] == 400


def test_unknown_calls_are_refused(server: TaskServer) -> None:
    assert ask(server, "POST", f"{QUEUE}/tasks/one", {})[0] == 404
    assert ask(server, "GET", QUEUE)[0] == 404


def test_pauses_double_up_to_their_maximum() -> None:
    policy = RetryPolicy(backoff_seconds_min=1.0, backoff_seconds_max=5.0)
    assert [policy.pause_seconds(attempts) for attempts in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, 5.0]
