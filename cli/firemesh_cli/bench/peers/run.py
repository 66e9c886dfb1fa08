"""One whole run: every system in turn, each by itself, and whatever is missing is named and left out."""

import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from firemesh.errors import LocalStackError, MeshError
from firemesh_cli.bench.load import ForeignLoad
from firemesh_cli.bench.peers import failover, messages, packages
from firemesh_cli.bench.peers.catalogue import FAILOVER, MESSAGES
from firemesh_cli.bench.peers.record import Deliveries, Failover, Messages, Record
from firemesh_cli.bench.peers.system import System
from firemesh_cli.bench.peers.workplace import Workplace
from firemesh_cli.stack.supervisor import LocalStack

MANY = 30

Note = Callable[[str], None]


async def measure(
    root: Path, stack: LocalStack, record: Record, parts: Collection[str], *, kills: int, count: int, note: Note
) -> None:
    """Record failover by so many kills, and so many messages, on a running stack; `note` hears what is being done."""
    with tempfile.TemporaryDirectory(dir=stack.log_folder, prefix="peers-", ignore_cleanup_errors=True) as folder:
        at = {"project": stack.project, "firestore_host": stack.firestore_host}
        place = Workplace(root, Path(folder), **at, environment=stack.owned_environment())
        for key, system in FAILOVER.items() if "failover" in parts else ():
            note(f"failover: {system.name}")
            try:
                record.failover[system.name] = await _failover(place, key, system, kills)
            except MeshError as error:
                record.left_out[f"failover: {system.name}"] = str(error)
        for key, system in MESSAGES.items() if "messages" in parts else ():
            note(f"messages: {system.name}")
            try:
                record.messages[system.name] = await _messages(place, key, system, count)
            except MeshError as error:
                record.left_out[f"messages: {system.name}"] = str(error)


def missing_of_ours(record: Record, parts: Collection[str]) -> list[str]:
    """What belongs to this program, was asked for, and is not in the record."""
    asked = (("failover", FAILOVER, record.failover), ("messages", MESSAGES, record.messages))
    systems = [(system, found) for part, all_, found in asked if part in parts for system in all_.values()]
    return [system.name for system, found in systems if not system.packages and system.name not in found]


async def _failover(place: Workplace, key: str, system: System, kills: int) -> Failover:
    load = ForeignLoad()
    seconds = await failover.measure(place, key, system, kills)
    return Failover(_version(place.root, system), system.kept, tuple(round(each, 4) for each in seconds), load.cores())


async def _messages(place: Workplace, key: str, system: System, count: int) -> Messages:
    async with system.running(place) as address:
        to_one = await _deliveries(place, key, address, first=1, count=count, listeners=1)
        first = 1 + messages.WARM_UP + count
        to_thirty = await _deliveries(place, key, address, first=first, count=count, listeners=MANY)
    return Messages(_version(place.root, system), system.kept, to_one, to_thirty)


async def _deliveries(place: Workplace, key: str, address: str, *, first: int, count: int, listeners: int) -> Deliveries:
    load = ForeignLoad()
    heard = await messages.measure(place, key, address, first=first, messages=count, listeners=listeners)
    if not heard.seconds:
        raise LocalStackError("not one message has arrived")
    return Deliveries.of(heard.seconds, heard.lost, load.cores())


def _version(root: Path, system: System) -> str:
    return packages.version(root, system.packages) if system.packages else "this"
