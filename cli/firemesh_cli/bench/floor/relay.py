"""A process that hears a change and makes another: the middle of two raw hops, where a mesh has its leader.

    python -m firemesh_cli.bench.floor.relay PROJECT HOST HEARD WRITTEN

HEARD is a document, or a collection: then each number comes in a document of its own, which is deleted, and a head and a log
entry are written with the answer, so that the store has as much to do as for a command. It prints `ready` when it listens,
and works until it is killed.
"""

import asyncio
import sys

from firemesh_cli.bench.floor.raw import Fields, RawClient

HEAD_TEXT, ENTRY_TEXT = "x" * 2500, "x" * 250
"""About as long as a head with its tail, and as an entry with one command."""


async def relay(project: str, host: str, heard: str, written: str) -> None:
    """Pass on each number."""
    async with RawClient(project, host) as raw:
        (changes,) = await raw.listen(heard)
        is_collection = heard.count("/") % 2 == 0
        if not is_collection:
            await changes.get()  # the document as it stands
        print("ready", flush=True)
        while True:
            number = (await changes.get())["n"]
            await raw.commit({written: {"n": number}} | (_work(heard, number) if is_collection else {}))


def _work(collection: str, number: int) -> dict[str, Fields | None]:
    entry: Fields = {"n": number, "text": ENTRY_TEXT}
    return {"raw/head": {"n": number, "text": HEAD_TEXT}, f"entries/{number}": entry, f"{collection}/{number}": None}


if __name__ == "__main__":
    asyncio.run(relay(*sys.argv[1:]))
