"""What each operation of the control plane costs in billed documents, counted by the meter between it and Firestore.

The REST interface runs in this process, over a connection through the meter; a manager that leads the mesh, and the waiting
for what it does, go past the meter. Every key counts as used a moment ago, so that noting its use, once a minute, is in no row.
"""

import asyncio
import contextlib
import json
import logging
import os
import re
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firemesh.errors import LocalStackError
from firemesh_cli.bench.budget import over_budget
from firemesh_cli.bench.plan import AGENT, CLOSED, CREATION, MANAGER, MESH, STEPS, Step
from firemesh_cli.bench.section import Section

if TYPE_CHECKING:
    from firemesh.runtime.process import AgentProcess
    from firemesh_cli.stack.meter import Meter
    from firemesh_cli.stack.reading import Billed

PROJECT = "demo-bench"
PEPPER = "bench" * 8
FUNCTION = "api"
COLUMNS = ("reads", "writes", "deletes")
CARRIED_OUT_SECONDS_MAX = 120.0
USED_AHEAD_MS = 3_600_000
"""For so long nobody notes that a key was used: longer than any run."""
WARM_UP_SECONDS_MAX = 60.0
"""The first write to a fresh emulator takes seconds."""
POLL_SECONDS = 0.05


def measure(root: Path, repeats: int) -> Section:
    """Count once: what is billed does not vary. Raises LocalStackError when a call fails or the emulator does not start."""
    from firemesh_cli.stack.supervisor import LocalStack

    with LocalStack(root, project=PROJECT) as stack:
        found = asyncio.run(count(stack.firestore_host))
    rows = {shown(route): (billed.reads, billed.writes, billed.deletes) for route, billed in found.items()}
    left_out = ", ".join(shown(route) for route in _declared() if route not in found)
    return Section(
        title="operations",
        about="billed documents of each call, its authentication, decision and audit record included; "
        f"not measured: {left_out or 'none'}",
        columns=COLUMNS,
        rows=rows,
        missed=over_budget("operations", COLUMNS, rows),
        headline={"billed": {name: dict(zip(COLUMNS, figures, strict=True)) for name, figures in rows.items()}},
    )


async def count(host: str) -> dict[str, "Billed"]:
    """What each call is billed, by its route, against the emulator at `host`."""
    from firemesh_cli.stack.meter import Meter

    async with Meter(host) as meter, _Caller.over(meter, host) as caller:
        found = {CREATION.route: await caller.cost(CREATION)}
        async with _led(host) as leading:
            for step in STEPS:
                found[step.route] = await caller.cost(step)
                await caller.carried_out(step.then)
                if step.then == CLOSED:
                    await _ended(leading)
    return found


def _declared() -> list[str]:
    from firemesh.control_plane import routes

    return [f"{route.method} {route.path}" for route in routes.declared()]


def shown(route: str) -> str:
    """A route as docs/api.md writes it."""
    return re.sub(r"<([a-z]+?)(?:_id)?>", r"{\1}", route)


class _Caller:
    """Calls the REST interface, and tells what each call was billed."""

    def __init__(self, meter: "Meter", host: str, keys: Mapping[str, str]) -> None:
        from werkzeug.test import Client

        from firemesh.control_plane.service import ControlPlaneService
        from firemesh.function_process import FunctionProcess
        from firemesh.store.firestore import FirestoreStore

        self._meter = meter
        self._credentials = dict(keys)
        self._kept: dict[str, str] = {}
        self._store = FirestoreStore(PROJECT, host=host)
        service = ControlPlaneService(FunctionProcess(PROJECT, FUNCTION), PEPPER, environment="local")
        self._client = Client(service.answer)

    @classmethod
    @contextlib.asynccontextmanager
    async def over(cls, meter: "Meter", host: str) -> AsyncIterator["_Caller"]:
        """A caller with keys of an admin, a moderator, a worker and a guest."""
        with _environment(FIRESTORE_EMULATOR_HOST=meter.host, FIREBASE_AUTH_EMULATOR_HOST="127.0.0.1:1"), _quiet():
            caller = cls(meter, host, await _keys(host))
            try:
                yield caller
            finally:
                await caller._store.close()

    async def cost(self, step: Step) -> "Billed":
        """Make a call; what it was billed. Raises LocalStackError when it fails."""
        before = self._meter.counts()
        answer = await asyncio.to_thread(self._call, step)
        if answer.status_code not in (200, 201, 202, 204):
            raise LocalStackError(f"{step.route} was answered {answer.status_code}: {answer.get_data(as_text=True)[:300]}")
        found = answer.get_json(silent=True) or {}
        self._kept |= {name: str(found[key]) for name, key in step.keeps.items()}
        self._credentials |= {"session": self._kept["session"]} if "session" in self._kept else {}
        return (self._meter.counts() - before).total

    async def carried_out(self, status: str) -> None:
        """Wait until the roster says so of the agent, or the head of the mesh. Raises TimeoutError."""
        from firemesh.store import paths

        wanted = [paths.agent(MESH, AGENT), paths.head(MESH)]
        async with asyncio.timeout(CARRIED_OUT_SECONDS_MAX):
            while status:
                found = (await self._store.get_all(wanted)).documents.values()
                if status in {document.fields.get("status") for document in found}:
                    return
                await asyncio.sleep(POLL_SECONDS)

    def _call(self, step: Step) -> Any:
        method = step.route.partition(" ")[0]
        headers = {"Authorization": f"Bearer {self._credentials[step.caller]}", **step.headers}
        body = None if step.body is None else self._filled(json.dumps(step.body))
        content_type = None if body is None else "application/json"
        path = "/v1" + self._filled(step.path)
        return self._client.open(path, method=method, headers=headers, data=body, content_type=content_type)

    def _filled(self, text: str) -> str:
        for name, value in self._kept.items():
            text = text.replace("{" + name + "}", value)
        return text


async def _keys(host: str) -> dict[str, str]:
    from firemesh.control_plane.access import BY_NAME_ALONE, AccessRole
    from firemesh.control_plane.key_ring import KeyRequest, KeyRing
    from firemesh.store import paths
    from firemesh.store.base import Put
    from firemesh.store.firestore import FirestoreStore

    store = FirestoreStore(PROJECT, host=host)
    ring = KeyRing(store, PEPPER.encode(), environment="local")
    try:
        await store.commit([Put("warm/up", {})], timeout_seconds=WARM_UP_SECONDS_MAX)
        made = {
            "admin": await ring.create(KeyRequest(AccessRole.ADMIN)),
            "moderator": await ring.create(KeyRequest(AccessRole.ADMIN, operations=tuple(BY_NAME_ALONE))),
            "worker": await ring.create(KeyRequest(AccessRole.WORKER, mesh=MESH)),
            "guest": await ring.create(KeyRequest(AccessRole.GUEST)),
        }
        stored = (await store.get_all([paths.api_key(key.key_id) for key in made.values()])).documents.values()
        used_ms = {"last_used_ms": time.time_ns() // 1_000_000 + USED_AHEAD_MS}
        await store.commit([Put(document.path, {**document.fields, **used_ms}) for document in stored])
    finally:
        await store.close()
    return {name: key.text for name, key in made.items()}


@contextlib.asynccontextmanager
async def _led(host: str) -> AsyncIterator["AgentProcess"]:
    """A manager leads the mesh meanwhile, in this process."""
    from firemesh.runtime.process import AgentProcess
    from firemesh.store.firestore import FirestoreStore

    store = FirestoreStore(PROJECT, host=host)
    with tempfile.TemporaryDirectory() as folder:
        process = await AgentProcess.open(store, MESH, "p1", state_folder=Path(folder))
        try:
            await process.add_manager(MANAGER)
            yield process
        finally:
            await process.abandon()
            await store.close()


async def _ended(process: "AgentProcess") -> None:
    """Wait until a process has heard that its mesh is closed: no listener of it ends, and no beat comes, while that is deleted.

    Raises TimeoutError.
    """
    async with asyncio.timeout(CARRIED_OUT_SECONDS_MAX):
        await process.run_until_ended()
    await process.abandon()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """A function writes its decisions to the output, unless somebody else has seen to the log."""
    silent = logging.NullHandler()
    logging.getLogger("firemesh").addHandler(silent)
    try:
        yield
    finally:
        logging.getLogger("firemesh").removeHandler(silent)


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
