"""Runs one manager of the core in a process: turns its effects into store calls and what happens into events.

The loop is the contract of `firemesh.core`: one event at a time; every Commit is answered; reads answer or fail. Calls run as
tasks, so a slow one never keeps the manager from hearing anything else.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from firemesh.core.effects import (
    Arm,
    ArmDeadline,
    CastVote,
    Commit,
    DeadlinePassed,
    Disarm,
    Effect,
    Event,
    HeadSeen,
    ManagerRole,
    ReadElection,
    ReadEntries,
    ReadHead,
    ReadSnapshot,
    ReleaseAsked,
    RequestsSeen,
    RoleChanged,
    Timer,
    TimerFired,
)
from firemesh.core.manager import Manager
from firemesh.errors import InvariantViolation, UnavailableError
from firemesh.runtime.manager_calls import Call, ManagerCalls
from firemesh.runtime.store_clock import StoreClock
from firemesh.runtime.watch_supervisor import supervised
from firemesh.store.mesh_store import MeshStore, parse_request

log = logging.getLogger(__name__)

S = TypeVar("S")


class ManagerDriver(Generic[S]):
    """One manager at work.

    `while_leading` is called whenever this manager starts to lead, and runs beside it until it stops leading: the place
    for what only a leader does, such as judging health.
    """

    def __init__(
        self,
        manager: Manager[S],
        mesh: MeshStore,
        *,
        clock: StoreClock | None = None,
        jitter: random.Random | None = None,
        while_leading: Callable[["ManagerDriver[S]"], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        self.manager = manager
        self.mesh = mesh
        self.clock = clock or StoreClock()
        self._store_calls = ManagerCalls(mesh, self.clock)
        self._jitter = jitter or random.Random()
        self._while_leading = while_leading
        # Never long: it holds at most an answer per call, a firing per timer and what listeners show in one turn of the loop.
        self._inbox: asyncio.Queue[Event | BaseException] = asyncio.Queue()
        self._timers: dict[Timer, asyncio.TimerHandle] = {}
        self._deadline: asyncio.TimerHandle | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self._duties: set[asyncio.Task[None]] = set()
        self._over = False
        self.stepped = asyncio.Event()
        """Set after every event; who waits for a state clears it and looks again."""

    @property
    def role(self) -> ManagerRole:
        """What this manager is, as far as it knows. One that has stopped or failed leads nobody."""
        return ManagerRole.FOLLOWER if self._over else self.manager.state.role

    def tell(self, event: Event) -> None:
        """Let the manager know of something; it is dealt with in order."""
        self._inbox.put_nowait(event)

    async def release(self, to: str = "") -> None:
        """Give up leadership to a certain manager, or to whoever is first; return when this manager does not lead."""
        if self.role is ManagerRole.LEADER:
            self.tell(ReleaseAsked(to))
        while self.role is ManagerRole.LEADER:
            self.stepped.clear()
            await self.stepped.wait()

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            RequestError: the store refuses for good, or the mesh is gone; trying again will not help.
            InvariantViolation: the store holds what the protocol cannot have written. The manager stops; nothing is changed.
        """
        self._stand_by()
        try:
            self._perform_all(self.manager.start())
            while True:
                event = await self._inbox.get()
                if isinstance(event, BaseException):
                    raise event
                self._perform_all(self._step(event))
                self.stepped.set()
        finally:
            await self._stop()

    def _step(self, event: Event) -> list[Effect]:
        try:
            return self.manager.step(event, self.clock.now_ms())
        except InvariantViolation as error:
            raise type(error)(f"mesh {self.mesh.mesh_id!r}: {error}") from error

    async def _stop(self) -> None:
        self._over = True
        self.stepped.set()
        for handle in self._timers.values():
            handle.cancel()
        self._arm_deadline(None)
        tasks = [*self._calls, *self._duties]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- effects ----------------------------------------------------------------------------------------------------

    def _perform_all(self, effects: list[Effect]) -> None:
        for effect in effects:
            self._perform(effect)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Arm(timer, after_ms, jitter_ms):
                self._arm(timer, (after_ms + self._jitter.uniform(0, jitter_ms)) / 1000)
            case Disarm(timer):
                self._disarm(timer)
            case ArmDeadline(deadline_ms):
                self._arm_deadline(deadline_ms)
            case RoleChanged(role):
                self._change_role(role)
            case Commit() | CastVote() | ReadHead() | ReadElection() | ReadEntries() | ReadSnapshot():
                self._call(self._calls, self._ask(effect))

    def _call(self, tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
        """Run work beside the loop; an error nobody expected stops the manager, which could not trust itself any more."""
        task = asyncio.create_task(work)
        tasks.add(task)

        def finished(_: asyncio.Task[None]) -> None:
            tasks.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                self._inbox.put_nowait(error)

        task.add_done_callback(finished)

    async def _ask(self, call: Call) -> None:
        self.tell(await self._store_calls.perform(call))

    # --- timers -----------------------------------------------------------------------------------------------------

    def _arm(self, timer: Timer, seconds: float) -> None:
        self._disarm(timer)
        loop = asyncio.get_running_loop()
        self._timers[timer] = loop.call_later(seconds, self._fire, timer)

    def _disarm(self, timer: Timer) -> None:
        handle = self._timers.pop(timer, None)
        if handle is not None:
            handle.cancel()

    def _fire(self, timer: Timer) -> None:
        self._timers.pop(timer, None)
        self.tell(TimerFired(timer))

    def _arm_deadline(self, deadline_ms: int | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if deadline_ms is not None:
            seconds = max(0, deadline_ms - self.clock.now_ms()) / 1000
            self._deadline = asyncio.get_running_loop().call_later(seconds, self.tell, DeadlinePassed(deadline_ms))

    # --- listening --------------------------------------------------------------------------------------------------

    def _change_role(self, role: ManagerRole) -> None:
        log.info("manager %s is %s", self.manager.identity.me, role)
        for task in self._duties:
            task.cancel()
        if role is ManagerRole.LEADER:
            # The leader learns of its own commits from their answers; listening to the head would bill a read for each.
            self._call(self._duties, self._listen_to_inbox())
            if self._while_leading is not None:
                self._call(self._duties, self._while_leading(self))
        else:
            self._stand_by()

    def _stand_by(self) -> None:
        """Hear of each commit, where that is worth a read; the core looks at the head by itself when patience runs out."""
        if self.manager.identity.params.standbys_listen:
            self._call(self._duties, self._listen_to_head())

    async def _listen_to_head(self) -> None:
        poll_seconds = max(2 * self.manager.identity.params.renew_ms / 1000, 5.0)
        async for snapshot in supervised(self.mesh.watch_head, poll=self._poll_head, poll_seconds=poll_seconds):
            self.clock.note(snapshot.read_time)
            if not snapshot.documents:
                await self._poll_head()  # which ends this manager if the mesh was deleted indeed
            for document in snapshot.documents.values():
                self.tell(HeadSeen(self.mesh.parse_head(document), document.update_time))

    async def _poll_head(self) -> None:
        try:
            head, version, read_time = await self.mesh.read_head()
        except UnavailableError:
            return
        self.clock.note(read_time)
        self.tell(HeadSeen(head, version))

    async def _listen_to_inbox(self) -> None:
        async for snapshot in supervised(self.mesh.watch_inbox):
            self.clock.note(snapshot.read_time)
            self.tell(RequestsSeen(tuple(parse_request(document) for document in snapshot.documents.values())))
