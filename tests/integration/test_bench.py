"""The benchmarks of billed operations go through a mesh's whole life, and nothing in it costs more than its row."""

from firemesh_cli.bench import operations
from firemesh_cli.bench.budget import over_budget
from firemesh_cli.bench.plan import CREATION, STEPS
from firemesh_cli.stack.supervisor import LocalStack

SECRETS = ("GET /meshes/<mesh_id>/states/<agent_id>", "GET /meshes/<mesh_id>/secrets")
"""To look at these is always recorded, so it writes."""


async def test_every_call_is_counted_and_one_that_reads_writes_nothing(local_stack: LocalStack) -> None:
    found = await operations.count(local_stack.firestore_host)
    assert set(found) == {step.route for step in (CREATION, *STEPS)}
    assert all(billed.reads > 0 for billed in found.values())
    reading = [billed for route, billed in found.items() if route.startswith("GET") and route not in SECRETS]
    assert [(billed.writes, billed.deletes) for billed in reading] == [(0, 0)] * len(reading)
    assert found[CREATION.route].writes >= 2
    rows = {operations.shown(route): (billed.reads, billed.writes, billed.deletes) for route, billed in found.items()}
    assert over_budget("operations", operations.COLUMNS, rows) == ()
