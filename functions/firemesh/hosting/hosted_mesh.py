"""One mesh without a process: each activation loads, steps the manager core, commits, and has itself woken later.

An activation is a manager that lives for a moment. What a process would listen to it reads once; a timer of at most a
second it waits for, and a longer one becomes a wake. It may come late, early, twice or five times at once: all activations
act as one shared manager (`core.turn.Identity`), and the precondition of each commit keeps them apart.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Any

from firemesh.core.effects import (
    Arm,
    ArmDeadline,
    Commit,
    DeadlinePassed,
    Disarm,
    Effect,
    Event,
    ManagerRole,
    Proposed,
    ReadFailed,
    ReadHead,
    ReleaseAsked,
    RequestsSeen,
    RoleChanged,
    Timer,
    TimerFired,
)
from firemesh.core.health import HealthPolicy, run_of
from firemesh.core.manager import Manager
from firemesh.core.membership import MEMBER_DEAD, AgentType, Member
from firemesh.core.messages import mesh_command
from firemesh.core.programs import alarm_ms
from firemesh.core.sessions import GAP_PATIENCE_MS
from firemesh.core.turn import ManagerState
from firemesh.errors import StoreUnavailable
from firemesh.game.registry import machine_named
from firemesh.hosting.silence import LOOK_EVERY_MS, deserters, judge
from firemesh.hosting.wake import WakeQueue
from firemesh.ids import new_incarnation
from firemesh.runtime.manager_calls import ManagerCalls
from firemesh.runtime.store_clock import StoreClock
from firemesh.store.mesh_store import INBOX_LISTENED_MAX, MeshRecord, MeshStore

log = logging.getLogger(__name__)

SHARED_MANAGER = "@functions"
"""Who leads when no process does. No agent can have this id."""
ACTIVATION_SECONDS_MAX = 20.0
"""Well below the timeout of the function it runs in, so that whoever woke it hears of a failure and tries again."""
WAIT_MS_MAX = 1000
"""A timer that runs out so soon is waited for; waking again would take as long."""


class HostedMesh:
    """One mesh in one instance of a function. It keeps its replica between activations, so a warm one reads little."""

    def __init__(self, mesh: MeshStore, record: MeshRecord, wakes: WakeQueue, policy: HealthPolicy) -> None:
        params = record.timing()
        mesh.rpc_timeout_seconds = params.rpc_timeout_ms / 1000
        self._mesh = mesh
        self._wakes = wakes
        self._policy = policy
        self._machine = machine_named(record.machine)
        self._manager: Manager[Any] = Manager(
            SHARED_MANAGER, new_incarnation(), self._machine, record.setup, params, shared=True
        )
        self._clock = StoreClock()
        self._calls = ManagerCalls(mesh, self._clock)
        self._timers: dict[Timer, int] = {}
        """When each armed timer runs out, by the store's clock in milliseconds. So are all times here."""
        self._deadline_ms: int | None = None
        self._look_at_health_ms: int | None = 0
        """When the signs of life are to be looked at next: at once in a new instance, which knows nothing of them."""
        self._inbox_is_unread = False
        self._silent_since_ms: int | None = None
        """Since when the head was silent, if this activation has taken over from somebody else."""
        self._successor = ""
        """A manager that votes and is there to lead."""
        self._voters_are_judged = False
        self._asked_ms = 0
        self._turn = asyncio.Lock()
        self._queued: asyncio.Task[None] | None = None

    async def activate(self) -> None:
        """See to it that whatever happened before this call is dealt with. Calls that wait for their turn are as one.

        Raises:
            StoreUnavailable: the store or the queue did not answer in time; activate again.
            MeshNotFound: the mesh has been deleted.
            InvariantViolation: the store holds what this instance cannot explain; a fresh one may.
        """
        if self._queued is None:
            self._queued = asyncio.create_task(self._take_turn())
        await asyncio.shield(self._queued)

    async def _take_turn(self) -> None:
        async with self._turn:
            self._queued = None
            try:
                async with asyncio.timeout(ACTIVATION_SECONDS_MAX):
                    await self._act()
            except TimeoutError as error:
                raise StoreUnavailable(f"mesh {self._mesh.mesh_id!r}: not done in {ACTIVATION_SECONDS_MAX:.0f} s") from error

    async def _act(self) -> None:
        self._inbox_is_unread = True
        self._voters_are_judged = False
        self._successor = ""
        await self._see_head()
        while (event := await self._next_event()) is not None:
            await self._perform_all(self._step(event))
        if (due_ms := self._next_wake_ms()) is not None:
            await self._ask_for(max(due_ms, self._clock.now_ms() + WAIT_MS_MAX))

    async def _see_head(self) -> None:
        """Begin with the head as it is. News of another leader are as old as the head: patience with it counts from then."""
        known = self._state.version
        answer = await self._calls.perform(ReadHead())
        if isinstance(answer, ReadFailed):
            raise StoreUnavailable(f"mesh {self._mesh.mesh_id!r}: the head could not be read")
        await self._perform_all(self._step(answer))
        written_ms = self._state.version // 1_000_000
        if self._state.version != known and Timer.CAMPAIGN in self._timers:
            self._timers[Timer.CAMPAIGN] -= self._clock.now_ms() - written_ms
        self._silent_since_ms = None if self._state.role is ManagerRole.LEADER else written_ms

    @property
    def _state(self) -> ManagerState[Any]:
        return self._manager.state

    def _step(self, event: Event) -> list[Effect]:
        return self._manager.step(event, self._clock.now_ms())

    # --- effects ----------------------------------------------------------------------------------------------------

    async def _perform_all(self, effects: list[Effect]) -> None:
        waiting = deque(effects)
        while waiting:
            answer = await self._perform(waiting.popleft())
            if answer is not None:
                waiting.extend(self._step(answer))

    async def _perform(self, effect: Effect) -> Event | None:
        match effect:
            case Arm(timer, after_ms, _):
                self._timers[timer] = self._clock.now_ms() + after_ms
            case Disarm(timer):
                self._timers.pop(timer, None)
            case ArmDeadline(deadline_ms):
                self._deadline_ms = deadline_ms
            case RoleChanged(role):
                self._inbox_is_unread = role is ManagerRole.LEADER
            case Commit():
                await self._ask_for_what_follows()
                return await self._calls.perform(effect)
            case _:
                return await self._calls.perform(effect)
        return None

    async def _ask_for_what_follows(self) -> None:
        """Have the mesh woken for the alarm that the commit in flight brings about, before it can land.

        Should this instance die right after the commit, somebody still comes.
        """
        pending = self._state.pending
        now_ms = self._clock.now_ms()
        due_ms = None if pending is None else alarm_ms(pending.after, self._machine, now_ms)
        if due_ms is not None and due_ms > now_ms:
            await self._ask_for(due_ms)

    async def _ask_for(self, due_ms: int) -> None:
        if due_ms != self._asked_ms:
            await self._wakes.wake(self._mesh.mesh_id, due_ms)
            self._asked_ms = due_ms

    # --- what happens next ------------------------------------------------------------------------------------------

    async def _next_event(self) -> Event | None:
        """What this activation still has to deal with, most urgent first; None when the rest can wait for a wake."""
        now_ms = self._clock.now_ms()
        if self._state.role is ManagerRole.LEADER and self._state.pending is None:
            event = self._overdue(now_ms) or await self._unread() or await self._unheard(now_ms)
            if event is not None:
                return event
        return await self._soon(now_ms)

    def _overdue(self, now_ms: int) -> Event | None:
        if self._deadline_ms is None or self._deadline_ms > now_ms:
            return None
        deadline_ms, self._deadline_ms = self._deadline_ms, None
        return DeadlinePassed(deadline_ms)

    async def _unread(self) -> Event | None:
        if not self._inbox_is_unread:
            return None
        requests = await self._mesh.list_requests()
        # A full page may have more behind it. Once a look brings nothing new, the rest waits for what comes before it.
        known = {request.key for request in self._state.waiting}
        self._inbox_is_unread = len(requests) >= INBOX_LISTENED_MAX and any(each.key not in known for each in requests)
        return RequestsSeen(requests)

    async def _unheard(self, now_ms: int) -> Event | None:
        """The next consequence of silence, or of somebody else's being there to lead."""
        state = self._state
        living = state.replica.roster.living()
        if not living:
            self._look_at_health_ms = None
            return None
        if self._look_at_health_ms is None:
            self._look_at_health_ms = now_ms + LOOK_EVERY_MS
        voters = [member for member in living if member.type is AgentType.MANAGER]
        if self._look_at_health_ms <= now_ms or (voters and not self._voters_are_judged):
            self._voters_are_judged = True
            for each in await self._judge(living, voters):
                log.info("agent %s (%s) is dead: its process %s is silent", each.agent, each.inc, each.process)
                death = mesh_command(MEMBER_DEAD, {"agent": each.agent, "inc": each.inc})
                await self._perform_all(self._step(Proposed(death)))
        return ReleaseAsked(self._successor) if self._successor else None

    async def _judge(self, living: Sequence[Member], voters: Sequence[Member]) -> tuple[Member, ...]:
        """Who is dead; and who of the voters is there to lead."""
        beats, read_time = await self._mesh.list_beats()
        unheard = [member for member in living if run_of(member.process, member.inc) not in beats]
        joined_ms = {run_of(member.process, member.inc): await self._joined_ms(member) for member in unheard}
        judgement = judge(self._policy, living, beats, joined_ms, read_time // 1_000_000)
        gone = () if self._silent_since_ms is None else deserters(voters, beats, self._silent_since_ms)
        present = [voter.agent for voter in voters if voter in judgement.heard and voter not in gone]
        self._successor = present[0] if present else ""
        self._look_at_health_ms = judgement.look_again_ms
        return tuple(dict.fromkeys((*judgement.dead, *gone)))

    async def _joined_ms(self, member: Member) -> int:
        """When a member joined; 0 (long ago) when the log no longer says."""
        entries = await self._mesh.read_entries(member.since, member.since)
        return entries[0].at_ms if entries else 0

    async def _soon(self, now_ms: int) -> Event | None:
        """The first timer or deadline that is worth waiting for here."""
        timer = min(self._timers, key=lambda each: self._timers[each], default=None)
        if timer is not None and self._timers[timer] <= now_ms + WAIT_MS_MAX:
            await asyncio.sleep(max(0, self._timers.pop(timer) - now_ms) / 1000)
            return TimerFired(timer)
        if self._deadline_ms is not None and self._deadline_ms <= now_ms + WAIT_MS_MAX:
            deadline_ms, self._deadline_ms = self._deadline_ms, None
            await asyncio.sleep((deadline_ms - now_ms) / 1000)
            return DeadlinePassed(deadline_ms)
        return None

    def _next_wake_ms(self) -> int | None:
        """When this mesh wants to be looked at again, if nobody speaks before."""
        times = [*self._timers.values()]
        if self._state.role is ManagerRole.LEADER:
            settled = self._state.settled
            held = [each.received // 1_000_000 for each in self._state.waiting if each.key not in settled]
            times += [each for each in (self._deadline_ms, self._look_at_health_ms) if each is not None]
            times += [min(held) + GAP_PATIENCE_MS] if held else []
        return min(times, default=None)
