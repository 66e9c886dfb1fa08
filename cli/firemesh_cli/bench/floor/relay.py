"""A process that hears one document change and changes another: the middle of two raw hops, where a mesh has its leader.

    python -m firemesh_cli.bench.floor.relay PROJECT HOST HEARD WRITTEN

prints `ready` when it listens, and works until it is killed.
"""

import asyncio
import sys

from firemesh_cli.bench.floor.raw import RawClient


async def relay(project: str, host: str, heard: str, written: str) -> None:
    """Pass on each number, but for the first, which stands there from the start."""
    async with RawClient(project, host) as raw:
        (changes,) = await raw.listen(heard)
        await changes.get()
        print("ready", flush=True)
        while True:
            await raw.set(written, {"n": (await changes.get())["n"]})


if __name__ == "__main__":
    asyncio.run(relay(*sys.argv[1:]))
