"""Deleting a mesh with all its documents, in portions that may break off anywhere and be repeated by anybody.

First nobody may lead any more: the head says `closed`, by the members' own decision or by force. Then no consensus commit can
land, and what is below the mesh only shrinks but for the last words of processes that have not noticed yet. Head and mesh
document go last, together: while they are there, nobody can create a mesh of that name.

Each document is deleted on condition that it is as it was listed while that mesh was still there. So whoever deletes late, or
beside somebody else, cannot touch a document of a later mesh of the same name.
"""

from dataclasses import dataclass

from pydantic import ValidationError

from firemesh.core.messages import NOBODY_LEADS, Head, MeshStatus
from firemesh.errors import ContentionError, CorruptDocument, MeshNotClosed, MeshNotFound, StoreUnavailable
from firemesh.ids import new_incarnation
from firemesh.store import paths
from firemesh.store.base import Delete, Document, Put, Store

COLLECTIONS = ("agents", "inbox", "refused", "sent", "log", "votes", "snapshots", "views", "states", "liveness", "audit")
"""All that lies below a mesh, but the head. The roster goes first: whoever lives still learns of the end from it."""
DELETIONS_PER_COMMIT = 200
DELETIONS_PER_PORTION = 2000
ATTEMPTS_MAX = 8
"""Tries of one step while others write the same documents."""
COMMIT_SECONDS_MAX = 10.0


@dataclass(frozen=True, slots=True)
class Removal:
    """What one portion has come to: documents deleted by it, and whether the mesh is gone."""

    deleted: int
    done: bool


class MeshRemoval:
    """Deletes one mesh."""

    def __init__(self, store: Store, mesh_id: str) -> None:
        self._store = store
        self._mesh_id = mesh_id

    async def portion(self, *, force: bool = False) -> Removal:
        """Delete at most DELETIONS_PER_PORTION documents; call again until `done`.

        Raises:
            MeshNotFound: there is no such mesh, nor anything left of one.
            MeshNotClosed: it is in use. With `force` it is closed first: whoever is in it, is out.
            StoreUnavailable: others write the same documents all the time; call again.
            What `Store.commit` raises. Nothing is lost by calling again.
        """
        standing = await self._close(force)
        deleted = 0
        for name in COLLECTIONS:
            failures = 0
            while found := await self._list(name):
                if deleted >= DELETIONS_PER_PORTION:
                    return Removal(deleted, False)
                if await self._standing() != standing:
                    return Removal(deleted, True)  # somebody else has finished it; what was listed may be a new mesh's
                if await self._delete(found):
                    deleted += len(found)
                elif (failures := failures + 1) >= ATTEMPTS_MAX:
                    raise StoreUnavailable(f"{name} of mesh {self._mesh_id!r} are written all the time; not deleted yet")
        if not standing and not deleted:
            raise MeshNotFound(f"there is no mesh {self._mesh_id!r}")
        if not standing or not await self._delete(standing):
            return Removal(deleted, True)  # gone before: these were left behind, or somebody else has finished it
        return Removal(deleted + len(standing), True)

    async def _standing(self) -> list[Document]:
        """Head and mesh document, as far as they exist."""
        wanted = [paths.head(self._mesh_id), paths.mesh(self._mesh_id)]
        found = (await self._store.get_all(wanted)).documents
        return [found[path] for path in wanted if path in found]

    async def _close(self, force: bool) -> list[Document]:
        """See to it that nobody leads the mesh any more; head and mesh document as they stand then."""
        for _ in range(ATTEMPTS_MAX):
            standing = await self._standing()
            stored = next((document for document in standing if document.path == paths.head(self._mesh_id)), None)
            if stored is None or (head := _head(stored, force)).closed:
                return standing
            if head.term and not force:
                raise MeshNotClosed(f"mesh {self._mesh_id!r} is {head.status}: close it first, or delete it by force")
            changes = {**NOBODY_LEADS, "transfer_to": "", "status": MeshStatus.CLOSED}
            nonce = f"removal/{new_incarnation()}/1"
            closed = head.model_copy(update={**changes, "seq": head.seq + 1, "nonce": nonce})
            try:
                write = Put(stored.path, closed.model_dump(mode="json"), if_update_time=stored.update_time)
                await self._store.commit([write], timeout_seconds=COMMIT_SECONDS_MAX)
            except ContentionError:
                continue  # a leader has written meanwhile
        raise StoreUnavailable(f"mesh {self._mesh_id!r} is written all the time; it is not deleted yet")

    async def _list(self, name: str) -> list[Document]:
        collection = f"{paths.mesh(self._mesh_id)}/{name}"
        return list((await self._store.list_documents(collection, limit=DELETIONS_PER_COMMIT)).documents.values())

    async def _delete(self, documents: list[Document]) -> bool:
        """Delete documents as they were read; False when one of them has gone or says something new."""
        writes = [Delete(document.path, if_update_time=document.update_time) for document in documents]
        try:
            await self._store.commit(writes, timeout_seconds=COMMIT_SECONDS_MAX)
        except ContentionError:
            return False
        return True


def _head(stored: Document, force: bool) -> Head:
    """The head as stored. By force, one that cannot be read is nobody's."""
    try:
        return Head.model_validate(dict(stored.fields))
    except ValidationError as error:
        if force:
            return Head()
        raise CorruptDocument(f"{stored.path} does not fit Head") from error
