"""An explicit-state explorer over the real core: every order of events that the bounds allow, each state checked.

The world is a store, managers with their armed timers, and the commits on their way. A commit on its way may land at any
time, with or without its acknowledgement, or never; a sender may give it up at any time. A timer may run out whenever it is
armed, so no clock is trusted. How long the head has been silent is a free choice at each election read. A listener shows
the head of the moment, or nothing. Reads and votes are answered at once, unless `slow_reads`: a process that is paused
between asking and hearing the answer is the same as one that is paused after hearing it.

States are small tuples of numbers; what they stand for is kept once. `step` is pure, so its results are kept too.
"""

import gc
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    ProposalKind,
    ReadElection,
    ReadEntries,
    ReadFailed,
    ReadHead,
    ReadSnapshot,
    ReleaseAsked,
    Request,
    RequestsSeen,
    RunEnded,
    Timer,
    TimerFired,
    VoteFailed,
)
from firemesh.core.invariants import Checker, Violation
from firemesh.core.manager import step
from firemesh.core.messages import Command
from firemesh.core.params import Params
from firemesh.core.turn import Identity, ManagerState
from firemesh.errors import InvariantViolation
from tests.support.band import BandMachine, note
from tests.support.liveness import stuck
from tests.support.model_store import ModelStore, Silence
from tests.support.scripted import AT_MS, ScriptedMesh, command, incarnation, join, manager_called, request

Call = ReadHead | ReadElection | ReadEntries | ReadSnapshot | CastVote
Precondition = Callable[[ModelStore, Proposal], bool]

PARAMS = Params(ttl_ms=1500, renew_ms=500, grace_ms=200, rpc_timeout_ms=375, sends_max=2, polls_max=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How far the world may go. Within these bounds the search is exhaustive."""

    managers: int = 2
    shared: int = 0
    """Runs of the shared manager, beside the others."""
    terms: int = 2
    takeovers: int = 3
    """Takeovers tried, whether they land or not."""
    commands: int = 2
    orders: tuple[Command, ...] = ()
    """Of the operator; they come after the commands."""
    renewals: int = 1
    releases: int = 0
    crashes: int = 0
    hints: int = 0
    """How often a manager may be told that another's run has ended, true or not."""
    moves: int = 0
    """What a program wants to do."""
    deserted: bool = False
    """Whether the head may be silent for so long that one manager alone takes over."""
    slow_reads: bool = False
    params: Params = PARAMS
    states_max: int = 2_000_000


@dataclass(frozen=True, slots=True)
class Local:
    """One manager as the world sees it: its state, its timers, its unanswered calls, and which run of it this is."""

    state: ManagerState[Any]
    armed: frozenset[Timer]
    calls: frozenset[Effect]
    run: int = 0


Budget = tuple[int, int, int, int, int]
World = tuple[int, tuple[int, ...], frozenset[int], Budget]
"""Store, managers, commits on their way (all as numbers), and what is left of renewals, releases, crashes, takeovers,
hints."""


@dataclass(slots=True)
class Result:
    """What a search has found. `trace` leads to the first violation."""

    states: int = 0
    transitions: int = 0
    exhausted: bool = False
    violation: Violation | None = None
    trace: tuple[str, ...] = ()
    kinds_landed: set[ProposalKind] = field(default_factory=set)

    def __str__(self) -> str:
        if self.violation is not None:
            return "\n".join([f"{self.violation} after {self.states} states:", *self.trace])
        found = ", ".join(sorted(self.kinds_landed))
        end = "exhausted" if self.exhausted else "bound hit"
        return f"{end}: {self.states:,} states, {self.transitions:,} transitions, no violation; landed: {found}"


class _Table:
    """Values and their numbers."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[Hashable, int] = {}

    def number(self, value: Hashable) -> int:
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number

    def __getitem__(self, number: int) -> Any:
        return self.values[number]


class _Found(Exception):
    def __init__(self, violation: Violation, move: "Move") -> None:
        super().__init__(violation)
        self.violation = violation
        self.move = move


Reaction = tuple[int, int, tuple[int, ...], int]
"""What one event did: the manager, the store (votes), the commits it sent, how many of them are new takeovers."""

Move = tuple[str, str]
"""Who (a manager, or a commit by its nonce) and what."""

FREE = (0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that may happen to a manager now. `name` tells it from the others; `cost` is taken from the budget.

    `event` is None for a call that the store answers; `silence` is how long the head has been unchanged by then.
    """

    name: str
    event: Event | None
    call: Call | None = None
    silence: Silence | None = None
    cost: Budget = FREE


class Explorer:
    """One search. `accepts` is the store's precondition; a mutant of the protocol may bring a weaker one."""

    def __init__(self, bounds: Bounds, accepts: Precondition = ModelStore.accepts, *, sound: bool = True) -> None:
        self.bounds = bounds
        self.result = Result()
        self._accepts = accepts
        self._sound = sound
        self._stores = _Table()
        self._locals = _Table()
        self._proposals = _Table()
        self._menus: dict[Hashable, Sequence[tuple[Choice, Reaction]]] = {}
        self._reactions: dict[Hashable, Reaction | None] = {}
        self._landed: dict[tuple[int, int], int | None] = {}
        commands = (request(command("w", seq)) for seq in range(2, 2 + bounds.commands))
        orders = (Request(f"order-{n}", 100 + n, order) for n, order in enumerate(bounds.orders))
        self._requests = (*commands, *orders)
        voters = (f"m{n + 1}" for n in range(bounds.managers))
        self._names = (*voters, *(f"@{n + 1}" for n in range(bounds.shared)))
        self._machine = BandMachine(*(note("@9", 0) for _ in range(bounds.moves)))
        self._first_store, self._first_locals = self._genesis()
        self._last_term = self._first_store.head.term + bounds.terms

    def run(self) -> Result:
        """Search breadth first, until there is nothing new, a violation, or too much."""
        gc.disable()  # millions of small tuples, none of them garbage
        try:
            return self._search()
        finally:
            gc.enable()

    def _search(self) -> Result:
        first = world = self._first_world()
        came_from: dict[World, tuple[World, Move] | None] = {first: None}
        frontier = deque([first])
        try:
            while frontier and len(came_from) < self.bounds.states_max:
                world = frontier.popleft()
                for name, after in self._moves(world):
                    self.result.transitions += 1
                    if after not in came_from:
                        came_from[after] = (world, name)
                        frontier.append(after)
            self.result.exhausted = not frontier
        except _Found as found:
            self.result.violation = found.violation
            self.result.trace = tuple(" ".join(move) for move in (*_path(came_from, world), found.move))
        self.result.states = len(came_from)
        return self.result

    # --- the first state --------------------------------------------------------------------------------------------

    def _genesis(self) -> tuple[ModelStore, tuple[Local, ...]]:
        """A mesh whose managers and one worker have joined, and whose first leader has just released its lease.

        Without managers that vote the shared one leads, and goes on leading.
        """
        mesh = ScriptedMesh(*self._names, params=self.bounds.params).led_by(self._names[0], join("w"))
        leader = mesh[self._names[0]]
        if self.bounds.managers:
            leader.tell(ReleaseAsked())
            leader.settle()
        mesh.all_see_head()
        self._identities = {
            (name, 0): replace(scripted.manager.identity, machine=self._machine) for name, scripted in mesh.managers.items()
        }
        first = tuple(Local(m.state, frozenset(m.armed), frozenset()) for m in mesh.managers.values())
        return mesh.store, first

    def _first_world(self) -> World:
        managers = tuple(self._locals.number(local) for local in self._first_locals)
        bounds = self.bounds
        budget = (bounds.renewals, bounds.releases, bounds.crashes, bounds.takeovers, bounds.hints)
        return (self._stores.number(self._first_store), managers, frozenset(), budget)

    def _identity(self, manager: int, run: int) -> Identity[Any]:
        name = self._names[manager]
        if (name, run) not in self._identities:
            self._identities[name, run] = manager_called(name, run, params=self.bounds.params, machine=self._machine).identity
        return self._identities[name, run]

    # --- what can happen --------------------------------------------------------------------------------------------

    def _moves(self, world: World) -> Iterator[tuple[Move, World]]:
        yield from self._landings(world)
        store, managers, _, (renewals, releases, crashes, _, hints) = world
        for manager, local in enumerate(managers):
            name = self._names[manager]
            for choice, reaction in self._menu(manager, local, store, (renewals > 0, releases > 0, hints > 0)):
                after = self._after(world, manager, reaction, choice.cost)
                if after is not None:
                    yield (name, choice.name), after
            if crashes > 0 and self._locals[local].run == 0:
                yield (name, "crashes and starts anew"), self._crash(world, manager)

    def _landings(self, world: World) -> Iterator[tuple[Move, World]]:
        """A commit on its way lands; whoever still waits for it may hear of that or not."""
        store, managers, on_their_way, budget = world
        for number in sorted(on_their_way):
            landed = self._land(store, number)
            if landed is None:
                continue
            proposal: Proposal = self._proposals[number]
            after = (landed, managers, self._possible(landed, on_their_way), budget)
            yield (proposal.nonce, "lands unheard"), after
            for manager, local in enumerate(managers):
                if self._awaits(local, proposal):
                    reaction = self._hears_landing(manager, local, landed, proposal)
                    heard = self._after(after, manager, reaction, FREE)
                    if heard is not None:
                        yield (proposal.nonce, "lands"), heard

    def _awaits(self, local: int, proposal: Proposal) -> bool:
        pending = self._locals[local].state.pending
        return pending is not None and not pending.resolving and pending.proposal.nonce == proposal.nonce

    def _hears_landing(self, manager: int, local: int, store: int, proposal: Proposal) -> Reaction | None:
        key = (manager, local, store, proposal.nonce)
        if key not in self._reactions:
            committed = Committed(proposal.nonce, self._stores[store].version)
            self._reactions[key] = self._deal(manager, local, store, Choice("hears of its commit", committed))
        return self._reactions[key]

    def _menu(
        self, manager: int, local: int, store: int, allowed: tuple[bool, bool, bool]
    ) -> Sequence[tuple[Choice, Reaction]]:
        """What may happen to a manager in its state, and what follows; what leads out of the bounds is left out."""
        key = (manager, local, store, allowed)
        if key not in self._menus:
            shared = self._identity(manager, 0).shared
            may_renew, may_release, may_hint = allowed
            choices = [*self._choices(self._locals[local], self._stores[store], may_renew, may_release, shared=shared)]
            choices += self._hints(manager, self._locals[local].state) if may_hint else ()
            dealt = ((choice, self._deal(manager, local, store, choice)) for choice in choices)
            self._menus[key] = [(choice, reaction) for choice, reaction in dealt if reaction is not None]
        return self._menus[key]

    def _choices(
        self, local: Local, store: ModelStore, may_renew: bool, may_release: bool, *, shared: bool
    ) -> Iterator[Choice]:
        state = local.state
        if state.pending is not None and not state.pending.resolving:
            yield Choice("gives up waiting for its commit", CommitUndecided(state.pending.proposal.nonce))
        for timer in sorted(local.armed):
            if timer is Timer.CAMPAIGN:
                for silence in self._silences(store):
                    yield Choice(f"stands, the head {silence.name}", TimerFired(timer), silence=silence)
            elif timer is not Timer.RENEW:
                yield Choice(f"timer {timer}", TimerFired(timer))
            elif may_renew and state.pending is None:
                yield Choice("renews", TimerFired(timer), cost=(1, 0, 0, 0, 0))
        if store.version > state.version and state.pending is None:
            yield Choice("sees the head", HeadSeen(store.head, store.version))
        if state.role is ManagerRole.LEADER:
            yield from self._wishes(state, self._inbox(store) if shared else self._requests, may_release)
        for call in sorted(local.calls, key=repr):
            yield from self._answers(store, call)

    def _silences(self, store: ModelStore) -> Sequence[Silence]:
        longest = Silence.DESERTED if self.bounds.deserted else Silence.EXPIRED
        return [silence for silence in Silence if store.silence <= silence <= longest]

    def _inbox(self, store: ModelStore) -> tuple[Request, ...]:
        """What a read of the inbox shows. (A listener may go on showing for a while what has been ordered.)"""
        ordered = {each for entry in store.log for each in entry.batch}
        return tuple(each for each in self._requests if each.command not in ordered)

    def _wishes(self, state: ManagerState[Any], inbox: Sequence[Request], may_release: bool) -> Iterator[Choice]:
        for count in range(len(state.waiting) + 1, len(inbox) + 1):
            yield Choice(f"sees {count} requests", RequestsSeen(tuple(inbox[:count])))
        if may_release and state.release_to is None:
            yield Choice("is asked to release", ReleaseAsked(), cost=(0, 1, 0, 0, 0))

    def _hints(self, manager: int, state: ManagerState[Any]) -> Iterator[Choice]:
        """Word that a run of another manager has ended, whether it has or not."""
        others = (each for each in range(len(self._names)) if each != manager)
        runs = range(2 if self.bounds.crashes else 1)
        for inc in (incarnation(self._names[other], run) for other in others for run in runs):
            if inc not in state.ended:
                yield Choice(f"is told that {inc} has ended", RunEnded(inc), cost=(0, 0, 0, 0, 1))

    def _answers(self, store: ModelStore, call: Call) -> Iterator[Choice]:
        if isinstance(call, ReadElection):
            for silence in self._silences(store):
                yield Choice(f"reads term {call.term}, the head {silence.name}", None, call, silence)
        else:
            yield Choice(f"hears {call}", None, call)
        failed = VoteFailed(call.vote.term) if isinstance(call, CastVote) else ReadFailed(call)
        yield Choice(f"does not hear {call}", failed, call)

    # --- what follows -----------------------------------------------------------------------------------------------

    def _after(self, world: World, manager: int, reaction: Reaction | None, cost: Budget) -> World | None:
        """The world after one manager has dealt with one event; None when that leads out of the bounds."""
        if reaction is None:
            return None
        _, managers, on_their_way, budget = world
        local, store, sent, takeovers = reaction
        if takeovers > budget[3]:
            return None
        if takeovers or cost is not FREE:
            left = (have - spent for have, spent in zip(budget, cost, strict=True))
            renewals, releases, crashes, have, hints = left
            budget = (renewals, releases, crashes, have - takeovers, hints)
        on_their_way = self._possible(store, on_their_way.union(sent)) if sent else on_their_way
        return (store, (*managers[:manager], local, *managers[manager + 1 :]), on_their_way, budget)

    def _deal(self, manager: int, number: int, store_number: int, choice: Choice) -> Reaction | None:
        local: Local = self._locals[number]
        store: ModelStore = self._stores[store_number]
        if choice.silence is not None:
            store = replace(store, silence=choice.silence)
        armed = local.armed - {choice.event.timer} if isinstance(choice.event, TimerFired) else local.armed
        turn = _Performance(self._identity(manager, local.run), local.state, set(armed), set(local.calls), store)
        turn.slow_reads = self.bounds.slow_reads
        turn.calls.discard(choice.call)
        try:
            turn.take(choice.event if choice.event is not None else turn.ask(choice.call))
        except InvariantViolation as error:
            raise _Found(Violation("I6", str(error)), (self._names[manager], choice.name)) from error
        return self._settled(turn, local, (self._names[manager], choice.name))

    def _settled(self, turn: "_Performance", before: Local, move: Move) -> Reaction | None:
        if turn.state.target_term > self._last_term:
            return None
        waiting = {Commit(turn.state.pending.proposal)} if _commit_is_out(turn.state) else set()
        problems = stuck(turn.identity, turn.state, turn.armed, turn.calls | waiting)
        if problems:
            raise _Found(Violation("liveness", "; ".join(problems)), move)
        local = Local(turn.state, frozenset(turn.armed), frozenset(turn.calls), before.run)
        sent = tuple(self._proposals.number(proposal) for proposal in turn.sent)
        takeovers = turn.state.commits - before.state.commits if turn.state.role is ManagerRole.CANDIDATE else 0
        return self._locals.number(local), self._stores.number(turn.store), sent, takeovers

    def _crash(self, world: World, manager: int) -> World:
        store, managers, on_their_way, (renewals, releases, crashes, takeovers, hints) = world
        key = ("crash", manager, store)
        if key not in self._reactions:
            name, run = self._names[manager], self._locals[managers[manager]].run + 1
            fresh = manager_called(name, run, params=self.bounds.params, machine=self._machine)
            turn = _Performance(self._identity(manager, run), fresh.state, set(), set(), self._stores[store])
            turn.perform(fresh.start())
            self._reactions[key] = self._settled(turn, Local(fresh.state, frozenset(), frozenset(), run), (name, "crashes"))
        reaction = self._reactions[key]
        assert reaction is not None
        after = (*managers[:manager], reaction[0], *managers[manager + 1 :])
        return (store, after, on_their_way, (renewals, releases, crashes - 1, takeovers, hints))

    def _land(self, store_number: int, proposal_number: int) -> int | None:
        """The store after a commit, checked; None when its preconditions do not hold."""
        key = (store_number, proposal_number)
        if key not in self._landed:
            store: ModelStore = self._stores[store_number]
            proposal: Proposal = self._proposals[proposal_number]
            landed = store.landed(proposal) if self._accepts(store, proposal) else None
            if landed is not None:
                self._check(store, landed, proposal)
                self.result.kinds_landed.add(proposal.kind)
            self._landed[key] = None if landed is None else self._stores.number(landed)
        return self._landed[key]

    def _check(self, before: ModelStore, after: ModelStore, proposal: Proposal) -> None:
        checker: Checker[Any] = Checker(self._machine, {})
        checker.see_head(before.head, 0)
        checker.check_log(before.head, before.log, before.snapshot)
        for each in (each for entry in before.log for each in entry.batch if each.agent_id):
            checker.see_acknowledged(each)
        checker.see_head(after.head, 1 + before.silence.nanoseconds(before.params))
        checker.check_log(after.head, after.log, after.snapshot)
        if checker.violations:
            raise _Found(checker.violations[0], (proposal.nonce, f"lands ({proposal.kind})"))

    def _possible(self, store: int, on_their_way: frozenset[int]) -> frozenset[int]:
        """The commits that may land some day: with sound preconditions, those built on the head as it stands."""
        if not self._sound:
            return on_their_way
        version = self._stores[store].version
        return frozenset(n for n in on_their_way if self._proposals[n].base_version == version)


@dataclass(slots=True)
class _Performance:
    """One manager dealing with one event, and with the answers that come at once."""

    identity: Identity[Any]
    state: ManagerState[Any]
    armed: set[Timer]
    calls: set[Effect]
    store: ModelStore
    slow_reads: bool = False
    sent: list[Proposal] = field(default_factory=list)

    def take(self, event: Event) -> None:
        self.state, effects = step(self.identity, self.state, event, AT_MS)
        self.perform(effects)

    def perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Arm(timer):
                    self.armed.add(timer)
                case Disarm(timer):
                    self.armed.discard(timer)
                case Commit(proposal):
                    self.sent.append(proposal)
                case ReadHead() | ReadElection() | ReadEntries() | ReadSnapshot() | CastVote():
                    if self.slow_reads:
                        self.calls.add(effect)
                    else:
                        self.take(self.ask(effect))

    def ask(self, call: Call) -> Event:
        """The store's answer to a call; a vote is stored by it."""
        if isinstance(call, CastVote):
            self.store = self.store.with_vote(call.vote)
        return self.store.answer(call)


def _commit_is_out(state: ManagerState[Any]) -> bool:
    return state.pending is not None and not state.pending.resolving


def _path(came_from: Mapping[World, tuple[World, Move] | None], world: World) -> tuple[Move, ...]:
    """The moves that lead from the first state to this one."""
    moves: list[Move] = []
    while (step_back := came_from[world]) is not None:
        world, move = step_back
        moves.append(move)
    return tuple(reversed(moves))
