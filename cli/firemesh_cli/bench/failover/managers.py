"""Three processes with a manager each, of one mesh: struck, watched from outside, and started again."""

import asyncio
import contextlib
import signal
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from firemesh.core.invariants import Checker
from firemesh.core.params import TEST
from firemesh.errors import InvariantViolation, LocalStackError
from firemesh.game.registry import machine_named
from firemesh.runtime.mesh import Mesh
from firemesh.store.base import Store
from firemesh.store.mesh_store import MeshStore
from firemesh_cli.bench.children import child
from firemesh_cli.bench.failover.beliefs import Belief, beliefs, moments_with_two_leaders
from firemesh_cli.demo import evidence
from firemesh_cli.demo.observer import Observer

if TYPE_CHECKING:
    from firemesh_cli.stack.supervisor import LocalStack

MACHINE = "counter"
AGENTS = ("m1", "m2", "m3")
SECONDS_MAX = 60.0
"""For anything that is waited for: a busy machine is slow, a broken mesh would take for ever."""


class Managers:
    """The processes by the name of their manager. A process of the mesh is called after mesh and manager."""

    def __init__(self, stack: "LocalStack", mesh_id: str, host: str, neighbours: Path | None, store: Store) -> None:
        self.mesh_id = mesh_id
        self._stack = stack
        self._host = host
        self._neighbours = neighbours
        self._store = store
        self._documents = MeshStore(store, mesh_id)
        self._checker: Checker[Any] = Checker(machine_named(MACHINE), {})
        self._observer = Observer(self._documents, self._checker)
        self._children: dict[str, Process] = {}
        self._around = AsyncExitStack()
        self._fallen: set[str] = set()
        self._ends: list[Belief] = []

    @classmethod
    @contextlib.asynccontextmanager
    async def at_work(
        cls, stack: "LocalStack", mesh_id: str, *, host: str = "", neighbours: Path | None = None
    ) -> AsyncIterator[Self]:
        """A new mesh with its managers; at the end they leave, and what is stored is checked.

        Raises:
            LocalStackError: a process does not start, or nobody leads.
            InvariantViolation: the mesh broke one of its promises.
        """
        from firemesh.store.firestore import FirestoreStore

        store = FirestoreStore(stack.project, host=stack.firestore_host, client_name="bench")
        try:
            await Mesh.create(store, mesh_id, machine=MACHINE, setup={}, params=TEST)
            managers = cls(stack, mesh_id, host or stack.firestore_host, neighbours, store)
            managers._observer.start()
            async with managers._around:
                for agent in AGENTS:
                    await managers._start(agent)
                yield managers
            await managers._observer.stop()
            await managers._check()
        finally:
            await store.close()

    @property
    def leading_process(self) -> str:
        """The name of the leader's process."""
        return self._process(self._observer.head.leader)

    async def wait_for_phase(self, share: float) -> None:
        """Return when all three vote, one leads, and this share of the time between two renewals has passed since one."""
        await self._until(lambda: self._observer.head.leader and set(self._observer.head.voters.managers) == set(AGENTS))
        seq = self._observer.head.seq
        await self._until(lambda: self._observer.head.seq > seq)
        await asyncio.sleep(share * TEST.renew_ms / 1000)

    async def strike(self, number: signal.Signals) -> float:
        """Send a signal to the leader's process; the seconds until another's first commit was seen."""
        leader = self._observer.head.leader
        return await self.succession(lambda: self._send(leader, number))

    async def succession(self, blow: Callable[[], None]) -> float:
        """Do something to the leader; the seconds until the first commit of a later term was seen."""
        term, struck_at = self._observer.head.term, time.monotonic()
        blow()
        await self._until(lambda: self._observer.head.term > term)
        return min(moment for each, moment in self._observer.term_seen.items() if each > term) - struck_at

    async def replace_the_fallen(self) -> None:
        """Start every process that was struck again, and return when its manager has joined."""
        for agent in tuple(self._fallen):
            await self._children[agent].wait()
            await self._start(agent)
            self._fallen.discard(agent)

    def moments_with_two_leaders(self) -> int:
        """See `beliefs`: so far, and by all logs. Raises LocalStackError when those tell nothing."""
        logs = (self._stack.log_folder / f"{self._process(agent)}.log" for agent in AGENTS)
        changes = [change for log in logs for change in beliefs(log.read_text())]
        if not changes:
            raise LocalStackError(f"the logs of the managers of mesh {self.mesh_id} do not say who led")
        return moments_with_two_leaders([*self._ends, *changes])

    # --- inside -----------------------------------------------------------------------------------------------------

    def _process(self, agent: str) -> str:
        return f"{self.mesh_id}-{agent}"

    async def _start(self, agent: str) -> None:
        name = self._process(agent)
        command = [
            *("firemesh_cli", "agent", "run", "--mesh", self.mesh_id, "--host", self._host, "--type", "manager"),
            *("--process", name, "--agents", agent, "--state-folder", str(self._stack.log_folder / self.mesh_id)),
            *(("--neighbours", str(self._neighbours)) if self._neighbours else ()),
        ]
        started = await self._around.enter_async_context(child(self._stack, name, *command))
        self._children[agent] = started.process

    def _send(self, agent: str, number: signal.Signals) -> None:
        self._fallen.add(agent)
        self._children[agent].send_signal(number)
        if number is signal.SIGKILL:
            self._ends.append((time.time(), agent, False))

    async def _until(self, holds: Callable[[], Any]) -> None:
        try:
            async with asyncio.timeout(SECONDS_MAX):
                await self._observer.until(lambda: bool(holds()))
        except TimeoutError as error:
            head = self._observer.head
            state = f"leader {head.leader!r}, term {head.term}, voters {', '.join(head.voters.managers)}"
            raise LocalStackError(
                f"mesh {self.mesh_id} did not recover in {SECONDS_MAX:.0f} s ({state}); see {self._stack.log_folder}"
            ) from error

    async def _check(self) -> None:
        """Every promise, on what was seen and what is stored."""
        stored = await evidence.read_settled(self._store, self._documents)
        self._checker.check_log(stored.head, stored.entries, stored.snapshot)
        if self._checker.violations:
            raise InvariantViolation(f"mesh {self.mesh_id}: {self._checker.violations[0]}")
