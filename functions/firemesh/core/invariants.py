"""What must hold in every mesh at every moment, checked on what is stored. Pure; finds, never raises.

One checker serves unit tests, explorer, simulation, emulator tests and demo. It is fed in any mixture: head versions as
they come, entries as they are written, the whole log at the end.

I1  at most one leader per term
I2  term, last_index, first_index, snapshot_index, voters.version never decrease, seq grows; by replay, sessions too
I3  a term belongs to its leader until it releases it, and nobody takes over before the lease has run out, unless it says
    that the leader's process was said to have ended
I4  the log is contiguous, create-only, its terms never decrease, and it agrees with the head
I5  a command that was acknowledged is never lost
I6  equal index, equal state hash: in every entry, on every manager
I7  every (client, seq) is ordered once
I8  the applied index of a view never decreases
I9  nothing of an incarnation is ordered after its end
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from firemesh.core import membership
from firemesh.core.election import age_ms
from firemesh.core.machine import Machine
from firemesh.core.messages import Command, Entry, Head, MeshStatus, Snapshot
from firemesh.core.replica import Replica, advance, initial_replica, restore
from firemesh.errors import CorruptDocument

S = TypeVar("S")

INVARIANTS = ("I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9")
NEVER_DECREASING = ("term", "last_index", "last_term", "first_index", "snapshot_index")
VIOLATIONS_MAX = 100
"""Violations kept; one is enough to fail, and a broken run may find one per commit."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that must not be, with the values that show it."""

    invariant: str
    detail: str


@dataclass(frozen=True, slots=True)
class _SeenHead:
    head: Head
    version: int


class Checker(Generic[S]):
    """Collects what it is shown of one mesh and keeps what is wrong in `violations`.

    `checked` names the invariants for which there was something to compare: a run that shows too little proves nothing.
    """

    def __init__(self, machine: Machine[S], setup: Mapping[str, Any]) -> None:
        self.violations: list[Violation] = []
        self.checked: set[str] = set()
        self._machine = machine
        self._latest: _SeenHead | None = None
        self._leaders: dict[int, tuple[str, str]] = {}
        self._views: dict[str, int] = {}
        self._acknowledged: dict[tuple[str, int], Command] = {}
        self._entries: dict[int, Entry] = {}
        self._ordered: dict[tuple[str, int], Command] = {}
        self._ended: set[tuple[str, str]] = set()
        self._replica: Replica[S] = initial_replica(machine, setup)
        self._hashes: dict[int, tuple[str, str]] = {}

    # --- what is shown ----------------------------------------------------------------------------------------------

    def see_head(self, head: Head, version: int) -> None:
        """A version of the head, later than or equal to those before. Versions in between may be missing."""
        before, self._latest = self._latest, _SeenHead(head, version)
        self._check_leader(head)
        if before is not None and version != before.version:
            self._check_progress(before.head, head)
            self._check_succession(before, self._latest)
        elif before is not None:
            self._require("I2", head == before.head, f"version {version} of the head has two contents")

    def see_view(self, path: str, applied_index: int) -> None:
        """A view as written, in the order of writing."""
        last = self._views.get(path, 0)
        self._require("I8", applied_index >= last, f"{path} went back from entry {last} to {applied_index}")
        self._views[path] = applied_index

    def see_acknowledged(self, command: Command) -> None:
        """A command whose sender has been told that it is ordered."""
        self._acknowledged[command.client, command.seq] = command

    def is_ordered(self, command: Command) -> bool:
        """Whether an entry shown so far orders this command of a member."""
        return self._ordered.get((command.client, command.seq)) == command

    def see_applied(self, manager: str, index: int, state_hash: str) -> None:
        """A manager's replica after an entry."""
        known, origin = self._hashes.setdefault(index, (state_hash, manager))
        if origin != manager:
            self._require("I6", known == state_hash, f"entry {index} gives {known} at {origin} and {state_hash} at {manager}")

    def see_entry(self, entry: Entry) -> None:
        """A log document as written. Entries come in the order of their indexes; one shown again must be the same."""
        known = self._entries.get(entry.index)
        if known is not None:
            self._require("I4", known == entry, f"entry {entry.index} was overwritten")
            return
        self._entries[entry.index] = entry
        self._replay(entry)

    def check_log(self, head: Head, entries: Iterable[Entry], snapshot: Snapshot | None = None) -> None:
        """The whole log as stored, together with the head and the snapshot it names."""
        stored = {entry.index: entry for entry in entries}
        self._check_extent(head, stored, snapshot)
        if snapshot is not None:
            self._check_snapshot(snapshot, head)
        for index in sorted(stored):
            self.see_entry(stored[index])
        for entry in head.tail:
            stored_as = self._entries.get(entry.index, entry)
            self._require("I4", stored_as == entry, f"the tail's entry {entry.index} is another than the log's")
        self._check_acknowledged()

    # --- heads ------------------------------------------------------------------------------------------------------

    def _check_leader(self, head: Head) -> None:
        if head.released:
            return
        leader = self._leaders.setdefault(head.term, (head.leader, head.leader_inc))
        now = (head.leader, head.leader_inc)
        self._require("I1", leader == now, f"term {head.term} belongs to {leader} and to {now}")

    def _check_progress(self, before: Head, after: Head) -> None:
        for name in NEVER_DECREASING:
            old, new = getattr(before, name), getattr(after, name)
            self._require("I2", new >= old, f"{name} went back from {old} to {new}")
        old, new = before.voters.version, after.voters.version
        self._require("I2", new >= old, f"voters.version went back from {old} to {new}")
        status, now = (list(MeshStatus).index(head.status) for head in (before, after))
        self._require("I2", now >= status, f"status {before.status} was followed by {after.status}")
        over = before.status is MeshStatus.CLOSED
        self._require("I4", not over or after.last_index == before.last_index, "a closed mesh has ordered something")
        self._require("I2", after.seq > before.seq, f"seq {before.seq} was followed by {after.seq}: a commit was overwritten")
        if after.term == before.term and before.released:
            self._require("I3", after.released, f"term {after.term} was released and is led again by {after.leader}")

    def _check_succession(self, before: _SeenHead, after: _SeenHead) -> None:
        """Two versions of the head, a later and an earlier one. Of commits between them only the number is known.

        A commit that releases the lease orders nothing (but for the one that closes the mesh, which none follows). So where
        each commit ordered an entry, none was a release, and a takeover among them came no sooner than the lease allowed: the
        later version is at least that old.
        """
        old, new = before.head, after.head
        commits, ordered = new.seq - old.seq, new.last_index - old.last_index
        if new.term > old.term and new.deposed_inc:
            named = new.deposed_inc == old.leader_inc or new.term > old.term + 1
            self._require(
                "I3", named, f"term {new.term} was taken from {new.deposed_inc}, but {old.leader_inc or 'nobody'} led"
            )
        elif new.term > old.term and not old.released and ordered == commits:
            age = age_ms(before.version, after.version)
            self._require("I3", age >= old.ttl_ms, f"term {new.term} began {age} ms into a lease of {old.ttl_ms} ms")
        if new.term > old.term:
            opened = ordered >= 1 and new.last_term == new.term
            self._require("I4", opened, f"term {new.term} began without an entry of its own")
        self._require("I4", ordered <= commits, f"{commits} commits ordered {ordered} entries")

    # --- the log ----------------------------------------------------------------------------------------------------

    def _check_extent(self, head: Head, stored: Mapping[int, Entry], snapshot: Snapshot | None) -> None:
        expected = list(range(head.first_index, head.last_index + 1))
        self._require("I4", sorted(stored) == expected, f"the log holds {_spans(stored)}, the head says {_spans(expected)}")
        last_term = stored[head.last_index].term if head.last_index in stored else head.last_term
        self._require("I4", last_term == head.last_term, f"the last entry is of term {last_term}, not {head.last_term}")
        if head.first_index > 1:
            covered = snapshot is not None and head.first_index <= head.snapshot_index + 1
            self._require("I4", covered, f"no snapshot covers the entries before {head.first_index}")
        found = 0 if snapshot is None else snapshot.index
        self._require("I4", found == head.snapshot_index, f"snapshot {found} is stored, the head says {head.snapshot_index}")

    def _check_snapshot(self, snapshot: Snapshot, head: Head) -> None:
        try:
            replica = restore(snapshot, self._machine)
        except (CorruptDocument, ValueError, KeyError) as error:
            self._require("I4", False, f"snapshot {snapshot.index} cannot be read: {error}")
            return
        self.see_applied("the snapshot", snapshot.index, replica.state_hash)
        if head.first_index > self._replica.index + 1:
            self._start_from(replica)

    def _start_from(self, replica: Replica[S]) -> None:
        """Go on behind entries that were compacted away before they were shown."""
        self._replica = replica
        for member in replica.roster.members.values():
            self._ended |= {(member.agent, inc) for inc in member.past}
            if not member.alive:
                self._ended.add((member.agent, member.inc))

    def _replay(self, entry: Entry) -> None:
        before = self._replica
        if entry.index <= before.index:
            return
        follows = entry.index == before.index + 1 and entry.prev_term == before.term and entry.term >= before.term
        after_what = f"entry {before.index} of term {before.term}"
        self._require("I4", follows, f"entry {entry.index} of term {entry.term} does not follow {after_what}")
        if not follows:
            return
        for command in entry.batch:
            self._check_command(entry.index, command)
        self._replica = advance(before, self._machine, term=entry.term, at_ms=entry.at_ms, batch=entry.batch)
        self._require(
            "I6",
            self._replica.state_hash == entry.state_hash,
            f"entry {entry.index} says {entry.state_hash}, replay gives {self._replica.state_hash}",
        )
        self.see_applied("the log", entry.index, entry.state_hash)
        self._note_ended(before)
        self._check_sessions(before, entry.index)

    def _check_command(self, index: int, command: Command) -> None:
        if not command.agent_id:
            self._note_order_to_end(command)
            return
        key = (command.client, command.seq)
        self._require("I7", key not in self._ordered, f"entry {index} orders {key} again")
        gap = command.seq > 1 and (command.client, command.seq - 1) not in self._ordered and not self._began_late(command)
        self._require("I5", not gap, f"entry {index} orders {key} and skips the one before")
        self._ordered[key] = command
        ended = (command.agent_id, command.inc) in self._ended
        self._require("I9", not ended, f"entry {index} orders {key} after the end of that incarnation")

    def _began_late(self, command: Command) -> bool:
        """Whether the command before may lie in a part of the log that was compacted away unseen."""
        return self._replica.sessions.get(command.client) == command.seq - 1

    def _note_order_to_end(self, command: Command) -> None:
        """A member declared dead in a batch is dead for the rest of that batch."""
        if command.kind == membership.CLOSE:
            self._ended |= {(member.agent, member.inc) for member in self._replica.roster.living()}
        if command.kind not in (membership.MEMBER_DEAD, membership.REMOVE):
            return
        body = json.loads(command.payload)
        member = self._replica.roster.members.get(str(body.get("agent")))
        if member is not None and body.get("inc", "") in ("", member.inc):
            self._ended.add((member.agent, member.inc))

    def _note_ended(self, before: Replica[S]) -> None:
        for agent, member in before.roster.members.items():
            now = self._replica.roster.members.get(agent)
            if now is None or not now.alive or now.inc != member.inc:
                self._ended.add((agent, member.inc))

    def _check_sessions(self, before: Replica[S], index: int) -> None:
        after = self._replica.sessions
        for client, seq in before.sessions.items():
            now = after.get(client, seq)
            self._require("I2", now >= seq, f"entry {index} takes session {client} back from {seq} to {now}")

    def _check_acknowledged(self) -> None:
        for key, command in self._acknowledged.items():
            client, seq = key
            ordered = self._ordered.get(key)
            if ordered is None:
                kept = self._replica.sessions.get(client, 0) >= seq or (command.agent_id, command.inc) in self._ended
                self._require("I5", kept and 1 not in self._entries, f"{key} was acknowledged and is lost")
            else:
                self._require("I5", ordered == command, f"{key} was acknowledged, but another command was ordered")

    def _require(self, invariant: str, holds: bool, detail: str) -> None:
        self.checked.add(invariant)
        if not holds and len(self.violations) < VIOLATIONS_MAX:
            self.violations.append(Violation(invariant, detail))


def _spans(indexes: Iterable[int]) -> str:
    """A set of indexes as text: `1-4, 7`."""
    spans: list[list[int]] = []
    for index in sorted(indexes):
        if spans and spans[-1][1] == index - 1:
            spans[-1][1] = index
        else:
            spans.append([index, index])
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in spans) or "nothing"
