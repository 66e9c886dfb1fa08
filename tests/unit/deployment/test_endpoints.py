"""What would be deployed keeps to the limits of the house."""

import json
from pathlib import Path
from typing import Any

import pytest

from firemesh_cli.deployment.endpoints import judge_endpoints, judge_hosting
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


@pytest.mark.parametrize(
    ("public", "function", "region", "said"),
    [
        ("site", "api", "us-central1", ""),
        ("gone", "api", "us-central1", "the folder gone"),
        ("site", "apy", "us-central1", "/api/** leads to apy in us-central1"),
        ("site", "api", "europe-west1", "/api/** leads to api in europe-west1"),
    ],
)
def test_a_site_leads_to_what_would_be_deployed(tmp_path: Path, public: str, function: str, region: str, said: str) -> None:
    (tmp_path / "site").mkdir()
    rewrite = {"source": "/api/**", "function": {"functionId": function, "region": region}}
    (tmp_path / "firebase.json").write_text(json.dumps({"hosting": {"public": public, "rewrites": [rewrite]}}))
    problems = judge_hosting(tmp_path, [{**ENDPOINT, "region": "us-central1"}]).problems
    assert [problem[: len(said)] for problem in problems] == ([said] if said else [])
