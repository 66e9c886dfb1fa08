"""How often one caller may ask: the generic cell rate algorithm, one number per caller.

In memory, so per instance of a function: with n instances a caller has n times the rate. It is the cheap first line,
which needs no store; the number of instances is the ceiling behind it.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable

from firemesh.errors import InvalidParameters, RateLimited

CALLERS_MAX = 10_000
ROUNDING_SECONDS = 1e-6


class RateLimiter:
    """Lets each caller through `per_second` times a second on average, and up to `burst` times at once."""

    def __init__(self, now_seconds: Callable[[], float], *, per_second: float = 10.0, burst: int = 30) -> None:
        """`now_seconds` never goes back. Raises InvalidParameters for a rate or burst that lets nobody through."""
        if per_second <= 0 or burst < 1:
            raise InvalidParameters(f"per_second={per_second} must be above 0 and burst={burst} at least 1")
        self._now_seconds = now_seconds
        self._interval = 1 / per_second
        self._tolerance = (burst - 1) * self._interval
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, caller: str) -> None:
        """Count one call. Raises RateLimited with the time to wait; a refused call costs nothing."""
        with self._lock:
            now = self._now_seconds()
            due = max(self._full_at.pop(caller, now), now)
            if due - now > self._tolerance + ROUNDING_SECONDS:
                self._full_at[caller] = due
                raise RateLimited("too many calls with this key", due - now - self._tolerance)
            self._full_at[caller] = due + self._interval
            if len(self._full_at) > CALLERS_MAX:
                self._full_at.popitem(last=False)
