"""The sign of life of a process: one small document for all its agents, at an interval that follows what they do.

Within the process every agent reports at no cost; the process tells the mesh.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from firemesh.core.health import LATENESS_MAX, Beat
from firemesh.errors import IncarnationEnded, InvalidParameters, MeshError, PermissionDenied, Unauthenticated
from firemesh.runtime.agent_mesh import AgentMesh

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatPolicy:
    """How often the process shows itself, in milliseconds.

    `active_ms` while its agents do something, `idle_ms` after `idle_after_ms` without, and `asleep_ms` after
    `asleep_after_ms`, unless a manager runs here, whose silence the others should not have to wait for. Within the
    process each agent beats every `agent_ms`; one not heard for `agent_late_ms` is shown as `late` in the process's beat.
    """

    active_ms: int = 2000
    idle_ms: int = 10_000
    idle_after_ms: int = 30_000
    asleep_ms: int = 120_000
    asleep_after_ms: int = 300_000
    agent_ms: int = 250
    agent_late_ms: int = 1000

    @classmethod
    def every(cls, active_ms: int) -> "HeartbeatPolicy":
        """A rhythm from one figure: half as often when idle, but not more often than by default nor less often than asleep.

        Raises InvalidParameters when it is below 250 or above 120,000 ms.
        """
        default = cls()
        return cls(active_ms=active_ms, idle_ms=max(default.idle_ms, active_ms, min(2 * active_ms, default.asleep_ms)))

    def __post_init__(self) -> None:
        if not 250 <= self.active_ms <= self.idle_ms <= self.asleep_ms <= 300_000:
            raise InvalidParameters(
                f"heartbeat: 250 <= active_ms={self.active_ms} <= idle_ms={self.idle_ms} <= asleep_ms={self.asleep_ms} "
                "<= 300000 must hold"
            )
        if not 10 <= self.agent_ms < self.agent_late_ms:
            raise InvalidParameters(f"heartbeat: 10 <= agent_ms={self.agent_ms} < agent_late_ms={self.agent_late_ms} must hold")


class Pulse:
    """What one process shows of itself. `run` says which process in which incarnation this is, `applied` what its managers
    have applied; `beat` and `feel` run as long as the process does.
    """

    def __init__(
        self,
        mesh: AgentMesh,
        run: Callable[[], tuple[str, str]],
        policy: HeartbeatPolicy,
        applied: Callable[[], Mapping[str, int]],
    ) -> None:
        self._mesh = mesh
        self._run = run
        self._policy = policy
        self._applied = applied
        self._beats = 0
        self._agent_states: dict[str, str] = {}
        self._agent_heard: dict[str, float] = {}
        self._late: frozenset[str] = frozenset()
        self._lateness = 0
        self._was_late = False
        self._active_at = asyncio.get_running_loop().time()
        self._beat_now = asyncio.Event()

    def show(self, agent_id: str, state: str) -> None:
        """An agent does something and is in this state."""
        self.be_active()
        if self._agent_states.get(agent_id) != state:
            self._agent_states[agent_id] = state
            self._beat_now.set()

    def hear(self, agent_id: str) -> None:
        """An agent's tasks still run."""
        self._agent_heard[agent_id] = asyncio.get_running_loop().time()

    def forget(self, agent_id: str) -> None:
        """An agent runs here no more."""
        self._agent_states.pop(agent_id, None)
        self._agent_heard.pop(agent_id, None)

    def be_active(self) -> None:
        """Something is done here."""
        if self._is_idle():
            self._beat_now.set()  # announces the shorter interval at once
        self._active_at = asyncio.get_running_loop().time()

    def begin_anew(self) -> None:
        """Another incarnation has begun."""
        self._beats = 0
        self._beat_now.set()

    async def beat(self) -> None:
        """Write the sign of life at the adaptive interval, at once when an agent's state changes, until cancelled.

        Raises:
            PermissionDenied, Unauthenticated: this process is not known any more; its key was revoked, its token is no good.
        """
        while True:
            interval_ms = self._interval_ms()
            self._beat_now.clear()
            try:
                await self._mesh.write_beat(self._next_beat(interval_ms))
            except MeshError as error:
                if isinstance(error, PermissionDenied | Unauthenticated) and not isinstance(error, IncarnationEnded):
                    raise
                log.info("sign of life of process %s not written: %s", self._run()[0], error)
            try:
                async with asyncio.timeout(interval_ms / 1000):
                    await self._beat_now.wait()
            except TimeoutError:
                continue

    async def feel(self) -> None:
        """Measure how late this process runs, which observers make allowance for, and which agents do not turn any more."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + self._policy.agent_ms / 1000
            await asyncio.sleep(self._policy.agent_ms / 1000)
            if (loop.time() - due) * 1000 > self._policy.agent_late_ms:
                self._was_late = True  # the agents could not speak either: they are not to blame
            else:
                self._look_for_late_agents(loop.time())

    # --- inside -----------------------------------------------------------------------------------------------------

    def _interval_ms(self) -> int:
        if self._is_quiet_for(self._policy.asleep_after_ms) and not self._applied():
            return self._policy.asleep_ms
        return self._policy.idle_ms if self._is_idle() else self._policy.active_ms

    def _is_idle(self) -> bool:
        return self._is_quiet_for(self._policy.idle_after_ms)

    def _is_quiet_for(self, ms: int) -> bool:
        return (asyncio.get_running_loop().time() - self._active_at) * 1000 > ms

    def _next_beat(self, interval_ms: int) -> Beat:
        self._beats += 1
        self._lateness = max(0, min(LATENESS_MAX, self._lateness + (1 if self._was_late else -1)))
        self._was_late = False
        process_id, inc = self._run()
        return Beat(
            process=process_id,
            inc=inc,
            seq=self._beats,
            interval_ms=interval_ms,
            agents={agent: self._shown_state(agent) for agent in self._agent_states},
            applied=dict(self._applied()),
            lateness=self._lateness,
        )

    def _shown_state(self, agent_id: str) -> str:
        state = self._agent_states[agent_id]
        return "late" if agent_id in self._late and state == "running" else state

    def _look_for_late_agents(self, now: float) -> None:
        longest = self._policy.agent_late_ms / 1000
        late = frozenset(agent for agent, heard in self._agent_heard.items() if now - heard > longest)
        if late != self._late:
            log.info("process %s: agents late: %s", self._run()[0], ", ".join(sorted(late)) or "none any more")
            self._late = late
            self._beat_now.set()
