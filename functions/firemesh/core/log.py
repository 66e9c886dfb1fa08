"""The replicated log: building the next entry and head, keeping the tail short, finding what a late manager lacks."""

from collections.abc import Mapping
from typing import Any, TypeVar

from firemesh.core.effects import Projection, ReadEntries, ReadSnapshot
from firemesh.core.machine import Machine
from firemesh.core.messages import TAIL_BYTES_MAX, TAIL_ENTRIES_MAX, Command, Entry, Head
from firemesh.core.replica import Replica, advance, views

S = TypeVar("S")

ENTRIES_PER_READ = 100
DELETES_PER_COMMIT = 400


def next_entry(
    replica: Replica[S],
    machine: Machine[S],
    *,
    term: int,
    at_ms: int,
    batch: tuple[Command, ...],
    nonce: str,
    asked_ms: int = 0,
) -> tuple[Entry, Replica[S]]:
    """The entry that orders `batch` after the replica's last one, and the replica after it."""
    at_ms = max(at_ms, replica.at_ms)
    after = advance(replica, machine, term=term, at_ms=at_ms, batch=batch)
    entry = Entry(
        index=after.index,
        term=term,
        prev_term=replica.term,
        at_ms=at_ms,
        batch=batch,
        nonce=nonce,
        state_hash=after.state_hash,
        asked_ms=asked_ms,
    )
    return entry, after


def head_with(head: Head, entry: Entry, after: Replica[S]) -> dict[str, Any]:
    """The fields of the head that an entry changes."""
    return {
        "last_index": entry.index,
        "last_term": entry.term,
        "voters": after.roster.voters,
        "status": after.roster.status,
        "tail": shortened((*head.tail, entry)),
    }


def shortened(tail: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The newest entries that fit the head: at most 16, at most about 3 KiB of commands."""
    kept: list[Entry] = []
    size = 0
    for entry in reversed(tail[-TAIL_ENTRIES_MAX:]):
        size += 200 + sum(len(command.payload) + 100 for command in entry.batch)
        if size > TAIL_BYTES_MAX:
            break
        kept.append(entry)
    return tuple(reversed(kept))


def missing(head: Head, replica: Replica[S]) -> tuple[Entry, ...] | ReadEntries | ReadSnapshot:
    """How the replica gets to the head: entries at hand in the tail, or what to read first."""
    wanted = replica.index + 1
    if head.tail and head.tail[0].index <= wanted:
        return tuple(entry for entry in head.tail if entry.index >= wanted)
    if wanted < head.first_index:
        return ReadSnapshot(head.snapshot_index)
    return ReadEntries(wanted, min(head.last_index, wanted + ENTRIES_PER_READ - 1))


def droppable(head: Head, keep_entries: int) -> tuple[int, int] | None:
    """The oldest log entries that a snapshot makes superfluous, as (first, last); None when there are none."""
    last = min(head.snapshot_index - keep_entries, head.first_index + DELETES_PER_COMMIT - 1)
    return (head.first_index, last) if last >= head.first_index else None


def projections(before: Replica[S], after: Replica[S], machine: Machine[S], head: Head) -> tuple[Projection, ...]:
    """The documents that this entry changes: views of audiences that see something new, roster rows, topology."""
    changed = [*_changed_views(before, after, machine), *_changed_members(before, after)]
    if before.roster != after.roster or before.term != after.term:
        changed.append(Projection("views/topology", topology(after, head)))
    return tuple(changed)


def topology(replica: Replica[S], head: Head) -> Mapping[str, Any]:
    """Who is in the mesh and who leads, for members and operators."""
    return {
        "applied_index": replica.index,
        "at_ms": replica.at_ms,
        "term": head.term,
        "leader": head.leader,
        "status": replica.roster.status.value,
        "voters": replica.roster.voters.model_dump(mode="json"),
        "members": {m.agent: {"type": m.type.value, "process": m.process} for m in replica.roster.living()},
    }


def _changed_views(before: Replica[S], after: Replica[S], machine: Machine[S]) -> list[Projection]:
    new = views(after, machine)
    old = views(before, machine) if before.index else {}  # the first entry shows what there is to see
    tag = {"applied_index": after.index, "at_ms": after.at_ms}
    written = [Projection(f"views/{name}", {**tag, "view": view}) for name, view in new.items() if old.get(name) != view]
    blanked = [Projection(f"views/{name}", {**tag, "view": {}}) for name in old if name not in new]
    return written + blanked


def _changed_members(before: Replica[S], after: Replica[S]) -> list[Projection]:
    old, new = before.roster.members, after.roster.members
    rows = [
        Projection(f"agents/{m.agent}", _row(after, m.model_dump(mode="json"))) for m in new.values() if old.get(m.agent) != m
    ]
    return rows + [Projection(f"agents/{agent}", None) for agent in old if agent not in new]


def _row(after: Replica[S], member: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"applied_index": after.index, **{key: value for key, value in member.items() if key != "past"}}
