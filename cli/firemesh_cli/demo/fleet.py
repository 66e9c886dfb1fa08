"""The processes of the demo: three with a manager each or none, three with the players. Struck and ended by their pid."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from firemesh.core.messages import Command
from firemesh.errors import LocalStackError
from firemesh_cli.demo.options import WORKER_PROCESSES, DemoOptions

READY_SECONDS_MAX = 180.0
STOP_SECONDS_MAX = 60.0
HEARTBEAT_MS = 1000


@dataclass(slots=True)
class Member:
    """One process: its name in the mesh, the agents it runs, and what has been done to it."""

    name: str
    agents: tuple[str, ...]
    is_manager: bool
    child: asyncio.subprocess.Process
    journal: Path
    state: str = "running"


class Fleet:
    """Starts `firemesh agent run` processes and knows them. Their output goes to the stack's log folder."""

    def __init__(self, mesh_id: str, host: str, environment: Mapping[str, str], log_folder: Path, options: DemoOptions):
        self.members: list[Member] = []
        self.mesh_id = mesh_id
        self._host = host
        self._environment = {**os.environ, **environment}
        self._log_folder = log_folder
        self._options = options

    async def start(self) -> None:
        """Start all processes and return when every agent has joined.

        Raises:
            LocalStackError: a process ended, or was not ready within a minute; the message names its log.
        """
        for number in range(1, self._options.manager_processes + 1):
            self.members.append(await self._start_one(f"managers-{number}", (f"m{number}",), is_manager=True))
        for name, first, agents in _tables(self._options.seats - self._options.pages):
            player_options = ["--seat", str(first), "--pace", str(self._options.pace), "--seed", str(self._options.seed)]
            self.members.append(await self._start_one(name, agents, is_manager=False, more=player_options))
        await asyncio.gather(*(self._await_ready(member) for member in self.members))

    def by_agent(self, agent_id: str) -> Member:
        """The process that runs an agent."""
        return next(member for member in self.members if agent_id in member.agents)

    @property
    def worker_processes(self) -> int:
        """How many processes with players were started."""
        return sum(not member.is_manager for member in self.members)

    def plays(self, agent_id: str) -> bool:
        """Whether a scripted player here has this seat."""
        return any(agent_id in member.agents for member in self.members if not member.is_manager)

    def give_up(self, agent_id: str) -> None:
        """The agent's run ends by an order of the mesh; a process ends by itself with the last of its agents."""
        member = self.by_agent(agent_id)
        member.agents = tuple(agent for agent in member.agents if agent != agent_id)
        if not member.agents:
            member.state = "left"

    def kill(self, member: Member) -> None:
        """SIGKILL."""
        member.state = "killed"
        os.kill(member.child.pid, signal.SIGKILL)

    async def start_again(self, member: Member) -> Member:
        """Start the process of a manager that was killed anew, and return when it has joined. Raises what `start` raises."""
        await member.child.wait()
        anew = await self._start_one(member.name, member.agents, is_manager=True)
        self.members[self.members.index(member)] = anew
        await self._await_ready(anew)
        return anew

    def pause(self, member: Member) -> None:
        """SIGSTOP."""
        member.state = "paused"
        os.kill(member.child.pid, signal.SIGSTOP)

    def wake(self, member: Member) -> None:
        """SIGCONT."""
        member.state = "running"
        os.kill(member.child.pid, signal.SIGCONT)

    def require_alive(self) -> None:
        """Raise LocalStackError when a process ended that nobody struck."""
        for member in self.members:
            if member.state == "running" and member.child.returncode is not None:
                raise LocalStackError(f"process {member.name} ended by itself; see {self._log(member.name)}")

    def journalled(self) -> list[Command]:
        """Every command that an agent knew to be in the inbox. The last line may be half-written, and then is none."""
        journals = (member.journal.read_text(encoding="utf-8") for member in self.members)
        return [Command.model_validate_json(line) for journal in journals for line in journal.split("\n")[:-1]]

    async def stop(self) -> None:
        """End all: politely first, by SIGKILL what does not listen."""
        for member in self.members:
            if member.child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(member.child.pid, signal.SIGCONT)
                    member.child.terminate()
        await asyncio.gather(*(self._reap(member) for member in self.members))

    async def _start_one(self, name: str, agents: tuple[str, ...], *, is_manager: bool, more: Sequence[str] = ()) -> Member:
        journal = self._log_folder / f"{name}.sent"
        journal.touch()
        command = [
            *(sys.executable, "-m", "firemesh_cli", "agent", "run"),
            *("--mesh", self.mesh_id, "--host", self._host, "--process", name, "--agents", ",".join(agents)),
            *("--type", "manager" if is_manager else "worker", "--heartbeat-ms", str(HEARTBEAT_MS)),
            *("--journal", str(journal), "--state-folder", str(self._log_folder / "state"), *more),
        ]
        with self._log(name).open("ab") as output:
            child = await asyncio.create_subprocess_exec(
                *command,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=output,
                start_new_session=True,  # the terminal's Ctrl-C is ours to pass on
            )
        return Member(name, agents, is_manager, child, journal)

    async def _await_ready(self, member: Member) -> None:
        assert member.child.stdout is not None
        try:
            async with asyncio.timeout(READY_SECONDS_MAX):
                line = await member.child.stdout.readline()
        except TimeoutError as error:
            raise LocalStackError(f"process {member.name} is not ready; see {self._log(member.name)}") from error
        if not line.startswith(b"ready"):
            raise LocalStackError(f"process {member.name} ended at its start; see {self._log(member.name)}")

    async def _reap(self, member: Member) -> None:
        try:
            async with asyncio.timeout(STOP_SECONDS_MAX):
                await member.child.wait()
        except TimeoutError:
            member.child.kill()
            await member.child.wait()

    def _log(self, name: str) -> Path:
        return self._log_folder / f"{name}.log"


def _tables(seats: int) -> list[tuple[str, int, tuple[str, ...]]]:
    """The players spread evenly over the worker processes: (process, number of its first player, agent ids). None is empty."""
    tables = []
    first = 0
    for number in range(1, WORKER_PROCESSES + 1):
        last = seats * number // WORKER_PROCESSES
        if first < last:
            tables.append((f"workers-{number}", first, tuple(f"p{seat + 1:02d}" for seat in range(first, last))))
        first = last
    return tables
