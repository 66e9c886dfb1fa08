"""Whether the security rules compile, by the only compiler that runs offline: the Firestore emulator."""

import json
import urllib.error
import urllib.request
from pathlib import Path

from firemesh_cli.deployment.verdict import Verdict

PROJECT = "demo-firemesh-compile"
"""A project of its own: another's rules in the same emulator stay as they are."""

ANSWER_SECONDS_MAX = 30
RULES_BYTES_MAX = 256_000
"""Firestore takes no larger rules."""


def compile_rules(rules: Path, firestore_host: str) -> Verdict:
    """Let the emulator at `firestore_host` compile the rules."""
    content = rules.read_text()
    body = {"rules": {"files": [{"name": rules.name, "content": content}]}}
    url = f"http://{firestore_host}/emulator/v1/projects/{PROJECT}:securityRules"
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="PUT")
    size = len(content.encode())
    problems = [f"{size} bytes; Firestore takes {RULES_BYTES_MAX}"] if size > RULES_BYTES_MAX else []
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS_MAX) as answer:  # noqa: S310
            issues = json.load(answer).get("issues", [])
    except urllib.error.HTTPError as error:
        with error:
            problems.append(_told(error.read().decode(errors="replace")))
        issues = []
    problems.extend(f"{rules.name}:{issue['sourcePosition']['line']}: {issue['description']}" for issue in issues)
    return Verdict("security rules", f"{size // 1000} kB", tuple(problems))


def _told(answer: str) -> str:
    """The compiler's words in an error of the emulator's, in one line."""
    try:
        answer = json.loads(answer)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        pass
    return " ".join(answer.split())[:400]
