"""What else the machine does while something is measured.

Latencies on a busy machine say nothing, and even ratios of them lie. So every row shows the load of others: processor time
that neither this process nor any process it started has used, in cores. A row with a goal for a latency is judged only
below `FOREIGN_CORES_MAX`. Linux only: it reads /proc.
"""

import contextlib
import os
import time
from collections import defaultdict
from pathlib import Path

from firemesh.errors import LocalStackError

FOREIGN_CORES_MAX = 0.3

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")
_IDLE_COLUMNS = (3, 4)
"""Idle, and idle while waiting for a disk."""
_COUNTED_COLUMNS = 8
"""Up to the time that was stolen by other machines; what follows is counted in user time already."""
_PARENT, _USED = 1, slice(11, 15)
"""In /proc/PID/stat behind the name: the parent, and the time used by the process and by its children that have ended."""


class ForeignLoad:
    """Measures from when it is made. Raises LocalStackError where there is no /proc."""

    def __init__(self) -> None:
        self._at, self._before = time.monotonic(), _foreign_ticks()

    def cores(self) -> float:
        """How many cores others have used since then, on average. Below a second it is coarse."""
        elapsed_seconds = time.monotonic() - self._at
        used_seconds = (_foreign_ticks() - self._before) / TICKS_PER_SECOND
        return round(max(0.0, used_seconds / elapsed_seconds), 2)


def _foreign_ticks() -> int:
    return _busy_ticks() - _ticks_of_tree(os.getpid())


def _busy_ticks() -> int:
    try:
        words = (_PROC / "stat").read_text().splitlines()[0].split()
    except OSError as error:
        raise LocalStackError("the load of the machine is read from /proc, so this is measured on Linux alone") from error
    counted = [int(word) for word in words[1 : 1 + _COUNTED_COLUMNS]]
    return sum(ticks for column, ticks in enumerate(counted) if column not in _IDLE_COLUMNS)


def _ticks_of_tree(root: int) -> int:
    used: dict[int, int] = {}
    children = defaultdict(list)
    for folder in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # a process that has just ended
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            used[int(folder.name)] = sum(map(int, fields[_USED]))
            children[int(fields[_PARENT])].append(int(folder.name))
    waiting, total = [root], 0
    while waiting:
        process = waiting.pop()
        total += used.get(process, 0)
        waiting += children[process]
    return total
