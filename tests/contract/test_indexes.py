"""Every query that ran in this process has its index in firestore.indexes.json.

Other processes (functions, agents of a demo) go through the same store, which knows no other form of query.
"""

import json
from pathlib import Path

from firemesh.store.base import CollectionTarget
from tests.contract.conftest import Backend
from tests.support.queries import Query, missing_index

INDEXES = json.loads((Path(__file__).resolve().parents[2] / "firestore.indexes.json").read_text())


async def test_every_query_that_ran_has_its_index(emulator: Backend, queries_that_ran: set[Query]) -> None:
    """Runs last of all (see tests/conftest.py). Its own two queries show that the others were noted."""
    async with emulator.open() as store:
        await store.list_documents(f"{emulator.root}/states", limit=1)
        async for _ in store.watch(CollectionTarget(f"{emulator.root}/inbox")):
            break
    assert {"states", "inbox"} <= {query.collection for query in queries_that_ran}
    assert [lack for query in queries_that_ran if (lack := missing_index(query, INDEXES))] == []
