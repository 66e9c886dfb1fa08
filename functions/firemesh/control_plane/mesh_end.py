"""The end of a mesh, and of the keys that were made for it alone."""

from firemesh.control_plane.key_ring import KeyRing
from firemesh.errors import MeshNotFound
from firemesh.runtime.mesh import Mesh
from firemesh.store.mesh_removal import Removal


async def delete_with_keys(mesh: Mesh, keys: KeyRing, *, force: bool) -> Removal:
    """Delete a portion of a mesh's documents; call again until it is done. Then the keys for it alone end, too.

    Raises what `Mesh.delete` raises.
    """
    try:
        removal = await mesh.delete(force=force)
    except MeshNotFound:
        # Whoever deleted the last portion may have got no further than that.
        await keys.revoke_bound(mesh.mesh_id)
        raise
    if removal.done:
        await keys.revoke_bound(mesh.mesh_id)
    return removal
