"""The functions as deployment finds them: what is declared, and what loading them costs."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from firemesh.background_loop import CALL_SECONDS_MAX
from firemesh.control_plane import routes
from firemesh.control_plane.access import BY_NAME_ALONE, PERMISSIONS, AccessRole, Operation
from firemesh.control_plane.quota import QUOTAS
from firemesh.hosting.cloud_tasks import DISPATCH_DEADLINE_SECONDS
from firemesh.hosting.service import REARM_SECONDS_MAX
from firemesh_cli.stack.task_queue import RetryPolicy

ROOT = Path(__file__).resolve().parents[2]
API_PAGE = (ROOT / "docs" / "api.md").read_text()
HOSTING = {"inbox", "rearm", "watchdog"}
TASK_QUEUE_ID = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,62}")
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GCLOUD_PROJECT": "demo-firemesh",
    "FIREBASE_CONFIG": '{"projectId": "demo-firemesh"}',
}
"""No more than a deployment's discovery has: nothing of this machine may be needed to load the functions."""


def in_functions_folder(program: str) -> str:
    """What a program prints that runs where the functions are, as the only code on the path."""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT / "functions", env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def endpoints() -> dict[str, Any]:
    program = "from firebase_functions.private import serving as s; print(s.functions_as_yaml(s.get_functions()))"
    found: dict[str, Any] = yaml.safe_load(in_functions_folder(program))["endpoints"]
    return found


def test_the_functions_are_found(endpoints: dict[str, Any]) -> None:
    assert endpoints.keys() == {"api", "control", "events", *HOSTING}


def test_every_function_has_a_whole_processor_so_that_calls_run_side_by_side(endpoints: dict[str, Any]) -> None:
    assert all((each["cpu"], each["concurrency"] > 1) == (1, True) for each in endpoints.values())


def test_every_call_that_runs_side_by_side_has_a_thread(endpoints: dict[str, Any]) -> None:
    """functions-framework makes as many threads as the environment says, four per processor otherwise."""
    threads = re.search(r"^THREADS=(\d+)$", (ROOT / "functions" / ".env").read_text(), re.MULTILINE)
    assert threads is not None
    assert {int(threads[1])} == {each["concurrency"] for each in endpoints.values()}


def test_every_function_has_a_ceiling_and_the_secret_only_where_keys_are_read(endpoints: dict[str, Any]) -> None:
    for name, each in endpoints.items():
        assert 1 <= each["maxInstances"] <= 20
        secrets = [secret["key"] for secret in each["secretEnvironmentVariables"]]
        assert secrets == ([] if name in HOSTING else ["API_KEY_PEPPER"])


def test_hosting_gives_in_before_its_caller_and_tries_again(endpoints: dict[str, Any]) -> None:
    assert all(CALL_SECONDS_MAX < endpoints[name]["timeoutSeconds"] for name in HOSTING)
    assert REARM_SECONDS_MAX < endpoints["rearm"]["timeoutSeconds"] < 600, "the next one comes after 10 minutes"
    assert endpoints["watchdog"]["timeoutSeconds"] == DISPATCH_DEADLINE_SECONDS
    assert endpoints["inbox"]["eventTrigger"]["retry"] is True


def test_a_wake_is_tried_again_until_the_scheduler_looks_itself_so_that_an_outage_of_the_store_stops_no_game(
    endpoints: dict[str, Any],
) -> None:
    retry = endpoints["watchdog"]["taskQueueTrigger"]["retryConfig"]
    longest, shortest = retry["maxBackoffSeconds"], retry["minBackoffSeconds"]
    pauses = [min(longest, shortest * 2 ** min(n, retry["maxDoublings"])) for n in range(retry["maxAttempts"] - 1)]
    assert sum(pauses) > 600, "rearm comes every 10 minutes"
    assert max(pauses) <= 10, "so long a game waits at the most when the store is back"
    local = RetryPolicy()
    assert (local.attempts_max, local.backoff_seconds_min, local.backoff_seconds_max) == (len(pauses) + 1, shortest, longest)


def test_hosting_leads_each_path_to_the_function_that_serves_it(endpoints: dict[str, Any]) -> None:
    rewrites = json.loads((ROOT / "firebase.json").read_text())["hosting"]["rewrites"]
    assert {each["function"]["functionId"] for each in rewrites} <= endpoints.keys()
    for route in routes.declared():
        path = "/api/v1" + re.sub(r"<[a-z_]+>", "x", route.path)
        served = [each["function"]["functionId"] for each in rewrites if matches(each["source"], path)]
        assert served[0] == ("events" if route.is_stream else "api"), path


def matches(pattern: str, path: str) -> bool:
    """Whether a pattern of hosting means a path: `*` is one segment, `**` any number."""
    expression = re.escape(pattern).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
    return re.fullmatch(expression, path) is not None


def test_names_may_be_task_queues(endpoints: dict[str, Any]) -> None:
    assert all(TASK_QUEUE_ID.fullmatch(name) for name in endpoints)


def test_loading_the_functions_opens_nothing_and_loads_neither_store_nor_mesh() -> None:
    slow = ("grpc", "google.cloud.firestore_v1", "firemesh", "pydantic", "google.cloud.tasks_v2")
    program = (
        "import json, sys, threading, main; "
        f"print(json.dumps([[n for n in {slow!r} if n in sys.modules], threading.active_count()]))"
    )
    assert json.loads(in_functions_folder(program)) == [[], 1]


def test_the_page_lists_every_route_its_operation_and_no_other() -> None:
    shown = re.findall(r"^\| `([A-Z]+ /[^`]*)` \| `([a-z_]+)` \|", API_PAGE, re.MULTILINE)
    bound = [(f"{route.method} {route.template.replace('_id}', '}')}", route.operation.value) for route in routes.declared()]
    assert sorted(shown) == sorted(bound)


def test_the_page_shows_the_permission_table_as_it_is() -> None:
    table = API_PAGE.partition("| operation | admin ")[2].partition("\n\n")[0].splitlines()
    roles = ["admin", *table[0].replace("|", " ").split()]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]
    shown = {row[0].strip("`"): dict(zip(roles, row[1:], strict=True)) for row in rows}
    word = {each: "by name" if each in BY_NAME_ALONE else "yes" for each in Operation}
    assert shown == {
        each.value: {role.value: word[each] if each in PERMISSIONS[role] else "" for role in AccessRole} for each in Operation
    }


def test_the_page_tells_the_quotas_as_they_are() -> None:
    (row,) = (line for line in API_PAGE.splitlines() if line.startswith("| one key, all instances"))
    told = {name: (int(hourly), int(burst)) for name, hourly, burst in re.findall(r"`(\w+)` (\d+) an hour, (\d+) at", row)}
    assert told == {operation.value: (rate.per_hour, rate.burst) for operation, rate in QUOTAS.items()}
