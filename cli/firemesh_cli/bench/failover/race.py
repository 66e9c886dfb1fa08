"""Ten managers of a new mesh that all go for its leadership in the same moment."""

import asyncio
import random
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from firemesh.core.effects import ManagerRole
from firemesh.core.manager import Manager
from firemesh.core.params import TEST
from firemesh.errors import LocalStackError
from firemesh.game.registry import machine_named
from firemesh.ids import new_incarnation
from firemesh.runtime.manager_driver import ManagerDriver
from firemesh.runtime.mesh import Mesh
from firemesh.store.mesh_store import MeshStore

if TYPE_CHECKING:
    from firemesh.store.firestore import FirestoreStore

CANDIDATES = 10
ROUNDS = 6
"""The first one is not counted: it opens the connections."""
MACHINE = "counter"
SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True)
class Race:
    """From the start of all until the last one knew who leads, and how many led."""

    seconds: float
    winners: int


class _NoPause(random.Random):
    """Nobody waits a moment longer than another, as chance would else have it."""

    def uniform(self, a: float, b: float) -> float:
        return a


async def run(project: str, host: str) -> list[Race]:
    """The races. Raises LocalStackError when nobody wins."""
    from firemesh.store.firestore import FirestoreStore

    async with AsyncExitStack() as around:
        stores = [FirestoreStore(project, host=host, client_name=f"m{number}") for number in range(CANDIDATES)]
        for store in stores:
            around.push_async_callback(store.close)
        return [await _race(stores, f"race-{number}") for number in range(ROUNDS)][1:]


async def _race(stores: "list[FirestoreStore]", mesh_id: str) -> Race:
    await Mesh.create(stores[0], mesh_id, machine=MACHINE, setup={}, params=TEST)
    drivers = [_candidate(store, mesh_id, f"m{number}") for number, store in enumerate(stores)]
    started = time.monotonic()
    running = [asyncio.create_task(driver.run()) for driver in drivers]
    try:
        async with asyncio.timeout(SECONDS_MAX):
            await asyncio.gather(*(_knows_who_leads(driver) for driver in drivers))
        seconds = time.monotonic() - started
        return Race(seconds, sum(driver.role is ManagerRole.LEADER for driver in drivers))
    except TimeoutError as error:
        raise LocalStackError(f"nobody led after {SECONDS_MAX:.0f} s, though {CANDIDATES} candidates tried") from error
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _candidate(store: "FirestoreStore", mesh_id: str, name: str) -> ManagerDriver[Any]:
    mesh = MeshStore(store, mesh_id, rpc_timeout_seconds=TEST.rpc_timeout_ms / 1000)
    manager: Manager[Any] = Manager(name, new_incarnation(), machine_named(MACHINE), {}, TEST)
    return ManagerDriver(manager, mesh, jitter=_NoPause())


async def _knows_who_leads(driver: ManagerDriver[Any]) -> None:
    while not driver.manager.state.head.leader:
        driver.stepped.clear()
        await driver.stepped.wait()
