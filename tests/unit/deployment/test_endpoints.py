"""What would be deployed keeps to the limits of the house."""

from typing import Any

import pytest

from firemesh_cli.deployment.endpoints import judge_endpoints
from firemesh_cli.deployment.firebase_tools import Opinion

ENDPOINT = {"id": "api", "trigger": "httpsTrigger", "cpu": 1, "maxInstances": 10, "secrets": ["PEPPER"]}
NOTHING_REFUSED: dict[str, tuple[str, ...]] = {"parameters": (), "options": ()}


def judged(**changes: Any) -> dict[str, tuple[str, ...]]:
    opinion = Opinion({"endpoints": [{**ENDPOINT, **changes}], "parameters": []}, NOTHING_REFUSED)
    return {verdict.name: verdict.problems for verdict in judge_endpoints(opinion) if verdict.problems}


@pytest.mark.parametrize("changes", [{}, {"id": "watchdog", "trigger": "taskQueueTrigger"}])
def test_a_good_function_passes(changes: dict[str, Any]) -> None:
    assert judged(**changes) == {}


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"cpu": 0.1666}, "options"),
        ({"maxInstances": None}, "options"),
        ({"maxInstances": 1000}, "options"),
        ({"id": "lease_expiry", "trigger": "taskQueueTrigger"}, "task queues"),
    ],
)
def test_a_function_beyond_the_limits_is_refused(changes: dict[str, Any], check: str) -> None:
    assert list(judged(**changes)) == [check]


def test_a_part_that_was_not_reached_is_no_success() -> None:
    verdicts = {verdict.name: verdict.ok for verdict in judge_endpoints(Opinion({}, {"parameters": ("no value",)}))}
    assert verdicts == {"parameters": False, "options": False, "task queues": True}
