"""A manager: one replica of the consensus core, run beside its membership in the mesh."""

import asyncio
import random
from collections.abc import Mapping
from typing import Any

from firemesh.core.effects import Event, ManagerRole, ReleaseAsked
from firemesh.core.health import HealthPolicy, run_of
from firemesh.core.machine import Machine
from firemesh.core.manager import Manager
from firemesh.core.membership import AgentType
from firemesh.core.messages import Command
from firemesh.core.params import Params
from firemesh.errors import AgentNotFound, InvalidMessage, NotLeader
from firemesh.runtime.agent import Agent
from firemesh.runtime.health_watch import HealthWatch
from firemesh.runtime.host import Host
from firemesh.runtime.manager_driver import ManagerDriver
from firemesh.store import paths
from firemesh.store.mesh_store import MeshStore


class ManagerAgent(Agent):
    """A manager: one replica of the consensus core, run beside its membership in the mesh."""

    type = AgentType.MANAGER

    def __init__(
        self,
        agent_id: str,
        host: Host,
        *,
        mesh: MeshStore,
        machine: Machine[Any],
        setup: Mapping[str, Any],
        params: Params,
        health: HealthPolicy,
        beat_interval_ms: int,
        jitter: random.Random,
    ) -> None:
        super().__init__(agent_id, host)

        async def watch_health(driver: ManagerDriver[Any]) -> None:
            await HealthWatch(driver, lambda: run_of(host.process_id, host.inc), health, beat_interval_ms).run()

        def new_driver() -> ManagerDriver[Any]:
            manager: Manager[Any] = Manager(agent_id, host.inc, machine, setup, params)
            return ManagerDriver(manager, mesh, jitter=jitter, while_leading=watch_health)

        self._new_driver = new_driver
        self._driving: asyncio.Task[None] | None = None
        self.driver: ManagerDriver[Any] = new_driver()
        """The replica at work; another one after the mesh has declared this one dead."""

    @property
    def role(self) -> ManagerRole:
        """Leader, candidate or follower, as far as this manager knows."""
        return self.driver.role

    @property
    def followers(self) -> tuple[str, ...]:
        """The other voters."""
        return tuple(m for m in self.driver.manager.state.head.voters.managers if m != self.agent_id)

    async def start(self) -> None:
        """Stand by at once, then join: the first manager of a mesh has to lead before anybody can join, itself included."""
        self._driving = self._spawn(self.driver.run())
        await super().start()

    async def _come_back(self) -> None:
        """Nothing of the dead incarnation may go on: a fresh replica takes up the log under the new one."""
        if self._driving is not None:
            self._driving.cancel()
            await asyncio.gather(self._driving, return_exceptions=True)
        await self._host.renew_incarnation(self.inc)
        self.driver = self._new_driver()
        self._driving = self._spawn(self.driver.run())
        await super()._come_back()

    async def _take_leave(self) -> None:
        """Hand leadership over, then leave."""
        await self.driver.release()
        await super()._take_leave()

    async def handle_worker_message(self, command: Command) -> None:
        """Pass on a command that reached this manager directly: it goes the way of all commands, through the inbox."""
        await self._host.mesh.submit(paths.request_id(command.agent_id, command.inc, command.seq), command)

    def handle_manager_message(self, event: Event) -> None:
        """Let the manager's core know of something another manager said (a head, a vote, a wish to take over)."""
        self.driver.tell(event)

    def transfer_leadership(self, to: str = "") -> None:
        """Begin to give up leadership to a certain manager, or to whoever is first.

        Raises:
            NotLeader: this manager does not lead; ask the one that does.
            AgentNotFound: `to` is no living member; nothing has changed.
            InvalidMessage: `to` is no manager; nothing has changed.
        """
        state = self.driver.manager.state
        if self.role is not ManagerRole.LEADER:
            raise NotLeader(f"manager {self.agent_id!r} does not lead; {state.head.leader!r} does")
        member = state.replica.roster.members.get(to)
        if to and (member is None or not member.alive):
            standing = "was never a member" if member is None else f"is {member.status.value}"
            raise AgentNotFound(f"leadership cannot go to {to!r}: it {standing}")
        if member is not None and member.type is not AgentType.MANAGER:
            raise InvalidMessage(f"leadership cannot go to {to!r}: it is a {member.type.value}, not a manager")
        self.driver.tell(ReleaseAsked(to))
