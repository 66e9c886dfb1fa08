"""How an action runs: on a loop of its own, and until Ctrl-C if it has no end of its own."""

import argparse
import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from firemesh_cli.operator import Operator, operator

Action = Callable[[Operator, argparse.Namespace], Awaitable[int]]
"""Does something as the operator, prints what came of it, and gives the exit status."""

EXAMPLES = argparse.RawDescriptionHelpFormatter
"""Shows the examples below a help text as they are written."""


def acting(action: Action) -> Callable[[argparse.Namespace], int]:
    """A handler that opens the way to the project and does the action."""

    async def act(args: argparse.Namespace) -> int:
        async with operator(args) as way:
            return await action(way, args)

    return lambda args: asyncio.run(act(args))


async def until_interrupted(work: Coroutine[Any, Any, int]) -> int:
    """Work until it ends or Ctrl-C (or SIGTERM) ends it; that is a good end, with status 0."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return 0
