"""What the simulation watches: managers that are checked after every step, and a store checked after every commit."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from firemesh.core.effects import (
    Arm,
    CastVote,
    Commit,
    Committed,
    CommitUndecided,
    Disarm,
    Effect,
    ElectionRead,
    EntriesRead,
    Event,
    HeadRead,
    ManagerRole,
    ReadElection,
    ReadEntries,
    ReadFailed,
    ReadHead,
    ReadSnapshot,
    RoleChanged,
    SnapshotRead,
    Timer,
    TimerFired,
    VoteCast,
    VoteFailed,
)
from firemesh.core.invariants import Checker
from firemesh.core.manager import Manager
from firemesh.core.messages import Command, Entry, Head, Snapshot
from firemesh.store import paths
from firemesh.store.base import Create, Delete, Put
from firemesh.store.memory import CommitRecord, MemoryStore
from tests.support.ledger import LedgerMachine
from tests.support.liveness import stuck

ANSWERED_BY: Mapping[type, tuple[type, ...]] = {
    Committed: (Commit,),
    CommitUndecided: (Commit,),
    VoteCast: (CastVote,),
    VoteFailed: (CastVote,),
    HeadRead: (ReadHead,),
    ElectionRead: (ReadElection,),
    EntriesRead: (ReadEntries,),
    SnapshotRead: (ReadSnapshot,),
}
CALLS = (Commit, CastVote, ReadHead, ReadElection, ReadEntries, ReadSnapshot)


class ObservedManager(Manager[Any]):
    """A manager that is looked at after every step: has it something to wait for, is its replica like the others'?"""

    def __init__(self, *args: Any, observe: Callable[["ObservedManager"], None], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._observe = observe
        self._armed: set[Timer] = set()
        self._calls: Counter[type] = Counter()
        self.depositions = 0
        """How often it stopped leading, but for the end of the mesh."""

    def start(self) -> list[Effect]:
        effects = super().start()
        self._note(effects)
        return effects

    def step(self, event: Event, at_ms: int) -> list[Effect]:
        led = self.state.role is ManagerRole.LEADER
        if isinstance(event, TimerFired):
            self._armed.discard(event.timer)
        if isinstance(event, ReadFailed):
            self._calls[type(event.effect)] -= 1
        for call in ANSWERED_BY.get(type(event), ()):
            self._calls[call] -= 1
        effects = super().step(event, at_ms)
        self._note(effects)
        self.depositions += led and not self.state.head.closed and any(isinstance(e, RoleChanged) for e in effects)
        self._observe(self)
        return effects

    def stuck(self) -> list[str]:
        """Why it would stand still for ever, if it would."""
        return stuck(
            self.identity, self.state, self._armed, [_stand_in(kind) for kind, count in self._calls.items() if count > 0]
        )

    def _note(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Arm(timer):
                    self._armed.add(timer)
                case Disarm(timer):
                    self._armed.discard(timer)
                case _ if isinstance(effect, CALLS):
                    self._calls[type(effect)] += 1


def _stand_in(kind: type) -> Any:
    """A stand-in for a call of this kind; only its type is looked at."""
    return object.__new__(kind)


class ObservedMesh:
    """Feeds one checker from the commits of a `MemoryStore`, as they land."""

    def __init__(self, mesh_id: str) -> None:
        self.mesh_id = mesh_id
        self.checker: Checker[Any] = Checker(LedgerMachine(), {})
        self.leaders: list[tuple[int, str]] = []
        self.commits = 0
        self.led_at_ns = 0
        """When a leader last wrote the head."""
        self._prefix = f"meshes/{mesh_id}/"
        self._head: Head | None = None
        self._inbox: dict[str, Command] = {}

    def see(self, record: CommitRecord) -> None:
        """One commit that has landed."""
        self.commits += 1
        for write in record.writes:
            if not isinstance(write, Delete) and write.path.startswith(self._prefix):
                self._see_document(write, record.commit_time)
        self._see_inbox(record)

    def _see_inbox(self, record: CommitRecord) -> None:
        """A member's command that a commit takes from the inbox, unrefused, is acknowledged: its sender lets go of it."""
        refused = {write.path.rsplit("/", 1)[1] for write in record.writes if write.path.startswith(f"{self._prefix}refused/")}
        for write in record.writes:
            collection, _, request = write.path.removeprefix(self._prefix).partition("/")
            if collection != "inbox":
                continue
            if not isinstance(write, Delete):
                self._inbox[request] = Command.model_validate(dict(write.fields))
            elif request in self._inbox and self._inbox[request].agent_id and request not in refused:
                self.checker.see_acknowledged(self._inbox[request])

    def _see_document(self, write: Create | Put, commit_time: int) -> None:
        fields, collection = dict(write.fields), write.path.removeprefix(self._prefix).split("/")[0]
        if collection == "consensus":
            head = Head.model_validate(fields)
            if head == self._head:
                return  # a write that changes nothing makes no new version
            self._head = head
            self.checker.see_head(head, commit_time)
            if not head.released:
                self.led_at_ns = commit_time
                if not self.leaders or self.leaders[-1][0] != head.term:
                    self.leaders.append((head.term, head.leader))
        elif collection == "log":
            self.checker.see_entry(Entry.model_validate(fields))
        elif collection == "views":
            self.checker.see_view(write.path, fields["applied_index"])

    def check_all(self, store: MemoryStore) -> None:
        """Everything stored, at the end."""
        documents = {path: dict(document.fields) for path, document in store.documents().items()}
        head = Head.model_validate(documents[paths.head(self.mesh_id)])
        entries = [Entry.model_validate(f) for p, f in sorted(documents.items()) if p.startswith(f"{self._prefix}log/")]
        found = [Snapshot.model_validate(f) for p, f in documents.items() if p.startswith(f"{self._prefix}snapshots/")]
        assert len(found) <= 1, f"{len(found)} snapshots are stored"
        self.checker.check_log(head, entries, found[0] if found else None)
