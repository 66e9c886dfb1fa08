"""A worker: an agent driven by a behaviour. It sees two views and sends commands to whoever leads."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from firemesh.core.membership import AgentType
from firemesh.errors import InvalidMessage
from firemesh.runtime.agent import Agent, Host, ViewFeed
from firemesh.runtime.behaviour import INTENTS_MAX, Behaviour, Intent

log = logging.getLogger(__name__)


class WorkerAgent(Agent):
    """An agent driven by a behaviour: it sees the public view and its own, and sends commands to whoever leads."""

    type = AgentType.WORKER

    def __init__(self, agent_id: str, host: Host, behaviour: Behaviour | None = None) -> None:
        super().__init__(agent_id, host)
        self._behaviour = behaviour
        self._own = ViewFeed()
        self._news = asyncio.Event()

    @property
    def manager(self) -> str:
        """Whom commands go to: always the leader, through the inbox, whoever that is."""
        return "leader"

    async def start(self) -> None:
        """Join, then listen and act."""
        await super().start()
        if self._behaviour is None:
            return
        if self._memory.behaviour:
            self._behaviour.restore(self._memory.behaviour)
        public = await self._host.public_view()
        self._spawn(self._listen_to_own_view())
        self._spawn(self._relay_news(public))
        self._spawn(self._act(public, self._behaviour))

    async def send_to_manager(self, kind: str, body: Mapping[str, Any]) -> int:
        """Put a command into the inbox; returns its sequence number once it is surely there. See `Session.send`."""
        return await self._session.send(kind, body)

    async def _listen_to_own_view(self) -> None:
        async for fields in self._fields(f"views/agent_{self.agent_id}"):
            await self._own.put(fields)
            self._news.set()

    async def _relay_news(self, public: ViewFeed) -> None:
        seen = 0
        while True:
            async with public.changed:
                await public.changed.wait_for(lambda: public.applied_index > seen)  # noqa: B023 - read while held
                seen = public.applied_index
            self._news.set()

    async def _act(self, public: ViewFeed, behaviour: Behaviour) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            self.publish_heartbeat()
            if not public.view:
                continue
            moment = behaviour.moment(public.view, self._own.view)
            for intent in tuple(behaviour.decide(public.view, self._own.view))[:INTENTS_MAX]:
                await asyncio.sleep(intent.think_ms / 1000)
                if behaviour.moment(public.view, self._own.view) != moment:
                    self._news.set()
                    break
                await self._do(intent)
            self._remember(behaviour=behaviour.memory())

    async def _do(self, intent: Intent) -> None:
        try:
            await self.send_to_manager(intent.kind, intent.body)
        except InvalidMessage as error:
            log.warning("agent %s: its behaviour wanted something impossible: %s", self.agent_id, error)
