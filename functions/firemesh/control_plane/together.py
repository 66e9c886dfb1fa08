"""Calls that change the same document at the same moment, dealt with together.

A document is replaced on the precondition that nobody has replaced it meanwhile: of many who try at once one gets through, and
all others begin anew. A table that sits down at one moment would wear itself out that way. So who comes while another is
under way waits, and goes next, with all who wait, in one commit. What is left are the other instances of a function.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

Work = Callable[[str, Sequence[Item]], Awaitable[Sequence[Outcome]]]
"""Deals with all items about one document; the outcome of each, in their order."""


class Together(Generic[Item, Outcome]):
    """Gathers what is asked about one document while work on it is under way. For one event loop."""

    def __init__(self, work: Work[Item, Outcome], *, at_once_max: int) -> None:
        self._work = work
        self._at_once_max = at_once_max
        self._waiting: dict[str, list[tuple[Item, asyncio.Future[Outcome]]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def do(self, path: str, item: Item) -> Outcome:
        """Have an item dealt with. What is not begun when its caller gives up is left out. Raises what the work raises."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        if path in self._waiting:
            self._waiting[path].append((item, future))
        else:
            self._waiting[path] = [(item, future)]
            task = asyncio.create_task(self._go_on(path))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _go_on(self, path: str) -> None:
        """Until nobody waits."""
        while waiting := [each for each in self._waiting[path] if not each[1].done()]:
            now, self._waiting[path] = waiting[: self._at_once_max], waiting[self._at_once_max :]
            try:
                outcomes = await self._work(path, [item for item, _ in now])
            except Exception as error:  # whatever it is, each caller hears of it
                for _, future in now:
                    _settle(future, error)
            else:
                for (_, future), outcome in zip(now, outcomes, strict=True):
                    _settle(future, outcome)
        del self._waiting[path]


def _settle(future: "asyncio.Future[Outcome]", outcome: Outcome | Exception) -> None:
    if future.done():
        return  # its caller has given up
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
