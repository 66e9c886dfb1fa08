"""An estimate of the store's clock, for stamping entries and waiting for deadlines. Nothing about safety rests on it."""

import asyncio


class StoreClock:
    """The store's time as far as its answers have told, carried on by the local monotonic clock.

    An answer is always a little old when it arrives, so of two estimates the later one is nearer the truth.
    """

    def __init__(self) -> None:
        self._offset_ms: float | None = None

    def note(self, store_time_ns: int) -> None:
        """Learn from a time the store has just given."""
        offset = store_time_ns / 1e6 - _local_ms()
        if self._offset_ms is None or offset > self._offset_ms:
            self._offset_ms = offset

    def now_ms(self) -> int:
        """The store's clock in milliseconds since the epoch; 0 before the store has ever answered."""
        return 0 if self._offset_ms is None else int(self._offset_ms + _local_ms())


def _local_ms() -> float:
    return asyncio.get_running_loop().time() * 1000
