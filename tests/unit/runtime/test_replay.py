"""The state of a mesh, worked out anew from its documents."""

import pytest

from firemesh.errors import MeshNotFound, StoreUnavailable
from firemesh.runtime.replay import ENTRIES_PER_READ, read_replica
from firemesh.store import paths
from firemesh.store.base import Delete
from firemesh.store.memory import MemoryStore
from firemesh.store.mesh_store import MeshStore
from tests.support.secrecy import StoredGame


async def drop(game: StoredGame, first: int, last: int) -> None:
    await game.mesh.store.commit([Delete(paths.entry("m1", index)) for index in range(first, last + 1)])


async def test_the_log_alone_gives_the_state_after_its_newest_entry_however_long_it_is() -> None:
    game = await StoredGame(1, 12).begin()
    while game.head.last_index <= ENTRIES_PER_READ + 1 and not game.over:
        await game.step()
    assert game.head.last_index > ENTRIES_PER_READ
    _, replica = await read_replica(game.mesh)
    assert (replica.index, replica.state_hash) == (game.replica.index, game.replica.state_hash)
    assert replica.machine_state == game.replica.machine_state


async def test_what_a_snapshot_holds_is_not_read_from_the_log() -> None:
    game = await StoredGame(1, 6).begin()
    for _ in range(10):
        await game.step()
    await game.keep_snapshot()
    await drop(game, 1, game.replica.index)
    await game.step()
    _, replica = await read_replica(game.mesh)
    assert replica.state_hash == game.replica.state_hash


async def test_a_log_with_a_gap_is_said_not_guessed() -> None:
    game = await StoredGame(1, 6).begin()
    for _ in range(5):
        await game.step()
    await drop(game, 2, 2)
    with pytest.raises(StoreUnavailable):
        await read_replica(game.mesh)


async def test_there_is_no_state_of_no_mesh() -> None:
    with pytest.raises(MeshNotFound):
        await read_replica(MeshStore(MemoryStore().client("a"), "m9"))
