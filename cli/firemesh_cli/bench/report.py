"""One JSON object out of all sections, and the verdict on a run.

At its top stands what the sections say in their headlines:

    billed                   {operation: {reads, writes, deletes}}
    game_read_equivalents    {without_liveness, with_liveness}
    failover                 {ttl_seconds, kills, p50_seconds, p99_seconds, graceful_seconds, hinted_p50_seconds}
    command_to_view_ratio    a number
    cpu_ratio                {send, deliver}
    per_agent                {threads, streams}

A key whose section was not run, failed, or could not tell on a busy machine is left out; `not_run`, `failed` and
`not_judged` say which and why. `sections` holds every table, and `seconds` how long each took.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from firemesh.errors import InvariantViolation
from firemesh_cli.bench.section import Section


@dataclass(slots=True)
class Run:
    """What a run of the benchmark has found so far: sections by name, why others failed, and how long each took."""

    found: dict[str, Section] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def missed(self) -> list[str]:
        """The rows whose goal was missed, each after the name of its section."""
        return [f"{name}: {row}" for name, section in self.found.items() for row in section.missed]

    @property
    def not_judged(self) -> list[str]:
        """The rows of which a busy machine could not tell whether they reach their goal."""
        return [f"{name}: {row}" for name, section in self.found.items() for row in section.not_judged]

    @property
    def good(self) -> bool:
        """Whether every section ran and every goal is known to be reached."""
        return not (self.failed or self.missed or self.not_judged)

    def as_json(self, all_names: Mapping[str, Any]) -> dict[str, Any]:
        """The object that this module describes. `all_names` are those of all sections there are."""
        asked = self.found.keys() | self.failed.keys()
        return {
            **combined(self.found),
            "not_run": [name for name in all_names if name not in asked],
            "failed": self.failed,
            "missed": self.missed,
            "not_judged": self.not_judged,
            "seconds": self.seconds,
            "sections": {name: section.as_json() for name, section in self.found.items()},
        }


def combined(found: Mapping[str, Section]) -> dict[str, Any]:
    """The headlines of all sections in one object; objects under the same key are put together."""
    whole: dict[str, Any] = {}
    for name, section in found.items():
        for key, value in section.headline.items():
            before = whole.get(key, {})
            apart = isinstance(before, Mapping) and isinstance(value, Mapping) and not before.keys() & value.keys()
            if key in whole and not apart:
                raise InvariantViolation(f"section {name!r} says once more what {key!r} is")
            whole[key] = {**before, **value} if isinstance(value, Mapping) else value
    return whole
