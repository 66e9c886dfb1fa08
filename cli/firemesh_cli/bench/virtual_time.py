"""An asyncio loop whose clock jumps: hours pass in milliseconds, and every run is the same.

Nothing ever sleeps. When no callback is ready the clock jumps to the next timer. Threads, sockets and subprocesses have no
place here: when there is neither a callback nor a timer, the program waits for something that cannot come.

Callbacks belong to the `Process` in whose context they were made, and a process can be stopped and continued as by SIGSTOP
and SIGCONT: what becomes due meanwhile is held back, then run in order.
"""

import asyncio
import contextvars
import selectors
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

_current: contextvars.ContextVar["Process | None"] = contextvars.ContextVar("process", default=None)

START_SECONDS = 1_000_000.0


class NothingLeftToWaitFor(RuntimeError):
    """All tasks wait for each other, or for something outside the loop."""


class Process:
    """What is stopped and continued as one. `run` makes a task of it; so are all tasks and timers made from there."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stopped = False
        self._held: list[tuple[asyncio.Handle, Callable[..., object], tuple[Any, ...], contextvars.Context]] = []

    def run(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start work in this process."""
        context = contextvars.copy_context()
        context.run(_current.set, self)
        return asyncio.get_running_loop().create_task(work, name=self.name, context=context)

    def stop(self) -> None:
        """Hold back everything this process would do."""
        self.stopped = True

    def go_on(self) -> None:
        """Do what was held back, and go on."""
        self.stopped = False
        loop = asyncio.get_running_loop()
        held, self._held = self._held, []
        for handle, callback, args, context in held:
            loop.call_soon(_unless_cancelled, handle, callback, args, context=context)

    def hold(
        self,
        handle: asyncio.Handle,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: contextvars.Context,
    ) -> None:
        """Keep a callback for later."""
        self._held.append((handle, callback, args, context))


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """See the module."""

    def __init__(self) -> None:
        self._now = START_SECONDS
        super().__init__(_JumpingSelector(self._jump))
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """See asyncio: seconds of virtual time."""
        return self._now

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """See asyncio."""
        context = contextvars.copy_context() if context is None else context  # an empty one is false
        cell: list[asyncio.Handle] = []
        handle = super().call_soon(_unless_stopped, cell, callback, args, context, context=context)
        cell.append(handle)
        return handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        """See asyncio."""
        context = contextvars.copy_context() if context is None else context  # an empty one is false
        cell: list[asyncio.Handle] = []
        handle = super().call_at(when, _unless_stopped, cell, callback, args, context, context=context)
        cell.append(handle)
        return handle

    def _jump(self, seconds: float | None) -> None:
        if seconds is None:
            raise NothingLeftToWaitFor("no callback is ready and no timer is set")
        self._now += seconds


class _JumpingSelector(selectors.BaseSelector):
    """A selector that never waits: no file ever becomes ready, and the time it should have waited is told."""

    def __init__(self, jump: Callable[[float | None], None]) -> None:
        self._jump = jump
        self._keys: dict[int, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = selectors.SelectorKey(fileobj, _descriptor(fileobj), events, data)
        self._keys[key.fd] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(_descriptor(fileobj))

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            self._jump(timeout)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return {key.fileobj: key for key in self._keys.values()}


def _descriptor(fileobj: Any) -> int:
    return fileobj if isinstance(fileobj, int) else fileobj.fileno()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end on a loop of virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)


def _unless_stopped(
    cell: list[asyncio.Handle], callback: Callable[..., object], args: tuple[Any, ...], context: contextvars.Context
) -> None:
    process = _current.get()
    if process is not None and process.stopped:
        process.hold(cell[0], callback, args, context)
    else:
        callback(*args)


def _unless_cancelled(handle: asyncio.Handle, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
    """Run what was held back, unless it was cancelled between."""
    if not handle.cancelled():
        callback(*args)
