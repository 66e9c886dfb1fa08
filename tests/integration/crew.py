"""A mesh on the emulator for one test: processes of its own or in this one, watched and checked from outside."""

import asyncio
import os
import secrets
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process, create_subprocess_exec
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

from firemesh.core.health import HealthPolicy
from firemesh.core.invariants import Checker
from firemesh.core.messages import Command
from firemesh.core.params import TEST, Params
from firemesh.game.registry import machine_named
from firemesh.runtime.admission import client_process
from firemesh.runtime.mesh import Mesh
from firemesh.runtime.process import AgentProcess
from firemesh.runtime.pulse import HeartbeatPolicy
from firemesh.runtime.worker_agent import WorkerAgent
from firemesh.store.firestore import FirestoreStore
from firemesh.store.mesh_store import Hosting, MeshStore
from firemesh_cli.demo import evidence
from firemesh_cli.demo.observer import Observer

PROJECT = "demo-mesh"
PATIENCE_SECONDS = 240.0
"""For anything that is waited for: a busy machine is slow, a broken mesh would take for ever."""
STEADY = Params(ttl_ms=120_000, renew_ms=20_000, grace_ms=200, rpc_timeout_ms=15_000, retry_ms=100, poll_ms=60)
"""Nobody loses the lead because a process, an answer or the machine stands still for some seconds."""
BEAT = HeartbeatPolicy(active_ms=500, idle_ms=2000)
"""Of those whose death is waited for: a silence of two seconds is one."""
QUICK = HealthPolicy(outage_grace_ms=3000)
STEADY_BEAT = HeartbeatPolicy.every(5000)
"""Of those who shall live: nobody is dead before fifteen seconds."""


class Member:
    """A `firemesh agent run` in a process of its own; its output is kept for a failure's sake."""

    def __init__(self, name: str, child: Process) -> None:
        self.name = name
        self.child = child
        self.lines: list[str] = []
        self._reading = asyncio.create_task(self._read())
        self._ready = asyncio.Event()

    async def _read(self) -> None:
        assert self.child.stdout is not None
        async for line in self.child.stdout:
            self.lines.append(line.decode().rstrip())
            if self.lines[-1].startswith("ready:"):
                self._ready.set()
        self._ready.set()

    async def ready(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Return when all its agents have joined."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ready.wait()
        assert any(line.startswith("ready:") for line in self.lines), self.text

    async def ended(self) -> int:
        """Its exit status."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._reading
            return await self.child.wait()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def send(self, number: signal.Signals) -> None:
        self.child.send_signal(number)

    async def stop(self) -> None:
        """Stop it as by SIGSTOP, and return when it stands still."""
        self.child.send_signal(signal.SIGSTOP)
        await asyncio.to_thread(os.waitid, os.P_PID, self.child.pid, os.WSTOPPED | os.WNOWAIT)

    async def kill(self) -> None:
        if self.child.returncode is None:
            self.child.kill()
        await self.ended()


class Crew:
    """The mesh of one test."""

    def __init__(self, host: str, machine: str, setup: Mapping[str, Any], folder: Path, project: str) -> None:
        self.mesh_id = f"t{secrets.token_hex(6)}"
        self.host = host
        self.project = project
        self.setup = setup
        self.machine = machine_named(machine)
        self.folder = folder
        self.neighbours: Path | None = None
        """Where its managers hear of each other's end; a short path."""
        self.store = FirestoreStore(self.project, host=host, client_name="observer")
        self.mesh = Mesh(self.store, self.mesh_id)
        self.documents = MeshStore(self.store, self.mesh_id, rpc_timeout_seconds=PATIENCE_SECONDS)
        self.checker: Checker[Any] = Checker(self.machine, setup)
        self.observer = Observer(self.documents, self.checker)
        self.sent: list[Command] = []
        self.members: dict[str, Member] = {}
        self.local: list[tuple[AgentProcess, FirestoreStore]] = []

    @classmethod
    @asynccontextmanager
    async def aboard(
        cls,
        host: str,
        folder: Path,
        *,
        machine: str = "counter",
        setup: Mapping[str, Any] | None = None,
        project: str = PROJECT,
        hosting: Hosting = Hosting.PROCESSES,
        params: Params = TEST,
    ) -> AsyncIterator[Self]:
        """A fresh mesh, ended as by a crash of everything; then what is stored is checked."""
        crew = cls(host, machine, setup or {}, folder, project)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(crew.store.close)
            await Mesh.create(crew.store, crew.mesh_id, machine=machine, setup=crew.setup, params=params, hosting=hosting)
            crew.observer.start()
            try:
                yield crew
                await crew._end()
                await crew._check()
            finally:
                await crew._end()

    # --- running agents ---------------------------------------------------------------------------------------------

    async def run(
        self,
        name: str,
        *agents: str,
        kind: str = "manager",
        state: bool = True,
        beat: HeartbeatPolicy = STEADY_BEAT,
    ) -> Member:
        """Start `firemesh agent run` in a process of its own; its agents are joining. Without `state` it keeps none."""
        command = [
            *(sys.executable, "-m", "firemesh_cli", "agent", "run", "--mesh", self.mesh_id, "--type", kind),
            *("--process", name, "--agents", ",".join(agents), "--heartbeat-ms", str(beat.active_ms)),
            *("--project", self.project, "--host", self.host),
            *(("--state-folder", str(self.folder / "state")) if state else ()),
            *(("--neighbours", str(self.neighbours)) if self.neighbours and kind == "manager" else ()),
        ]
        return await self._start(name, command, {})

    async def run_admitted(self, agent: str, *options: str, environment: Mapping[str, str]) -> Member:
        """Start `firemesh agent run --api` for one agent, in a process that knows what is in this environment."""
        command = [
            *(sys.executable, "-m", "firemesh_cli", "agent", "run", "--mesh", self.mesh_id, "--agents", agent),
            *("--heartbeat-ms", str(BEAT.active_ms), "--api", environment["FIREMESH_API_URL"], *options),
        ]
        return await self._start(client_process(agent), command, environment)

    async def _start(self, name: str, command: list[str], environment: Mapping[str, str]) -> Member:
        known = {**os.environ, **environment}
        child = await create_subprocess_exec(*command, env=known, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT)
        member = self.members[name] = Member(name, child)
        return member

    async def managers(self, *, state: bool = True, beat: HeartbeatPolicy = STEADY_BEAT) -> list[Member]:
        """Three managers m1, m2, m3 in processes pm1, pm2, pm3."""
        started = [await self.run(f"pm{number}", f"m{number}", state=state, beat=beat) for number in (1, 2, 3)]
        await asyncio.gather(*(member.ready() for member in started))
        await self.until(lambda: self.observer.head.voters.managers == ("m1", "m2", "m3"))
        return started

    async def process(
        self, name: str, *, host: str = "", beat: HeartbeatPolicy = STEADY_BEAT, health: HealthPolicy = QUICK
    ) -> AgentProcess:
        """A process of the mesh within this one, over a connection of its own."""
        store = FirestoreStore(self.project, host=host or self.host, client_name=name)
        process = await AgentProcess.open(store, self.mesh_id, name, heartbeat=beat, health=health, on_sent=self.sent.append)
        self.local.append((process, store))
        return process

    async def hand(self) -> WorkerAgent:
        """A worker without a behaviour, for the test to send commands with."""
        return await (await self.process("hand")).add_worker("hand")

    # --- watching ---------------------------------------------------------------------------------------------------

    async def until(self, holds: Callable[[], Any]) -> None:
        """Wait until what the observer has seen is so."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.observer.until(lambda: bool(holds()))

    async def until_stored(self, path: str, holds: Callable[[Mapping[str, Any]], Any]) -> Mapping[str, Any]:
        """Wait until a document of the mesh is so; its content."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for snapshot in self.documents.watch_document(path):
                for document in snapshot.documents.values():
                    if holds(document.fields):
                        return document.fields
        raise AssertionError("the listener ended")

    @property
    def leader(self) -> str:
        """Whose name the head bears."""
        return self.observer.head.leader

    def total(self) -> int:
        """The counter as last published."""
        return int(self.observer.public.get("total", 0))

    # --- the end ----------------------------------------------------------------------------------------------------

    async def _end(self) -> None:
        for member in self.members.values():
            await member.kill()
        for process, store in self.local:
            await process.abandon()
            await store.close()
        self.local.clear()
        await self.observer.stop()

    async def _check(self) -> None:
        """All invariants on what is stored, the replay, and that nothing sent was lost or ordered twice."""
        stored = await evidence.read_settled(self.store, self.documents)
        evidence.check_invariants(self.checker, stored, self.sent)
        assert self.checker.violations == []
        assert evidence.replay_equals(self.machine, self.setup, stored)
        counts = evidence.count_commands(stored, self.sent)
        assert (counts["lost"], counts["duplicated"]) == (0, 0)
