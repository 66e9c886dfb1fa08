"""The verdicts as people and programs read them."""

from collections.abc import Sequence
from typing import Any

from firemesh_cli.deployment.verdict import Verdict

NAME_WIDTH = 15
DETAIL_INDENT = 8 + NAME_WIDTH + 1


def lines_of(verdict: Verdict) -> list[str]:
    """One row of the table, and below it what stands in the way."""
    row = f"{'ok' if verdict.ok else 'FAILED':<8}{verdict.name:<{NAME_WIDTH}} {verdict.seen}"
    return [row, *(" " * DETAIL_INDENT + problem for problem in verdict.problems)]


def conclusion(verdicts: Sequence[Verdict]) -> str:
    """The last line."""
    failed = sum(not each.ok for each in verdicts)
    return f"{failed} of {len(verdicts)} stand in the way" if failed else f"nothing stands in the way ({len(verdicts)} checks)"


def as_json(verdicts: Sequence[Verdict], seconds: float) -> dict[str, Any]:
    """Everything as one JSON object."""
    rows = [{"check": each.name, "ok": each.ok, "seen": each.seen, "problems": list(each.problems)} for each in verdicts]
    return {"ok": all(each.ok for each in verdicts), "seconds": round(seconds, 1), "checks": rows}
