"""The processes that a benchmark starts beside its own. None outlives it: each is killed with the emulators at the latest."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from firemesh.errors import LocalStackError

if TYPE_CHECKING:
    from firemesh_cli.stack.supervisor import LocalStack

READY_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 15.0


@dataclass(frozen=True, slots=True)
class Child:
    """A process that works, and what it said after `ready`."""

    process: asyncio.subprocess.Process
    said: str


@contextlib.asynccontextmanager
async def child(stack: "LocalStack", name: str, *arguments: str) -> AsyncIterator[Child]:
    """A Python process with these arguments that has said `ready`; ended at the end. Its errors go to the stack's logs.

    Raises LocalStackError when it ends first, or says nothing for a minute; the message names its log.
    """
    log = stack.log_folder / f"{name}.log"
    with log.open("ab") as errors:
        started = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *arguments),
            env={**os.environ, **stack.owned_environment()},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # the terminal's Ctrl-C is ours to pass on
        )
    try:
        yield Child(started, await _ready(started, name, log))
    finally:
        await _end(started)


async def _ready(started: asyncio.subprocess.Process, name: str, log: Path) -> str:
    assert started.stdout is not None
    try:
        async with asyncio.timeout(READY_SECONDS_MAX):
            line = await started.stdout.readline()
    except TimeoutError as error:
        raise LocalStackError(f"process {name} is not ready after {READY_SECONDS_MAX:.0f} s; see {log}") from error
    if not line.startswith(b"ready"):
        raise LocalStackError(f"process {name} ended at its start; see {log}")
    return line.decode().removeprefix("ready").strip()


async def _end(started: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        started.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS_MAX):
            await started.wait()
    except TimeoutError:
        started.kill()
        await started.wait()
