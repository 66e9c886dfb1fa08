"""Where one run happens: servers and clients as processes that end with it, whatever becomes of it.

In the environment every process carries the mark of the local stack, so the stack's watchdog kills it at the latest, also when
this program was killed.
"""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from firemesh.errors import LocalStackError
from firemesh_cli.bench.peers import packages

HOST = "127.0.0.1"
READY_SECONDS_MAX = 120.0
POLL_SECONDS = 0.05
LINE_BYTES_MAX = 8 * 2**20
"""A listener tells all its times in one line."""


class Workplace:
    """What a run has: an emulator, a folder for data, and the environment of every process."""

    def __init__(self, root: Path, folder: Path, *, project: str, firestore_host: str, environment: Mapping[str, str]) -> None:
        self.root = root
        self.folder = folder
        self.project = project
        self.firestore_host = firestore_host
        self._environment = {**os.environ, **environment}

    def bring_python_clients(self) -> None:
        """Let client processes import what comes from PyPI. Raises LocalStackError."""
        paths = (str(packages.python_clients(self.root)), os.environ.get("PYTHONPATH", ""))
        self._environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))

    @contextlib.asynccontextmanager
    async def serving(self, name: str, command: Sequence[str], port: int, **environment: str) -> AsyncIterator[None]:
        """Run a server until the block ends; it listens on `port` when the block begins. Raises LocalStackError."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as output:
            child = await asyncio.create_subprocess_exec(
                *command,
                cwd=self.folder,
                env={**self._environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # the terminal's Ctrl-C is the driver's business
            )
        try:
            await _listening(name, child, port, log)
            yield
        finally:
            await _end(child)

    async def client(self, task: Mapping[str, Any]) -> "Client":
        """Start a client process; it has loaded what it needs and waits for `go`. Raises LocalStackError."""
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "firemesh_cli.bench.peers.client", json.dumps(task)),
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            limit=LINE_BYTES_MAX,
            start_new_session=True,
        )
        client = Client(str(task["name"]), child)
        try:
            await client.word("loaded")
        except BaseException:
            await client.kill()
            raise
        return client


class Client:
    """A measured client in a process of its own."""

    def __init__(self, name: str, child: asyncio.subprocess.Process) -> None:
        self.name = name
        self._child = child

    def go(self) -> None:
        """Let it begin, or, when it listens, end."""
        assert self._child.stdin is not None
        self._child.stdin.write(b"go\n")

    async def word(self, wanted: str, seconds: float = READY_SECONDS_MAX) -> dict[str, Any]:
        """The next thing it says, which has to be `wanted`. Raises LocalStackError when it is not, or does not come."""
        said = await self.next_word(seconds)
        if said["word"] != wanted:
            raise LocalStackError(f"{self.name} said {said['word']!r} where {wanted!r} was due")
        return said

    async def next_word(self, seconds: float | None = None) -> dict[str, Any]:
        """The next thing it says. Raises LocalStackError when it ends before, or says nothing for so long."""
        assert self._child.stdout is not None
        try:
            async with asyncio.timeout(seconds):
                line = await self._child.stdout.readline()
        except TimeoutError as error:
            raise LocalStackError(f"{self.name} said nothing for {seconds} s") from error
        if not line:
            raise LocalStackError(f"{self.name} has ended; its words are above")
        said: dict[str, Any] = json.loads(line)
        return said

    def strike(self) -> None:
        """SIGKILL, without waiting."""
        self._child.kill()

    async def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        await _end(self._child)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as each:
        each.bind((HOST, 0))
        port: int = each.getsockname()[1]
        return port


async def _listening(name: str, child: asyncio.subprocess.Process, port: int, log: Path) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + READY_SECONDS_MAX
    while loop.time() < deadline:
        if child.returncode is not None:
            break
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(HOST, port)
            writer.close()
            return
        await asyncio.sleep(POLL_SECONDS)
    raise LocalStackError(f"{name} did not start: {_last_words(log)}")


def _last_words(log: Path) -> str:
    return (log.read_text(errors="replace").strip() or "it said nothing").splitlines()[-1]


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
