"""What it takes to start an agent: its imports, and its first write, against those of the bare SDK.

Both sides run in processes of their own, in turns, so that whatever else the machine does hits both. The figures are medians
of processor time, the interpreter's own start included.
"""

import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from firemesh_cli.bench.section import Section

PROJECT = "demo-start"
SECONDS_MAX = 60

_IMPORTS = "import firemesh.runtime.process, firemesh.store.firestore"
_SDK_IMPORTS = "from google.cloud import firestore"
_WRITE = f"""
{_IMPORTS}
import asyncio, os
from firemesh.store.base import Put
async def write():
    store = firemesh.store.firestore.connect(os.environ["GCLOUD_PROJECT"])
    await store.commit([Put("start/ours", {{"n": 1}})], timeout_seconds=30)
    await store.close()
asyncio.run(write())
"""
_SDK_WRITE = f"""
{_SDK_IMPORTS}
import os
firestore.Client(project=os.environ["GCLOUD_PROJECT"]).document("start/sdk").set({{"n": 1}})
"""
_SAY = "\nimport time\nprint(time.process_time(), flush=True)"
ROWS = {"imports of an agent": (_IMPORTS, _SDK_IMPORTS), "start to the first write": (_WRITE, _SDK_WRITE)}


def measure(root: Path, repeats: int) -> Section:
    """Start both sides `repeats` times. Raises LocalStackError without an emulator, CalledProcessError when one fails."""
    from firemesh_cli.stack.supervisor import LocalStack

    with LocalStack(root, project=PROJECT) as stack:
        environment = {**os.environ, **stack.owned_environment()}
        rows = {name: _row(ours, bare, environment, repeats) for name, (ours, bare) in ROWS.items()}
    return Section(
        title="start",
        about=f"milliseconds of processor time, medians of {repeats}",
        columns=("firemesh", "bare SDK", "ratio"),
        rows=rows,
    )


def _row(ours: str, bare: str, environment: Mapping[str, str], repeats: int) -> tuple[int, int, float]:
    spent: dict[str, list[float]] = {ours: [], bare: []}
    for repeat in range(repeats + 1):
        for program, each in spent.items():
            seconds = _run(program, environment)
            if repeat:  # the first time compiles
                each.append(1000 * seconds)
    ours_ms, bare_ms = (statistics.median(each) for each in spent.values())
    return round(ours_ms), round(bare_ms), round(ours_ms / bare_ms, 2)


def _run(program: str, environment: Mapping[str, str]) -> float:
    done = subprocess.run(
        [sys.executable, "-c", program + _SAY], env=environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=True
    )
    return float(done.stdout)
