"""A whole mesh in one loop of virtual time: real processes and agents over the in-memory store, with every commit checked."""

import asyncio
import functools
import random
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, ParamSpec

from firemesh.core.effects import ManagerRole
from firemesh.core.health import HealthPolicy
from firemesh.core.invariants import Checker
from firemesh.core.messages import Entry, Head, Snapshot
from firemesh.core.params import TEST, Params
from firemesh.game.registry import machine_named
from firemesh.runtime.manager_agent import ManagerAgent
from firemesh.runtime.mesh import Mesh
from firemesh.runtime.process import AgentProcess
from firemesh.runtime.pulse import HeartbeatPolicy
from firemesh.store.base import Delete
from firemesh.store.memory import CommitRecord, Faults, MemoryClient, MemoryStore
from firemesh.store.mesh_store import MeshRecord, MeshStore
from firemesh_cli.bench.virtual_time import Process, VirtualTimeLoop

P = ParamSpec("P")

EPOCH_NS = 1_700_000_000_000_000_000
BEAT = HeartbeatPolicy(active_ms=500, idle_ms=2000)
QUICK = HealthPolicy(dead_after_floor_ms=1000, outage_grace_ms=1500)


class VirtualMeshLoop(VirtualTimeLoop):
    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":  # type: ignore[override]
        """Do the work here and now: threads know nothing of virtual time."""
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an `async def` test on a loop of virtual time."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualMeshLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run


def store_now_ns() -> int:
    """The store's clock in virtual time."""
    return EPOCH_NS + int(asyncio.get_running_loop().time() * 1e9)


class LocalMesh:
    """One mesh over one in-memory store; every process is a client of its own, which can be stopped or cut off."""

    def __init__(self, machine: str = "counter", setup: Mapping[str, Any] | None = None, params: Params = TEST) -> None:
        self.memory = MemoryStore(store_now_ns, on_commit=self._check)
        self.operator = self.memory.client("operator")
        self.documents = MeshStore(self.operator, "m1")
        self.mesh = Mesh(self.operator, "m1")
        self.processes: dict[str, AgentProcess] = {}
        self.clients: dict[str, MemoryClient] = {}
        self.hosts: dict[str, Process] = {}
        self.record = MeshRecord(machine=machine, setup=dict(setup or {}), params=_as_dict(params))
        self.checker: Checker[Any] = Checker(machine_named(machine), self.record.setup)
        self._started: list[tuple[MemoryClient, Process, AgentProcess]] = []

    async def create(self) -> "LocalMesh":
        await self.documents.create(self.record)
        return self

    async def process(self, name: str, **options: Any) -> AgentProcess:
        """A process, which can be stopped as by SIGSTOP: everything it does runs in `hosts[name]`. Its name is its chance."""
        client = self.clients[name] = self.memory.client(name, Faults(latency_seconds=lambda _: 0.004))
        host = self.hosts[name] = Process(name)
        options = {"heartbeat": BEAT, "health": QUICK, "jitter": random.Random(name), **options}
        process = await host.run(AgentProcess.open(client, "m1", name, **options))
        self.processes[name] = process
        self._started.append((client, host, process))
        return process

    async def managers(self, count: int = 3) -> list[ManagerAgent]:
        """So many managers m1, m2, ... each in a process of its own, pm1, pm2, ..."""
        started = []
        for number in range(1, count + 1):
            process = await self.process(f"pm{number}")
            started.append(await self.within(f"pm{number}", process.add_manager(f"m{number}")))
        return started

    async def within(self, name: str, work: Coroutine[Any, Any, Any]) -> Any:
        """Do work as a part of a process."""
        return await self.hosts[name].run(work)

    async def end(self) -> None:
        """End everything as a crash would, then check what is stored."""
        for client, host, process in self._started:
            client.disconnect()
            host.go_on()
            await process.abandon()
        head, entries, snapshot = self.stored()
        self.checker.check_log(head, entries, snapshot)
        assert self.checker.violations == []

    def stored(self) -> tuple[Head, list[Entry], Snapshot | None]:
        """Head, log and snapshot as they are."""
        entries = [Entry.model_validate(fields) for fields in self.all_of("log").values()]
        snapshots = [Snapshot.model_validate(fields) for fields in self.all_of("snapshots").values()]
        return Head.model_validate(self.fields("consensus/head")), entries, snapshots[-1] if snapshots else None

    def fields(self, path: str) -> dict[str, Any]:
        """The content of one document of the mesh; empty when there is none."""
        document = self.memory.documents().get(f"meshes/m1/{path}")
        return dict(document.fields) if document else {}

    def all_of(self, collection: str) -> dict[str, dict[str, Any]]:
        """The content of all documents of a collection, by id."""
        prefix = f"meshes/m1/{collection}/"
        found = self.memory.documents().items()
        return {path.removeprefix(prefix): dict(doc.fields) for path, doc in sorted(found) if path.startswith(prefix)}

    def status_of(self, agent: str) -> str:
        """What the roster says of an agent; empty for a stranger."""
        return str(self.fields(f"agents/{agent}").get("status", ""))

    def ordered(self, kind: str) -> list[Any]:
        """The commands of this kind in the log, in order."""
        return [command for entry in self.stored()[1] for command in entry.batch if command.kind == kind]

    def leader(self) -> ManagerAgent | None:
        """Whoever leads by its own belief, in a process that is not stopped."""
        for name, process in self.processes.items():
            for agent in process.agents.values():
                if isinstance(agent, ManagerAgent) and agent.role is ManagerRole.LEADER and not self.hosts[name].stopped:
                    return agent
        return None

    def _check(self, record: CommitRecord) -> None:
        if record.client == "operator":
            return  # a test's own hand; it may write what the mesh never would
        for write in record.writes:
            kind, _, name = write.path.removeprefix("meshes/m1/").partition("/")
            if isinstance(write, Delete):
                continue
            if kind == "consensus":
                self.checker.see_head(Head.model_validate(dict(write.fields)), record.commit_time)
            elif kind == "log":
                self.checker.see_entry(Entry.model_validate(dict(write.fields)))
            elif kind == "views":
                self.checker.see_view(name, write.fields["applied_index"])


async def led(managers: int = 1) -> LocalMesh:
    """A mesh in which one of so many managers leads."""
    local = await LocalMesh().create()
    await local.managers(managers)
    return local


async def until(holds: Callable[[], Any], seconds: float = 30.0, *, every: float = 0.01) -> None:
    """Wait in virtual time until `holds()`, which is asked `every` so many seconds."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, f"not within {seconds} s of virtual time"
        await asyncio.sleep(every)


def _as_dict(params: Params) -> dict[str, int]:
    return {name: getattr(params, name) for name in Params.__dataclass_fields__}
