"""A recorded moment of a real mesh, for the console's development build and its tests: after the death of a leader.

    .venv/bin/python tools/console_fixtures.py         # writes web_worker/console/fixtures; takes half a minute

Three managers in processes of their own and twelve players in one more play Mafia on the emulator; who leads is killed. What is
written is what an operator is then told: {watching, news}, as `web_worker/console/recorded.ts` reads it, and what a moderator
is told besides.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, Process, create_subprocess_exec
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from firemesh.control_plane.access import AccessRole, Identity, Operation
from firemesh.control_plane.audit import AuditTrail
from firemesh.control_plane.guard import Guard
from firemesh.control_plane.insight_desk import InsightDesk
from firemesh.core.params import PROFILES
from firemesh.runtime.mesh import Mesh
from firemesh.store import paths
from firemesh.store.base import Store
from firemesh.store.firestore import connect
from firemesh.store.mesh_store import MeshStore
from firemesh_cli.stack.supervisor import LocalStack

FOLDER = Path(__file__).resolve().parent.parent / "web_worker/console/fixtures"
MESH = "harbour-town"
SETUP = {"seats": 12, "seed": 7, "durations_ms": {"lobby": 20_000}}
OPERATOR = Identity(key_id="5f0c1d2e3a4b", role=AccessRole.OPERATOR, mesh=MESH)
MODERATOR = Identity(key_id="9a8b7c6d5e4f", role=AccessRole.OPERATOR, mesh=MESH, operations=frozenset({Operation.READ_SECRETS}))
PLAYED_SECONDS = 10.0
POLL_SECONDS = 0.2


async def no_token(uid: str, claims: Mapping[str, str]) -> str:
    """A recording signs nobody in."""
    return ""


async def start(stack: LocalStack, name: str, agents: Sequence[str], kind: str) -> Process:
    """A process of the mesh."""
    command = ["-m", "firemesh_cli", "agent", "run", "--mesh", MESH, "--type", kind, "--process", name]
    return await create_subprocess_exec(
        *(sys.executable, *command, "--agents", ",".join(agents), "--heartbeat-ms", "1000"),
        env={**os.environ, **stack.owned_environment()},
        **{"stdin": DEVNULL, "stdout": DEVNULL, "stderr": DEVNULL},
    )


async def term_after(mesh: Mesh, term: int) -> tuple[int, str]:
    """Wait for a leader of a later term; its term and id."""
    while True:
        status = await mesh.get_status()
        if status.leader and status.term > term:
            return status.term, status.leader
        await asyncio.sleep(POLL_SECONDS)


async def record(stack: LocalStack) -> dict[str, Any]:
    """Let a mesh live, kill who leads, and write down what is seen."""
    store = connect(stack.project, stack.firestore_host)
    mesh = await Mesh.create(store, MESH, machine="mafia", setup=SETUP, params=PROFILES["fast"])
    managers = {f"m{number}": await start(stack, f"managers-{number}", [f"m{number}"], "manager") for number in (1, 2, 3)}
    players = await start(stack, "workers-1", [f"p{number:02d}" for number in range(1, 13)], "worker")
    try:
        term, leader = await term_after(mesh, 0)
        await asyncio.sleep(PLAYED_SECONDS)
        managers[leader].kill()
        await term_after(mesh, term)
        await asyncio.sleep(PLAYED_SECONDS)
        return await moment(store, MeshStore(store, MESH), InsightDesk(store, Guard(store), mint_token=no_token))
    finally:
        for process in (*managers.values(), players):
            if process.returncode is None:
                process.kill()
            await process.wait()
        await store.close()


async def moment(store: Store, documents: MeshStore, desk: InsightDesk) -> dict[str, Any]:
    """What an operator is told of the mesh as it stands."""
    watching = await desk.watch_mesh(OPERATOR, MESH)
    secrets = await desk.read_secrets(MODERATOR, MESH)
    found = (await store.list_documents(paths.liveness(MESH), limit=64)).documents.values()
    records = await AuditTrail(store).read(mesh_id=MESH)
    public = await documents.read_fields("views/public") or {}
    news: list[dict[str, Any]] = [
        {"type": "line", "state": "CONNECTED"},
        {"type": "topology", "topology": await documents.read_fields("views/topology")},
        {"type": "health", "health": await documents.read_fields("views/health")},
        {"type": "public", "appliedIndex": public["applied_index"], "atMs": public["at_ms"]},
        {"type": "beats", "beats": [beat(document.fields) for document in found]},
        {"type": "log", "page": asdict(await desk.read_log(OPERATOR, MESH, limit=100))},
        {"type": "audit", "records": [record.model_dump(mode="json") for record in records]},
    ]
    return {"watching": asdict(watching), "news": news, "secrets": asdict(secrets)}


def beat(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A sign of life as the console's worker tells it."""
    same = {name: fields[name] for name in ("process", "inc", "seq", "agents", "applied", "lateness")}
    return {**same, "intervalMs": fields["interval_ms"], "atMs": int(fields["at"].timestamp() * 1000)}


def main() -> int:
    """Record and write; gives the exit status."""
    with LocalStack() as stack:
        recorded = asyncio.run(record(stack))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "failover.json").write_text(json.dumps(recorded, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
