"""The replicated state of a mesh, worked out anew from what is stored, by somebody who does not manage it."""

from typing import Any

from firemesh.core.machine import Machine
from firemesh.core.replica import Replica, apply_entry, initial_replica, restore
from firemesh.errors import StoreUnavailable
from firemesh.game.registry import machine_named
from firemesh.store.mesh_store import MeshStore

ENTRIES_PER_READ = 100
TRIES_MAX = 3
"""Times to begin again when managers have compacted the log meanwhile."""


async def read_replica(mesh: MeshStore) -> tuple[Machine[Any], Replica[Any]]:
    """The machine of a mesh, and the state after its newest entry. Billed a read for each entry since the last snapshot.

    Raises:
        MeshNotFound: there is no such mesh.
        StoreUnavailable: the store does not answer, or the log was compacted three times while it was read; ask again.
        InvariantViolation: the log contradicts itself.
    """
    record = await mesh.read_record()
    machine = machine_named(record.machine)
    for _ in range(TRIES_MAX):
        head, _, _ = await mesh.read_head()
        snapshot = await mesh.read_snapshot(head.snapshot_index) if head.snapshot_index else None
        replica = initial_replica(machine, record.setup) if snapshot is None else restore(snapshot, machine)
        for first in range(replica.index + 1, head.last_index + 1, ENTRIES_PER_READ):
            last = min(head.last_index, first + ENTRIES_PER_READ - 1)
            entries = await mesh.read_entries(first, last)
            if len(entries) <= last - first:
                break
            for entry in entries:
                replica = apply_entry(replica, machine, entry)
        if replica.index == head.last_index:
            return machine, replica
    raise StoreUnavailable(f"mesh {mesh.mesh_id!r}: the log was compacted while it was read")
