"""What the demo lends to the stack's desk: its bill, and its leader's neck."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from firemesh.errors import LocalStackError
from firemesh_cli.demo.fleet import Fleet
from firemesh_cli.demo.observer import Observer
from firemesh_cli.stack.reading import MeterReading
from firemesh_cli.stack.supervisor import LocalStack

KILL_SECONDS_MAX = 5.0


@contextlib.contextmanager
def desk_open(
    stack: LocalStack, observer: Observer, fleet: Fleet, *, key: str, bill: Callable[[], MeterReading]
) -> Iterator[None]:
    """As long as the block lasts, the console operates this demo's mesh with this key, sees the bill, and can kill the leader.

    To be entered in the event loop that runs the fleet: the desk itself answers in threads. Raises LocalStackError when the
    stack serves no site.
    """
    loop = asyncio.get_running_loop()

    def strike(mesh: str) -> str:
        if mesh != fleet.mesh_id:
            raise LocalStackError(f"this demo runs mesh {fleet.mesh_id}, not {mesh}")
        killing = asyncio.run_coroutine_threadsafe(kill_leader(observer, fleet), loop)
        try:
            return killing.result(KILL_SECONDS_MAX)
        except TimeoutError as error:
            killing.cancel()
            raise LocalStackError("the demo is ending") from error

    with stack.with_desk(key=key, bill=bill, kill_leader=strike):
        yield


async def kill_leader(observer: Observer, fleet: Fleet) -> str:
    """Kill the process of whoever leads; its id. Raises LocalStackError when no process of this demo does."""
    leader = observer.head.leader
    for member in fleet.members:
        if leader in member.agents and member.state == "running":
            fleet.kill(member)
            observer.note(f"SIGKILL from the console to {member.name} (pid {member.child.pid}), where {leader} led")
            return leader
    raise LocalStackError("no process of this demo leads at the moment")
