"""The benchmark of failover: its stall is one, and an interrupted run leaves nothing behind."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from firemesh.store.base import Put
from firemesh.store.firestore import FirestoreStore
from firemesh_cli.bench.failover.stall import Stall
from firemesh_cli.stack.supervisor import MARK

PATIENCE_SECONDS = 240.0


async def test_a_stalled_commit_lands_after_its_sender_has_given_it_up_and_other_calls_are_not_held(
    firestore_host: str,
) -> None:
    held, over = asyncio.Event(), asyncio.Event()

    async def pause() -> None:
        held.set()
        await over.wait()

    async with Stall(firestore_host, pause) as wire:
        slow, quick = (FirestoreStore("demo-stall", host=wire.host, client_name=name) for name in ("slow", "quick"))
        late = f"stall/{secrets.token_hex(6)}"
        wire.hold_back("slow")
        sending = asyncio.create_task(slow.commit([Put(late, {"n": 1})], timeout_seconds=PATIENCE_SECONDS))
        await held.wait()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert sending.cancelled()
        assert (await slow.get_all([late], timeout_seconds=PATIENCE_SECONDS)).documents == {}
        await quick.commit([Put("stall/quick", {})], timeout_seconds=PATIENCE_SECONDS)
        over.set()
        await wire.let_go()
        stored = (await slow.get_all([late], timeout_seconds=PATIENCE_SECONDS)).documents
        assert stored[late].fields == {"n": 1}
        await slow.close()
        await quick.close()


def started_by(bench: int) -> list[int]:
    """The processes that a run of the benchmark has started itself; one of them measures the section."""
    return [int(pid) for pid in Path(f"/proc/{bench}/task/{bench}/children").read_text().split()]


def processes_of(sections: list[int]) -> list[str]:
    """The command lines of all that these have started, the emulators included, and their own."""
    marks, found = tuple(f"{MARK}={pid}-".encode() for pid in sections), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            if int(folder.name) in sections or any(each.startswith(marks) for each in environment):
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it has just ended
    return found


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


def test_an_interrupted_run_leaves_no_process_behind() -> None:
    command = [sys.executable, "-m", "firemesh_cli", "bench", "failover"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as bench:
        try:
            assert eventually(lambda: any(" agent run " in line for line in processes_of(started_by(bench.pid))))
            sections = started_by(bench.pid)
            os.kill(bench.pid, signal.SIGINT)
            assert bench.wait(PATIENCE_SECONDS) == 130
            assert eventually(lambda: processes_of(sections) == [])
        finally:
            bench.kill()
