"""What would be deployed, judged by rules of our own besides those of firebase-tools."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from firemesh_cli.deployment.firebase_tools import Opinion
from firemesh_cli.deployment.verdict import Verdict

INSTANCES_MAX = 20
"""The ceiling of what a flood can cost; more needs a reason."""

_QUEUE_ID = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,62}")

Endpoints = Sequence[Mapping[str, Any]]


def judge_endpoints(opinion: Opinion) -> Iterator[Verdict]:
    """Parameters, options and queues of all functions."""
    endpoints: Endpoints = opinion.found.get("endpoints", [])
    parameters = opinion.found.get("parameters", [])
    secrets = sorted({secret for each in endpoints for secret in each["secrets"]})
    seen = [f"{len(parameters)} with a value in functions/.env", f"secrets: {', '.join(secrets) or 'none'}"]
    yield Verdict("parameters", "; ".join(seen), opinion.refusals("parameters"))
    names = ", ".join(f"{each['id']} ({each['trigger'].removesuffix('Trigger')})" for each in endpoints)
    yield Verdict("options", names or "no function", (*opinion.refusals("options"), *_unwanted(endpoints)))
    queues = [each["id"] for each in endpoints if each["trigger"] == "taskQueueTrigger"]
    yield Verdict("task queues", ", ".join(queues) or "none", tuple(_misnamed(queues)))


def judge_hosting(project: Path, endpoints: Endpoints) -> Verdict:
    """Whether what the site leads to is there: its pages, and the functions behind its rewrites."""
    hosting = json.loads((project / "firebase.json").read_text()).get("hosting", {})
    rewrites = [each for each in hosting.get("rewrites", []) if "function" in each]
    return Verdict(
        "hosting", f"{len(rewrites)} paths lead to functions", tuple(_dead_ends(project, hosting, rewrites, endpoints))
    )


def _dead_ends(
    project: Path, hosting: Mapping[str, Any], rewrites: Sequence[Mapping[str, Any]], endpoints: Endpoints
) -> Iterator[str]:
    public = hosting.get("public")
    if public is not None and not (project / public).is_dir():
        yield f"the folder {public} is not there"
    deployed = {(each["id"], each["region"]) for each in endpoints}
    for each in rewrites:
        wanted = each["function"]["functionId"], each["function"]["region"]
        if wanted not in deployed:
            yield f"{each['source']} leads to {' in '.join(wanted)}, which would not be deployed"


def _unwanted(endpoints: Endpoints) -> Iterator[str]:
    for each in endpoints:
        if each["cpu"] != 1:
            # The default is a sixth of one and one call at a time, whatever `concurrency` says.
            yield f"{each['id']} has cpu={each['cpu']}; set_global_options must say cpu=1"
        if not each["maxInstances"] or each["maxInstances"] > INSTANCES_MAX:
            yield f"{each['id']} has max_instances={each['maxInstances']}; expected are 1 to {INSTANCES_MAX}"


def _misnamed(queues: Sequence[str]) -> Iterator[str]:
    for each in queues:
        if not _QUEUE_ID.fullmatch(each):
            yield f"{each} is no queue id: letters, digits and hyphens alone"
