"""A few managers over one model store, moved by hand: for scenario tests, and for the first state of the explorer."""

from collections.abc import Sequence
from typing import Any

from firemesh.core.effects import (
    Arm,
    CastVote,
    Commit,
    Committed,
    CommitUndecided,
    Disarm,
    Effect,
    Event,
    HeadSeen,
    ManagerRole,
    Proposal,
    ReadElection,
    ReadEntries,
    ReadHead,
    ReadSnapshot,
    Request,
    RequestsSeen,
    Timer,
    TimerFired,
)
from firemesh.core.invariants import Checker
from firemesh.core.machine import Machine
from firemesh.core.manager import Manager
from firemesh.core.messages import Command, canonical_json
from firemesh.core.params import TEST, Params
from firemesh.core.turn import ManagerState
from tests.support.ledger import LedgerMachine
from tests.support.liveness import stuck
from tests.support.model_store import ModelStore, Silence

AT_MS = 1000
SHARED = "@functions"
"""Who a shared manager is; its runs are called @1, @2, ... here."""
Read = ReadHead | ReadElection | ReadEntries | ReadSnapshot


def incarnation(name: str, run: int = 0) -> str:
    """A legible incarnation: the same for the same name and run."""
    return f"{sum(ord(c) for c in name) % 0xFFFF:04x}{run:08x}"


def manager_called(name: str, run: int = 0, *, params: Params, machine: Machine[Any] | None = None) -> Manager[Any]:
    """A manager, or a run of the shared one."""
    shared = name.startswith("@")
    me = SHARED if shared else name
    return Manager(me, incarnation(name, run), machine or LedgerMachine(), {}, params, shared=shared)


def command(agent: str, seq: int, kind: str = "ledger.note", body: dict[str, Any] | None = None, run: int = 0) -> Command:
    return Command(agent_id=agent, inc=incarnation(agent, run), seq=seq, kind=kind, payload=canonical_json(body or {}))


def join(agent: str, kind: str = "worker", run: int = 0, **extra: Any) -> Command:
    body = {"type": kind, "process": f"p-{agent}", **extra}
    return command(agent, 1, "mesh.join", body, run)


def request(of: Command, received: int = 0) -> Request:
    return Request(id=f"{of.agent_id}_{of.inc}_{of.seq:08d}", received=received or of.seq, command=of)


class Scripted:
    """One manager. Its reads and votes are answered at once by the model store; its commits wait in `commits`."""

    def __init__(self, mesh: "ScriptedMesh", name: str, run: int = 0, machine: Machine[Any] | None = None) -> None:
        self.mesh = mesh
        self.name = name
        self.manager = manager_called(name, run, params=mesh.store.params, machine=machine)
        self.armed: dict[Timer, Arm] = {}
        self.commits: list[Proposal] = []
        self.effects: list[Effect] = []
        self.answers_reads = True
        self.reads: list[Read | CastVote] = []
        self.at_ms = AT_MS

    @property
    def state(self) -> ManagerState[Any]:
        return self.manager.state

    @property
    def role(self) -> ManagerRole:
        return self.state.role

    def start(self) -> "Scripted":
        self._perform(self.manager.start())
        return self

    def tell(self, event: Event) -> list[Effect]:
        """One event; the effects of this step and of all answers that came at once."""
        self.effects = []
        self._perform(self.manager.step(event, self.at_ms))
        calls = [*self.reads, *(Commit(proposal) for proposal in self.commits)]
        problems = stuck(self.manager.identity, self.state, self.armed.keys(), calls)
        assert not problems, f"{self.name}: {problems}"
        return self.effects

    def fire(self, timer: Timer) -> list[Effect]:
        assert timer in self.armed, f"{timer} is not armed"
        del self.armed[timer]
        return self.tell(TimerFired(timer))

    def sees_head(self) -> list[Effect]:
        return self.tell(HeadSeen(self.mesh.store.head, self.mesh.store.version))

    def sees(self, *commands: Command) -> list[Effect]:
        """The inbox shows these commands."""
        return self.tell(RequestsSeen(tuple(request(each) for each in commands)))

    def answer_reads(self) -> None:
        """From now on, and for the reads that wait, the store answers."""
        self.answers_reads = True
        self.answer_reads_once()

    def answer_reads_once(self) -> None:
        """The store answers the reads that wait."""
        waiting, self.reads = self.reads, []
        for read in waiting:
            self.tell(self.mesh.answer(read))

    # --- what becomes of a commit -----------------------------------------------------------------------------------

    def lands(self) -> Proposal:
        """The commit in flight lands and is acknowledged."""
        proposal = self.commits.pop(0)
        version = self.mesh.land(proposal)
        self.tell(Committed(proposal.nonce, version))
        return proposal

    def lands_unheard(self) -> Proposal:
        """The commit lands; its acknowledgement is lost."""
        proposal = self.commits.pop(0)
        self.mesh.land(proposal)
        self.tell(CommitUndecided(proposal.nonce))
        return proposal

    def is_lost(self) -> Proposal:
        """The commit does not land, for whatever reason."""
        proposal = self.commits.pop(0)
        self.tell(CommitUndecided(proposal.nonce))
        return proposal

    def settle(self) -> None:
        """Land every commit until none is in flight."""
        while self.commits:
            self.lands()

    def _perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            self.effects.append(effect)
            match effect:
                case Arm(timer):
                    self.armed[timer] = effect
                case Disarm(timer):
                    self.armed.pop(timer, None)
                case Commit(proposal):
                    self.commits.append(proposal)
                case ReadHead() | ReadElection() | ReadEntries() | ReadSnapshot() | CastVote():
                    if self.answers_reads:
                        self._perform(self.manager.step(self.mesh.answer(effect), self.at_ms))
                    else:
                        self.reads.append(effect)


class ScriptedMesh:
    """A store, its managers, and a checker that sees every commit."""

    def __init__(self, *names: str, params: Params = TEST) -> None:
        self.store = ModelStore(params)
        self.checker: Checker[Any] = Checker(LedgerMachine(), {})
        self.managers = {name: Scripted(self, name) for name in names}
        self._time = 1
        self.checker.see_head(self.store.head, self._time)

    def __getitem__(self, name: str) -> Scripted:
        return self.managers[name]

    def silence(self, silence: Silence) -> None:
        """The head stays unchanged for this long."""
        self.store = ModelStore(**{**vars(self.store), "silence": silence})

    def answer(self, effect: Read | CastVote) -> Event:
        if isinstance(effect, CastVote):
            self.store = self.store.with_vote(effect.vote)
        return self.store.answer(effect)

    def land(self, proposal: Proposal) -> int:
        """Land a commit. Its preconditions must hold."""
        assert self.store.accepts(proposal), f"{proposal.kind} on version {proposal.base_version} cannot land"
        self._time += 1 + self.store.silence.nanoseconds(self.store.params)
        self.store = self.store.landed(proposal)
        self.checker.see_head(proposal.head, self._time)
        self.checker.check_log(self.store.head, self.store.log, self.store.snapshot)
        assert self.checker.violations == []
        return self.store.version

    def start(self) -> "ScriptedMesh":
        for manager in self.managers.values():
            manager.start()
        return self

    def led_by(self, name: str, *members: Command) -> "ScriptedMesh":
        """All managers started and joined, `name` leading, every head seen by all."""
        self.start()
        leader = self[name]
        leader.fire(Timer.CAMPAIGN)
        leader.lands()
        voters = [name for name in self.managers if not name.startswith("@")]
        for each in (*(join(voter, "manager") for voter in voters), *members):
            leader.sees(each)
            leader.settle()
        self.all_see_head()
        return self

    def taken_over_by(self, name: str) -> Scripted:
        """Another manager takes the lead from whoever has it."""
        self.silence(Silence.DESERTED)
        other = self[name]
        other.sees_head()
        other.fire(Timer.CAMPAIGN)
        other.lands()
        return other

    def all_see_head(self) -> None:
        for manager in self.managers.values():
            manager.sees_head()
