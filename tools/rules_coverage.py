"""Say which expressions of firestore.rules the tests have seen evaluated, and seen both true and false.

Runs tests/rules and prints what is missing; the last line is one JSON object: {"expressions": n, "unevaluated": n,
"one_sided": n}. Exit status 1 when a test fails, when an expression was never evaluated, or when a condition was only ever
true or only ever false without a reason below. An error during evaluation counts as neither.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

ONE_SIDED_FOR_A_REASON = {"false": "the literal that denies everything else"}
"""Conditions that can take one value alone, and why."""


@dataclass(frozen=True)
class Expression:
    """One expression of the rules: whether it was evaluated at all, and what it was if it is a condition."""

    line: int
    text: str
    evaluated: bool
    truths: frozenset[bool]

    @property
    def one_sided(self) -> bool:
        """A condition that has had one of its two values alone."""
        return len(self.truths) == 1 and self.text not in ONE_SIDED_FOR_A_REASON


def expressions(report: Mapping[str, Any], rules: str) -> Iterator[Expression]:
    """Every expression of one node of the emulator's report. Offsets count bytes; the end is included."""
    position = report["sourcePosition"]
    source = rules.encode()[position["currentOffset"] : position["endOffset"] + 1].decode()
    values = [each["value"] for each in report.get("values", []) if each["value"]]
    truths = frozenset(value["boolValue"] for value in values if "boolValue" in value)
    yield Expression(position["line"], " ".join(source.split()), bool(values), truths)
    for child in report.get("children", []):
        yield from expressions(child, rules)


def main() -> int:
    """Run the tests and judge what the emulator counted."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "coverage.json"
        command = [sys.executable, "-m", "pytest", "-q", "tests/rules"]
        status = subprocess.run(command, cwd=ROOT, env={**os.environ, "RULES_COVERAGE": str(kept)}, check=False).returncode
        if status:
            return status
        coverage = json.loads(kept.read_text())
    rules = (ROOT / "firestore.rules").read_text()
    found = [each for report in coverage["report"] for each in expressions(report, rules)]
    unevaluated = [each for each in found if not each.evaluated]
    one_sided = [each for each in found if each.one_sided]
    for what, rows in (("never evaluated", unevaluated), ("only one way", one_sided)):
        for each in rows:
            print(f"firestore.rules:{each.line}: {what}: {each.text[:100]}")
    print(json.dumps({"expressions": len(found), "unevaluated": len(unevaluated), "one_sided": len(one_sided)}))
    return 1 if unevaluated or one_sided or not found else 0


if __name__ == "__main__":
    sys.exit(main())
