"""firebase-tools' own opinion, asked without the network: what it would upload and what it would refuse."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firemesh.errors import LocalStackError
from firemesh_cli.stack import locate
from firemesh_cli.stack.checks import NODE_MEND, SETUP_MEND

SCRIPT = Path(__file__).with_name("firebase_tools.cjs")
ANSWER_SECONDS_MAX = 300


@dataclass(frozen=True, slots=True)
class Opinion:
    """What firebase-tools found, and what it refuses, by the part of the project that it concerns."""

    found: Mapping[str, Any]
    problems: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def refusals(self, part: str) -> tuple[str, ...]:
        """What it refuses of one part; a part that it did not come to is no success."""
        return self.problems.get(part, ("not reached: see the checks above",))


def pack(tools_root: Path, project: Path, folder: Path) -> Opinion:
    """Judge firebase.json and the indexes, and write into a folder what would be uploaded (`found["archive"]`)."""
    return _ask(tools_root, "pack", str(project), TMPDIR=str(folder))


def judge(tools_root: Path, project: Path, manifest: Path, project_id: str) -> Opinion:
    """Turn the functions' manifest into what would be deployed (`found["endpoints"]`), with the project's parameters."""
    return _ask(tools_root, "judge", str(project), str(manifest), project_id)


def node() -> Path:
    """The Node of this machine. Raises LocalStackError."""
    found = locate.find_node()
    if found is None:
        raise LocalStackError(f"Node is missing: {NODE_MEND}")
    return found.path


def _ask(tools_root: Path, *arguments: str, **environment: str) -> Opinion:
    """Run the script with the firebase-tools installed at `tools_root`. Raises LocalStackError."""
    package = tools_root / "node_modules" / "firebase-tools"
    if not package.is_dir():
        raise LocalStackError(f"firebase-tools is missing: {SETUP_MEND}")
    command = [str(node()), str(SCRIPT), str(package), *arguments]
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=ANSWER_SECONDS_MAX,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        raise LocalStackError(f"firebase-tools could not judge {arguments[1]}: {done.stderr.strip()[-500:]}")
    answer = json.loads(lines[-1])
    problems = {name: tuple(rows) for name, rows in answer.pop("problems").items()}
    return Opinion(answer, problems)
