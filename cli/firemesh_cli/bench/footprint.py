"""How many threads and streams an agent takes that listens to three documents, alone in a process and as one of thirty.

The SDK's listener takes a stream and two threads for each document. Ours puts all listeners of a process on one stream; towards
the emulator it opens one for each document, for the reason that docs/decisions/asyncio-and-one-stream.md tells. Streams are
counted by the billing meter, from outside.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from firemesh_cli.bench.children import child
from firemesh_cli.bench.section import Section
from firemesh_cli.bench.subscriber import SUBSCRIPTIONS

if TYPE_CHECKING:
    from firemesh_cli.stack.supervisor import LocalStack

PROJECT = "demo-footprint"
KINDS = {"sdk": "SDK", "one-stream": "firemesh", "emulator": "firemesh, towards an emulator"}
AGENTS = (1, 30)
GOAL_ROWS = tuple(f"{KINDS['one-stream']}, agents: {agents}" for agents in AGENTS)


def measure(root: Path, repeats: int) -> Section:
    """Count once: it does not vary. Raises LocalStackError when something does not start."""
    from firemesh_cli.stack.supervisor import LocalStack

    with LocalStack(root, project=PROJECT) as stack:
        rows = asyncio.run(_count(stack))
    threads, streams = rows[GOAL_ROWS[0]]
    return Section(
        title="footprint",
        about=f"threads and streams that agents add to a process, with {len(SUBSCRIPTIONS)} subscriptions each; "
        "goal: no thread, and one stream for a process",
        columns=("threads", "streams"),
        rows=rows,
        missed=tuple(name for name in GOAL_ROWS if rows[name] != (0, 1)),
        headline={"per_agent": {"threads": threads, "streams": streams}},
    )


async def _count(stack: "LocalStack") -> dict[str, tuple[int, int]]:
    from firemesh_cli.stack.meter import Meter

    rows = {}
    async with Meter(stack.firestore_host) as meter:
        for kind, title in KINDS.items():
            for agents in AGENTS:
                before = meter.counts().rpcs.get("Listen", 0)
                arguments = ("firemesh_cli.bench.subscriber", kind, PROJECT, meter.host, str(agents))
                async with child(stack, f"{kind}-{agents}", *arguments) as subscriber:
                    opened = meter.counts().rpcs["Listen"] - before
                    rows[f"{title}, agents: {agents}"] = (int(subscriber.said), opened)
    return rows
