"""Who believed when to lead, by what the managers themselves wrote into their logs."""

import re
from collections.abc import Iterable
from datetime import datetime

_LINE = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) manager (\S+) is (leader|candidate|follower)$", re.MULTILINE)
_FORMAT = "%Y-%m-%d %H:%M:%S,%f"

Belief = tuple[float, str, bool]
"""A time of the machine's clock in seconds, a manager, and whether it believes from then on that it leads."""


def beliefs(log: str) -> list[Belief]:
    """Every change of role in the log of a process. The log's clock has milliseconds."""
    found = _LINE.findall(log)
    return [(datetime.strptime(when, _FORMAT).timestamp(), manager, role == "leader") for when, manager, role in found]


def moments_with_two_leaders(changes: Iterable[Belief]) -> int:
    """How often somebody came to believe that it leads while another did. At equal times, who stops does so first."""
    leading: set[str] = set()
    moments = 0
    for _, manager, leads in sorted(changes, key=lambda change: (change[0], change[2])):
        if leads:
            moments += bool(leading - {manager})
            leading.add(manager)
        else:
            leading.discard(manager)
    return moments
