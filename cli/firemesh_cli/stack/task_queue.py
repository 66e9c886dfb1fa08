"""A stand-in for Cloud Tasks: remembers HTTP tasks until they are due, and calls until somebody says it is done.

It belongs to the local stack; nothing of it is deployed. What it promises is what Cloud Tasks promises: each task at
least once, never before its time, in no order; a name that was used stays taken.
"""

import heapq
import http.client
import json
import threading
import time
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum

TASKS_MAX = 10_000
"""Tasks that wait at the same time."""
NAMES_KEPT_MAX = 100_000
"""Names of ended tasks that stay taken. Cloud Tasks keeps them for up to a day; a local stack seldom lasts so long."""
CALLS_AT_ONCE_MAX = 3
"""Each call that overlaps another costs the functions emulator one more process, about 135 MB and a second to start."""
SUCCESSES = range(200, 300)
OIDC_SECONDS = 3600
NO_ANSWER = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a task is tried that does not succeed, and the pauses between: doubled each time, up to a maximum.

    Without a word, as `functions/main.py` has it for the queue `watchdog`.
    """

    attempts_max: int = 66
    backoff_seconds_min: float = 1.0
    backoff_seconds_max: float = 10.0

    def pause_seconds(self, attempts: int) -> float:
        """How long to wait after so many attempts."""
        return float(min(self.backoff_seconds_max, self.backoff_seconds_min * 2 ** (attempts - 1)))


@dataclass(slots=True, kw_only=True)
class Task:
    """One task: whom to call, with what, when (seconds since the epoch), and what has come of it so far."""

    name: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    due: float
    deadline_seconds: float
    oidc_email: str = ""
    oidc_audience: str = ""
    attempts: int = 0
    answers: int = 0


class Added(StrEnum):
    """What came of adding a task."""

    ADDED = "added"
    NAME_TAKEN = "name taken"
    FULL = "full"


@dataclass(order=True, slots=True)
class _Slot:
    """A place in the order of what is due."""

    due: float
    number: int
    name: str = field(compare=False)


class TaskQueue:
    """The tasks of one stack. One thread waits for what is due, a few make the calls; `stop` ends them all."""

    def __init__(self, retries: RetryPolicy | None = None) -> None:
        self._retries = retries or RetryPolicy()
        self._changed = threading.Condition()
        self._tasks: dict[str, Task] = {}
        self._order: list[_Slot] = []
        self._taken: OrderedDict[str, None] = OrderedDict()
        self._numbered = 0
        self._stopped = False
        self._callers = ThreadPoolExecutor(CALLS_AT_ONCE_MAX, thread_name_prefix="firemesh-task")
        self._clock = threading.Thread(target=self._dispatch_what_is_due, name="firemesh-tasks", daemon=True)

    def start(self) -> None:
        """Begin to call."""
        self._clock.start()

    def stop(self) -> None:
        """End when the calls under way have ended; what waits is forgotten, as everything local is."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._clock.join()
        self._callers.shutdown(cancel_futures=True)

    def add(self, task: Task) -> Added:
        """Remember a task, unless its name is taken by one that waits or has ended."""
        with self._changed:
            if task.name in self._tasks or task.name in self._taken:
                return Added.NAME_TAKEN
            if max(len(self._tasks), len(self._order)) >= TASKS_MAX:  # removed ones keep their place until it is due
                return Added.FULL
            self._tasks[task.name] = task
            self._place(task)
            return Added.ADDED

    def find(self, name: str) -> Task | None:
        """A task that waits or runs."""
        with self._changed:
            return self._tasks.get(name)

    def waiting(self, queue: str) -> list[Task]:
        """The tasks of a queue that wait or run, the earliest first."""
        with self._changed:
            return sorted((t for t in self._tasks.values() if t.name.startswith(f"{queue}/tasks/")), key=lambda t: t.due)

    def remove(self, name: str) -> bool:
        """Forget a task, whose name stays taken; whether there was one. A call under way is not taken back."""
        with self._changed:
            if self._tasks.pop(name, None) is None:
                return False
            self._taken[name] = None
            if len(self._taken) > NAMES_KEPT_MAX:
                self._taken.popitem(last=False)
            return True

    def _place(self, task: Task) -> None:
        self._numbered += 1
        heapq.heappush(self._order, _Slot(task.due, self._numbered, task.name))
        self._changed.notify()

    def _dispatch_what_is_due(self) -> None:
        while (task := self._next_due()) is not None:
            self._callers.submit(self._attempt, task)

    def _next_due(self) -> Task | None:
        """Wait until a task is due; None at the end. A slot whose task was removed meanwhile is passed over."""
        with self._changed:
            while not self._stopped:
                wait = self._order[0].due - time.time() if self._order else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
                task = self._tasks.get(heapq.heappop(self._order).name)
                if task is not None:
                    return task
            return None

    def _attempt(self, task: Task) -> None:
        status = call(task)
        task.attempts += 1
        task.answers += status != NO_ANSWER
        if status in SUCCESSES or task.attempts >= self._retries.attempts_max:
            self.remove(task.name)
            return
        with self._changed:
            task.due = time.time() + self._retries.pause_seconds(task.attempts)
            self._place(task)


def call(task: Task) -> int:
    """Make a task's call once: the status of the answer, or NO_ANSWER."""
    request = urllib.request.Request(task.url, task.body, _headers(task))  # noqa: S310 - see parse_task
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=task.deadline_seconds) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except (OSError, http.client.HTTPException):
        return NO_ANSWER


def _headers(task: Task) -> dict[str, str]:
    queue, _, short_name = task.name.rpartition("/tasks/")
    headers = {
        **task.headers,
        "User-Agent": "Google-Cloud-Tasks",
        "X-CloudTasks-QueueName": queue.rsplit("/", 1)[1],
        "X-CloudTasks-TaskName": short_name,
        "X-CloudTasks-TaskRetryCount": str(task.attempts),
        "X-CloudTasks-TaskExecutionCount": str(task.answers),
        "X-CloudTasks-TaskETA": f"{task.due:.6f}",
    }
    if task.oidc_email:
        headers["Authorization"] = f"Bearer {_identity_token(task)}"
    return headers


def _identity_token(task: Task) -> str:
    """Who calls, as the function gets to see it: Cloud Run verifies the signature and takes it away."""
    now = int(time.time())
    claims = {
        "iss": "https://accounts.google.com",
        "aud": task.oidc_audience or task.url,
        "email": task.oidc_email,
        "email_verified": True,
        "iat": now,
        "exp": now + OIDC_SECONDS,
    }
    parts = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({"alg": "RS256"}, claims)]
    return ".".join([*parts, "SIGNATURE_REMOVED_BY_GOOGLE"])
