"""A process that hears a change and makes another: the middle of two raw hops, where a mesh has its leader.

    python -m firemesh_cli.bench.floor.relay PROJECT HOST HEARD WRITTEN DUTY

HEARD is a document, or a collection into which each number comes in a document of its own. DUTY is `pass-on`: WRITTEN is
set; or `order`: with it a head and a log entry are written, and what came into a collection is deleted, so that the store
has as much to do as for a command. It prints `ready` when it listens, and works until it is killed.
"""

import asyncio
import sys

from firemesh_cli.bench.floor.raw import Fields, RawClient, is_collection

HEAD_TEXT, ENTRY_TEXT = "x" * 2500, "x" * 250
"""About as long as a head with its tail, and as an entry with one command."""
SLOTS = 8
"""Numbers come and are logged in as many documents, used in turn: the emulator is slowed down by each that there ever was."""


async def relay(project: str, host: str, heard: str, written: str, duty: str) -> None:
    """Pass on each number."""
    async with RawClient(project, host) as raw:
        (changes,) = await raw.listen(heard)
        if not is_collection(heard):
            await changes.get()  # the document as it stands
        print("ready", flush=True)
        while True:
            number = (await changes.get())["n"]
            await raw.commit({written: {"n": number}} | (_order(heard, number) if duty == "order" else {}))


def _order(heard: str, number: int) -> dict[str, Fields | None]:
    done: dict[str, Fields | None] = {f"{heard}/{number % SLOTS}": None} if is_collection(heard) else {}
    entry: Fields = {"n": number, "text": ENTRY_TEXT}
    return {"raw/head": {"n": number, "text": HEAD_TEXT}, f"entries/{number % SLOTS}": entry, **done}


if __name__ == "__main__":
    asyncio.run(relay(*sys.argv[1:]))
