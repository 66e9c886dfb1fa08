"""The proof at the end: what the stored documents say, held against what the agents sent."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from firemesh.core.invariants import Checker
from firemesh.core.machine import Machine
from firemesh.core.messages import Command, Entry, Head, Snapshot
from firemesh.core.replica import Replica, apply_entry, initial_replica, views
from firemesh.errors import InvariantViolation, LocalStackError
from firemesh.store import paths
from firemesh.store.base import Fields, Store
from firemesh.store.mesh_store import MeshStore
from firemesh_cli.demo.insisting import insist

ENTRIES_PER_PAGE = 300
ENTRIES_MAX = 100_000
READINGS_MAX = 10
ALREADY_ORDERED = "ALREADY_ORDERED"
"""Refused because it is in the log already: a second copy."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Everything of one mesh that the proof looks at, read when nothing moves any more."""

    head: Head
    entries: tuple[Entry, ...]
    snapshot: Snapshot | None
    views: Mapping[str, Fields]
    waiting: tuple[str, ...]
    """Ids of requests still in the inbox."""
    refused: Mapping[str, str]
    """Requests the mesh would not order, by id, with the reason."""


async def read_stored(store: Store, mesh: MeshStore) -> Stored:
    """Read the mesh whole. What is written meanwhile makes it contradict itself: see `read_settled`."""
    head, _, _ = await mesh.read_head()
    snapshot = await mesh.read_snapshot(head.snapshot_index) if head.snapshot_index else None
    prefix = f"{paths.mesh(mesh.mesh_id)}/views"
    shown = (await store.list_documents(prefix)).documents
    waiting = (await store.list_documents(paths.inbox(mesh.mesh_id))).documents
    refused = (await store.list_documents(f"{paths.mesh(mesh.mesh_id)}/refused")).documents
    return Stored(
        head=head,
        entries=await _read_log(mesh, head),
        snapshot=snapshot,
        views={path.rsplit("/", 1)[1]: document.fields for path, document in shown.items()},
        waiting=tuple(path.rsplit("/", 1)[1] for path in waiting),
        refused={path.rsplit("/", 1)[1]: document.fields["reason"] for path, document in refused.items()},
    )


async def read_settled(store: Store, mesh: MeshStore) -> Stored:
    """`read_stored` once nothing is ordered any more. Functions may still end what they have begun, so: until it is still.

    Raises LocalStackError when it does not become still, and what `read_stored` raises when the store stays away.
    """
    for _ in range(READINGS_MAX):
        stored = await insist(lambda: read_stored(store, mesh))
        head, _, _ = await insist(mesh.read_head)
        if _stands_at(head) == _stands_at(stored.head):
            return stored
    raise LocalStackError(f"mesh {mesh.mesh_id} still changed while it was read, {READINGS_MAX} times")


def _stands_at(head: Head) -> tuple[int, int, int, int]:
    """What of a head moves with all that the proof looks at. A leader that renews its lease changes nothing of it."""
    return head.term, head.first_index, head.last_index, head.snapshot_index


async def _read_log(mesh: MeshStore, head: Head) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    for first in range(head.first_index, min(head.last_index, ENTRIES_MAX) + 1, ENTRIES_PER_PAGE):
        entries.extend(await mesh.read_entries(first, min(head.last_index, first + ENTRIES_PER_PAGE - 1)))
    return tuple(entries)


def replay(machine: Machine[Any], setup: Mapping[str, Any], entries: Sequence[Entry]) -> Replica[Any]:
    """The state that the whole log gives from its beginning. Raises InvariantViolation where it contradicts itself."""
    replica = initial_replica(machine, setup)
    for entry in entries:
        replica = apply_entry(replica, machine, entry)
    return replica


def replay_equals(machine: Machine[Any], setup: Mapping[str, Any], stored: Stored) -> bool:
    """Whether replaying the log gives exactly the views that are stored."""
    try:
        replica = replay(machine, setup, stored.entries)
    except InvariantViolation:
        return False
    expected = {name: dict(view) for name, view in views(replica, machine).items() if view}
    kept = {name: fields["view"] for name, fields in stored.views.items() if fields.get("view")}  # one that ended is blank
    return replica.index == stored.head.last_index and expected == kept


@dataclass(frozen=True, slots=True)
class Fates:
    """What became of the commands that agents knew to be in the inbox, by request id: each is in one of the first four."""

    committed: frozenset[str]
    refused: frozenset[str]
    waiting: frozenset[str]
    lost: frozenset[str]
    """Neither ordered nor refused nor waiting; refused as ordered already, without having been, is lost as well."""
    duplicated: frozenset[str]
    """Ordered more than once, whoever sent them."""


def fates(stored: Stored, journalled: Sequence[Command], of_pages: frozenset[str] = frozenset()) -> Fates:
    """Hold what the agents sent against what is stored. Of a page the requests are known, by their ids."""
    times = Counter(_request_id(command) for entry in stored.entries for command in entry.batch if command.agent_id)
    sent = frozenset(map(_request_id, journalled)) | of_pages
    committed = sent & times.keys()
    refusals = {request for request, reason in stored.refused.items() if reason != ALREADY_ORDERED}
    refused = (sent - committed) & refusals
    waiting = (sent - committed - refused) & set(stored.waiting)
    duplicated = frozenset(request for request, count in times.items() if count > 1)
    return Fates(committed, refused, waiting, sent - committed - refused - waiting, duplicated)


def count_commands(stored: Stored, journalled: Sequence[Command], of_pages: frozenset[str] = frozenset()) -> Mapping[str, int]:
    """How many commands were sent, as the agents knew, and what became of them (see `Fates`)."""
    found = fates(stored, journalled, of_pages)
    return {
        "sent": len(frozenset(map(_request_id, journalled)) | of_pages),
        "committed": len(found.committed),
        "refused": len(found.refused),
        "waiting": len(found.waiting),
        "lost": len(found.lost),
        "duplicated": len(found.duplicated),
    }


def count_others(stored: Stored, journalled: Sequence[Command], of_pages: frozenset[str] = frozenset()) -> int:
    """How many ordered commands came from runs that nobody here has started: those of people who played along."""
    ours = {_run(request) for request in frozenset(map(_request_id, journalled)) | of_pages}
    ordered = {_request_id(command) for entry in stored.entries for command in entry.batch if command.agent_id}
    return sum(_run(request) not in ours for request in ordered)


def _run(request_id: str) -> str:
    """Agent and incarnation: the request's id without its number."""
    return request_id.rpartition("_")[0]


def check_invariants(checker: Checker[Any], stored: Stored, journalled: Sequence[Command]) -> None:
    """Show the checker the whole log, and as acknowledged every command that was surely sent and is gone from the inbox.

    A refused one is none of them: its sender was told.
    """
    found = fates(stored, journalled)
    for command in journalled:
        if _request_id(command) in found.committed | found.lost:
            checker.see_acknowledged(command)
    for name, fields in stored.views.items():
        checker.see_view(f"views/{name}", fields["applied_index"])
    checker.check_log(stored.head, stored.entries, stored.snapshot)


def _request_id(command: Command) -> str:
    return paths.request_id(command.agent_id, command.inc, command.seq)


def terms(entries: Sequence[Entry]) -> list[Mapping[str, Any]]:
    """Who led each term, by the entry that opened it."""
    opened: dict[int, str] = {}
    for entry in entries:
        opened.setdefault(entry.term, entry.nonce.split("/", 1)[0])
    return [{"term": term, "leader": leader} for term, leader in sorted(opened.items())]
