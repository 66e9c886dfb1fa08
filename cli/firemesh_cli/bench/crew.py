"""One process of the long run: a manager and some workers that send commands at a steady rate.

    python -m firemesh_cli.bench.crew PROJECT HOST MESH NUMBER JOURNAL

prints `ready` when all have joined. At the first SIGUSR1 the workers begin to send, at the second they stop; each command that
is surely in the inbox is a line of the journal.
"""

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from firemesh.core.messages import Command
    from firemesh.runtime.worker_agent import WorkerAgent

WORKERS = 9
SECONDS_BETWEEN = 10.0
"""Between two commands of one worker."""
BEAT_MS = 500


async def run(project: str, host: str, mesh: str, number: str, journal: TextIO) -> None:
    """The whole life of this process."""
    from firemesh.runtime.process import AgentProcess
    from firemesh.runtime.pulse import HeartbeatPolicy
    from firemesh.store.firestore import FirestoreStore

    begin, end = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, lambda: end.set() if begin.is_set() else begin.set())

    def write_down(command: "Command") -> None:
        if command.kind == "counter.add":
            print(command.agent_id, command.inc, command.seq, file=journal, flush=True)

    store = FirestoreStore(project, host=host, client_name=f"crew-{number}")
    heartbeat = HeartbeatPolicy(active_ms=BEAT_MS, idle_ms=BEAT_MS, asleep_ms=BEAT_MS)
    process = await AgentProcess.open(store, mesh, f"crew-{number}", heartbeat=heartbeat, on_sent=write_down)
    await process.add_manager(f"m{number}")
    crew = [await process.add_worker(f"w{number}-{each}") for each in range(WORKERS)]
    print("ready", flush=True)
    await begin.wait()
    await asyncio.gather(*(_send(worker, each / WORKERS, end) for each, worker in enumerate(crew)))
    await process.run_until_ended()


async def _send(worker: "WorkerAgent", phase: float, end: asyncio.Event) -> None:
    """Send at a steady rate, each worker of the process at a moment of its own."""
    loop = asyncio.get_running_loop()
    due = loop.time() + phase * SECONDS_BETWEEN
    while not end.is_set():
        try:
            async with asyncio.timeout_at(due):
                await end.wait()
        except TimeoutError:
            await worker.send_to_manager("counter.add", {"n": 1})
            due += SECONDS_BETWEEN


if __name__ == "__main__":
    _project, _host, _mesh, _number, _journal = sys.argv[1:]
    with Path(_journal).open("a", encoding="utf-8") as _file:
        asyncio.run(run(_project, _host, _mesh, _number, _file))
