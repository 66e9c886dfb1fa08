"""What a leader does about silence: listen to the signs of life, publish suspicion, and have the dead declared.

A death is ordered into the log only after a strong read has shown, by the store's own clock, that the run said nothing for
long enough. Members of the leader's own run of its process are not judged here.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from firemesh.core.effects import Projection, ProjectionChanged, Proposed
from firemesh.core.health import Beat, Health, HealthMonitor, HealthPolicy, run_of
from firemesh.core.membership import MEMBER_DEAD, Member
from firemesh.core.messages import mesh_command
from firemesh.errors import MeshError, UnavailableError
from firemesh.runtime.manager_driver import ManagerDriver
from firemesh.runtime.watch_supervisor import supervised
from firemesh.store.mesh_store import parse_beat

log = logging.getLogger(__name__)

S = TypeVar("S")

TICK_SECONDS = 0.25
LATE_SECONDS = 0.25
"""A tick so much too late makes the observer distrust itself."""
PAUSED_SECONDS = 1.0
"""After a tick so much too late nobody else's silence counts: it was this process that stood still."""
CONFIRM_SECONDS = 1.0
"""The store is asked about one suspect at most so often."""


class HealthWatch(Generic[S]):
    """One leadership's watch over all runs of processes but its own, which `own_run` names."""

    def __init__(
        self, driver: ManagerDriver[S], own_run: Callable[[], str], policy: HealthPolicy, expected_interval_ms: int
    ) -> None:
        self._driver = driver
        self._own_run = own_run
        self._policy = policy
        self._expected_interval_ms = expected_interval_ms
        self._monitor = HealthMonitor(policy=policy, pulses={})
        self._published: Mapping[str, Any] | None = None
        self._asked_at: dict[str, float] = {}
        self._shown: dict[str, tuple[Beat, int]] = {}
        """The signs of life last listened to, by process, with their update times."""

    async def run(self) -> None:
        """Watch until cancelled. A new leader gives everybody grace: it cannot know how long they were silent for it."""
        self._monitor = self._monitor.after_outage(_now_ms())
        listening = asyncio.create_task(self._listen())
        try:
            while not listening.done():
                await self._tick()
            listening.result()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _listen(self) -> None:
        async for snapshot in supervised(self._driver.mesh.watch_liveness):
            self._driver.clock.note(snapshot.read_time)
            now = _now_ms()
            self._expect(now)
            self._shown = {}
            for document in snapshot.documents.values():
                if (beat := parse_beat(document)) is not None:
                    self._shown[beat.process] = (beat, document.update_time)
                    self._monitor = self._monitor.heard(beat, now)

    async def _tick(self) -> None:
        due = asyncio.get_running_loop().time() + TICK_SECONDS
        await asyncio.sleep(TICK_SECONDS)
        late_seconds = asyncio.get_running_loop().time() - due
        now = _now_ms()
        if late_seconds > PAUSED_SECONDS:
            self._monitor = self._monitor.after_outage(now)
        change = 1 if late_seconds > LATE_SECONDS else -1
        self._expect(now)
        self._monitor = self._monitor.with_lateness(self._monitor.lateness + change).judged(now)
        await self._confirm_all(self._monitor.to_confirm(now))
        await self._clear_away()
        self._publish()

    def _expect(self, now_ms: int) -> None:
        runs = {run_of(member.process, member.inc) for member in self._members()}
        self._monitor = self._monitor.expecting(runs, self._expected_interval_ms, now_ms)

    def _members(self) -> tuple[Member, ...]:
        living = self._driver.manager.state.replica.roster.living()
        own = self._own_run()
        return tuple(member for member in living if run_of(member.process, member.inc) != own)

    async def _confirm_all(self, runs: tuple[str, ...]) -> None:
        """Let the store's clock decide about suspects. Without the store nobody is to blame for silence."""
        now = asyncio.get_running_loop().time()
        self._asked_at = {run: at for run, at in self._asked_at.items() if run in runs}
        for run in runs:
            if now - self._asked_at.get(run, -CONFIRM_SECONDS) < CONFIRM_SECONDS:
                continue
            self._asked_at[run] = now
            try:
                dead = await self._is_dead(run)
            except UnavailableError:
                self._monitor = self._monitor.after_outage(_now_ms())
                return
            if dead:
                self._declare_dead(run)

    async def _is_dead(self, run: str) -> bool:
        """Whether this run, silent for long enough to this observer, is so by the store's own clock as well.

        Without a document of this run in the store there is no time to measure it by: it was removed, is malformed or belongs
        to another run of the process by now. Then the silence that this observer has measured decides alone.
        """
        process, _, inc = run.partition("~")
        beat, written, read = await self._driver.mesh.read_beat(process)
        if beat is None or beat.inc != inc:
            return True
        self._monitor = self._monitor.heard(beat, _now_ms())
        return self._is_long((read - written) // 1_000_000, beat)

    def _is_long(self, silence_ms: int, beat: Beat) -> bool:
        return silence_ms >= self._monitor.dead_after_ms(beat.interval_ms, beat.lateness)

    def _declare_dead(self, run: str) -> None:
        """Have the death ordered for every agent of that run."""
        for member in self._members():
            if run_of(member.process, member.inc) == run:
                log.info("agent %s (%s) is dead: its process %s is silent", member.agent, member.inc, member.process)
                self._driver.tell(Proposed(mesh_command(MEMBER_DEAD, {"agent": member.agent, "inc": member.inc})))

    async def _clear_away(self) -> None:
        """Delete one sign of life that an ended run has left: only so many are listened to.

        Read strongly before: a process that waits for its seat or a later run of the same name has its own. Should one write
        between the read and the delete, its next beat makes good the loss.
        """
        living = {run_of(member.process, member.inc) for member in self._members()} | {self._own_run()}
        now_ms = self._driver.clock.now_ms()
        for process, (beat, written) in self._shown.items():
            if beat.run in living or not self._is_long(now_ms - written // 1_000_000, beat):
                continue
            del self._shown[process]
            try:
                stored, stored_at, read = await self._driver.mesh.read_beat(process)
                if stored is not None and stored.run == beat.run and self._is_long((read - stored_at) // 1_000_000, stored):
                    await self._driver.mesh.delete_beat(process)
            except MeshError as error:
                log.info("sign of life of ended run %s not cleared away: %s", beat.run, error)
            return

    def _publish(self) -> None:
        health = self._monitor.health()
        processes = {
            member.process: (health.get(run_of(member.process, member.inc)) or Health.HEALTHY).value
            for member in self._members()
        }
        if processes != self._published:
            self._published = processes
            fields = {"applied_index": self._driver.manager.state.replica.index, "processes": processes}
            self._driver.tell(ProjectionChanged(Projection("views/health", fields)))


def _now_ms() -> int:
    return int(asyncio.get_running_loop().time() * 1000)
