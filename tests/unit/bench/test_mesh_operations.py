"""Over the store in memory a mesh is billed what the table says; the meter counts the same on the emulator (test_budgets)."""

from firemesh_cli.bench import mesh_operations, virtual_time
from firemesh_cli.bench.budget import budget
from firemesh_cli.bench.metered_memory import MeteredMemory
from firemesh_cli.stack.reading import Billed


async def counted() -> dict[str, Billed]:
    memory = MeteredMemory()
    return await mesh_operations.count(memory.client, memory.counts)


def test_each_operation_is_billed_exactly_its_row_and_a_race_no_more() -> None:
    found = mesh_operations.table(virtual_time.run(counted()))
    race = f"takeover, {mesh_operations.CANDIDATES} candidates"
    rows = {name: dict(zip(mesh_operations.COLUMNS, figures, strict=True)) for name, figures in found.items()}
    most = budget()["mesh-operations"]
    assert {name: row for name, row in rows.items() if name != race} == {n: row for n, row in most.items() if n != race}
    assert rows[race]["reads"] <= most[race]["reads"]
    assert rows[race]["writes"] == most[race]["writes"]
