"""API keys on request: who may make, see, replace and end whose. Nobody makes a key mightier than its own."""

from collections.abc import Mapping
from dataclasses import dataclass

from firemesh.control_plane.access import ANY_MESH, Identity, Operation, grant_denial, is_in_charge
from firemesh.control_plane.api_key import ApiKeyRecord
from firemesh.control_plane.guard import Guard
from firemesh.control_plane.key_ring import AlsoLanding, KeyRequest, KeyRing, NewKey, nothing
from firemesh.errors import KeyNotFound

KEYS_IN_PAGE_MAX = 200
NOT_IN_CHARGE = "KEY_GRANT"


@dataclass(frozen=True, slots=True)
class KeyPage:
    """Keys by id, in order, and the id at which the next page starts (empty: this was the last).

    Keys that are none of the caller's business are left out, so a page may be short, or empty, and yet not the last.
    """

    keys: Mapping[str, ApiKeyRecord]
    next_start: str


class KeyDesk:
    """The use cases about keys. A key for one mesh is dealt with in that mesh's trail, any other in the project's."""

    def __init__(self, ring: KeyRing, guard: Guard) -> None:
        self._ring = ring
        self._guard = guard

    async def create(
        self, identity: Identity, request: KeyRequest, *, request_id: str = "", also: AlsoLanding = nothing
    ) -> NewKey:
        """Make a key. Raises what `Guard.authorize` raises."""
        objection = grant_denial(identity, request.holder)
        await self._guard.authorize(
            identity, Operation.CREATE_KEY, _mesh_of(request.holder), objection=objection, request_id=request_id
        )
        return await self._ring.create(request, made_by=identity.key_id, also=also)

    async def list(self, identity: Identity, *, start: str = "", limit: int = 100, request_id: str = "") -> KeyPage:
        """A page of the keys the caller is in charge of. `limit` is 1 to KEYS_IN_PAGE_MAX. Raises what `authorize` raises."""
        await self._guard.authorize(identity, Operation.READ_KEYS, request_id=request_id)
        found = await self._ring.list(start=start, limit=limit + 1)
        ids = sorted(found)
        shown = {key_id: found[key_id] for key_id in ids[:limit] if is_in_charge(identity, found[key_id].identity(key_id))}
        return KeyPage(shown, ids[limit] if len(ids) > limit else "")

    async def get(self, identity: Identity, key_id: str, *, request_id: str = "") -> ApiKeyRecord:
        """What is stored of a key. Raises KeyNotFound, and what `authorize` raises."""
        holder, record = await self._look_up(identity, Operation.READ_KEYS, key_id, request_id)
        objection = "" if is_in_charge(identity, holder) else NOT_IN_CHARGE
        await self._authorize(identity, Operation.READ_KEYS, holder, objection, request_id)
        return record

    async def rotate(
        self,
        identity: Identity,
        key_id: str,
        *,
        overlap_seconds: int,
        request_id: str = "",
        also: AlsoLanding = nothing,
    ) -> NewKey:
        """Replace a key by a new one of the same scope. Raises what `KeyRing.rotate` and `authorize` raise."""
        holder, _ = await self._look_up(identity, Operation.ROTATE_KEY, key_id, request_id)
        await self._authorize(identity, Operation.ROTATE_KEY, holder, grant_denial(identity, holder), request_id)
        return await self._ring.rotate(key_id, overlap_seconds=overlap_seconds, made_by=identity.key_id, also=also)

    async def revoke(self, identity: Identity, key_id: str, *, overlap_seconds: int = 0, request_id: str = "") -> None:
        """End a key. Raises what `KeyRing.revoke` and `authorize` raise."""
        holder, _ = await self._look_up(identity, Operation.REVOKE_KEY, key_id, request_id)
        objection = "" if is_in_charge(identity, holder) else NOT_IN_CHARGE
        await self._authorize(identity, Operation.REVOKE_KEY, holder, objection, request_id)
        await self._ring.revoke(key_id, overlap_seconds=overlap_seconds)

    async def _look_up(
        self, identity: Identity, operation: Operation, key_id: str, request_id: str
    ) -> tuple[Identity, ApiKeyRecord]:
        """Who holds a key, and what is stored of it. Who has no business with keys does not learn which there are."""
        try:
            record = await self._ring.get(key_id)
        except KeyNotFound:
            await self._guard.authorize(identity, operation, target=key_id, request_id=request_id)
            raise
        return record.identity(key_id), record

    async def _authorize(
        self, identity: Identity, operation: Operation, holder: Identity, objection: str, request_id: str
    ) -> None:
        mesh_id = _mesh_of(holder)
        await self._guard.authorize(
            identity, operation, mesh_id, target=holder.key_id, objection=objection, request_id=request_id
        )


def _mesh_of(holder: Identity) -> str:
    return "" if holder.mesh == ANY_MESH else holder.mesh
