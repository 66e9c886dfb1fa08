"""The players of a demo that are pages in a real browser, driven by demo/pages.mjs."""

import asyncio
import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from firemesh.errors import LocalStackError
from firemesh.game.mafia.program_seats import PLAYER_NAMES
from firemesh.runtime.admission import client_process
from firemesh.store import paths
from firemesh_cli.demo.door import Door
from firemesh_cli.demo.options import DemoOptions
from firemesh_cli.stack.checks import CHROMIUM_MEND
from firemesh_cli.stack.locate import find_chromium, find_node, project_root

DRIVER = Path(__file__).with_name("pages.mjs")
READY_SECONDS_MAX = 180.0
STOP_SECONDS_MAX = 60.0


def require_chromium() -> Path:
    """The browser of this machine. Raises LocalStackError when there is none."""
    found = find_chromium()
    if found is None:
        raise LocalStackError(f"--serverless: four players are pages in a browser, and there is none here: {CHROMIUM_MEND}")
    return found


class Pages:
    """One browser with a page for each of the last seats; nothing where the options want none.

    What the pages know to be in the inbox is in a journal.
    """

    def __init__(self, door: Door, environment: Mapping[str, str], log_folder: Path, options: DemoOptions):
        first = options.seats - options.pages
        self.agents = tuple(f"p{number + 1:02d}" for number in range(first, options.seats))
        self._names = PLAYER_NAMES[first : options.seats]
        self._door = door
        self._environment = environment
        self._log = log_folder / "pages.log"
        self._journal = log_folder / "pages.sent"
        self._child: asyncio.subprocess.Process | None = None
        self._stopping = False

    @property
    def pid(self) -> int:
        """The process that drives them; 0 before the start."""
        return self._child.pid if self._child is not None else 0

    def processes(self) -> list[tuple[str, str]]:
        """The name under which each page shows signs of life, and its agent."""
        return [(client_process(agent), agent) for agent in self.agents]

    async def start(self) -> None:
        """Open them and return when all sit at the table.

        Raises:
            LocalStackError: there is no browser, or it or a page does not get ready; the message names the log.
        """
        if not self.agents:
            return
        node, root = find_node(), project_root()
        if node is None:
            raise LocalStackError("Node is missing; `make doctor` says how to mend it")
        self._journal.touch()
        asked = {"chromium": str(require_chromium()), "journal": str(self._journal), "seats": await self._seats()}
        with self._log.open("ab") as output:
            self._child = await asyncio.create_subprocess_exec(
                *(str(node.path), str(DRIVER)),
                cwd=root,
                env={**os.environ, **self._environment},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=output,
                start_new_session=True,
            )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps(asked).encode() + b"\n")  # keys are no arguments: everybody sees those
        try:
            async with asyncio.timeout(READY_SECONDS_MAX):
                line = await self._child.stdout.readline()
        except TimeoutError as error:
            raise LocalStackError(f"the pages do not sit after {READY_SECONDS_MAX:.0f} s; see {self._log}") from error
        if line != b"ready\n":
            raise LocalStackError(f"the browser with the pages ended at its start; see {self._log}")

    def require_alive(self) -> None:
        """Raise LocalStackError when the browser ended by itself."""
        if self._child is not None and self._child.returncode is not None and not self._stopping:
            raise LocalStackError(f"the browser with the pages ended by itself; see {self._log}")

    def journalled(self) -> frozenset[str]:
        """The id of every request that a page knew to be in the inbox, by its own record of run and numbers."""
        if not self._journal.is_file():
            return frozenset()
        rows = [json.loads(line) for line in self._journal.read_text(encoding="utf-8").split("\n")[:-1]]
        return frozenset(paths.request_id(row["agent_id"], row["inc"], row["seq"]) for row in rows)

    async def stop(self) -> None:
        """Have them write down what is still to be written, and end the browser."""
        self._stopping = True
        child = self._child
        if child is None or child.returncode is not None:
            return
        assert child.stdin is not None
        child.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS_MAX):
                await child.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()

    async def _seats(self) -> list[dict[str, Any]]:
        return [
            {"mesh": self._door.mesh_id, "agent": agent, "name": name, "link": await self._door.seat_link(agent)}
            for agent, name in zip(self.agents, self._names, strict=True)
        ]
