"""A worker: an agent driven by a behaviour. It sees two views and sends commands to whoever leads."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from firemesh.core.membership import AgentType
from firemesh.errors import InboxFull, IncarnationEnded, InvalidMessage
from firemesh.runtime.agent import Agent
from firemesh.runtime.behaviour import INTENTS_MAX, Behaviour, Intent
from firemesh.runtime.host import Host, ViewFeed

log = logging.getLogger(__name__)


class WorkerAgent(Agent):
    """An agent driven by a behaviour: it sees the public view and its own, and sends commands to whoever leads.

    Without a behaviour it only takes part; the program that runs it calls `send_to_manager`.
    """

    type = AgentType.WORKER

    def __init__(self, agent_id: str, host: Host, behaviour: Behaviour | None = None) -> None:
        super().__init__(agent_id, host)
        self._behaviour = behaviour
        self._public = ViewFeed()
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
        self._public = self._host.public_view()
        for feed in (self._public, self._own):
            feed.readers[self._news.set] = None
        self._news.set()
        self._spawn(self._listen_to_own_view())
        self._spawn(self._act(self._behaviour))

    async def abandon(self) -> None:
        """See `Agent`."""
        self._public.readers.pop(self._news.set, None)
        await super().abandon()

    async def send_to_manager(self, kind: str, body: Mapping[str, Any]) -> int:
        """Put a command into the inbox; returns its sequence number once it is surely there. See `Session.send`."""
        return await self._session.send(kind, body)

    async def _come_back(self) -> None:
        """A command of the dead incarnation may have been refused: look at the views anew, as after a restart."""
        await super()._come_back()
        if self._behaviour is not None:
            self._behaviour.restore(self._behaviour.memory())
        self._news.set()

    async def _listen_to_own_view(self) -> None:
        async for fields in self._fields(f"views/agent_{self.agent_id}"):
            self._own.put(fields)

    async def _act(self, behaviour: Behaviour) -> None:
        """Ask the behaviour whenever a view has changed, and send what it wants while that still fits the moment."""
        while True:
            await self._news.wait()
            self._news.clear()
            if not self._public.view:
                continue
            self.publish_heartbeat()
            moment = self._moment(behaviour)
            for intent in tuple(behaviour.decide(self._public.view, self._own.view))[:INTENTS_MAX]:
                if not await self._think(behaviour, moment, intent.think_ms / 1000):
                    break
                await self._do(intent)
            await self._remember(behaviour=behaviour.memory())

    def _moment(self, behaviour: Behaviour) -> str:
        return behaviour.moment(self._public.view, self._own.view)

    async def _think(self, behaviour: Behaviour, moment: str, seconds: float) -> bool:
        """Let time pass while the moment lasts; whether it still does. News heard meanwhile stay news."""
        heard = False
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._moment(behaviour) == moment:
                    await self._news.wait()
                    self._news.clear()
                    heard = True
        if heard:
            self._news.set()
        return self._moment(behaviour) == moment

    async def _do(self, intent: Intent) -> None:
        try:
            await self.send_to_manager(intent.kind, intent.body)
        except (InvalidMessage, InboxFull, IncarnationEnded) as error:
            log.warning("agent %s: %s is not sent: %s", self.agent_id, intent.kind, error)
