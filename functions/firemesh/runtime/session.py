"""An agent's line to the leader: commands put into the inbox one after the other, each surely there before the next.

A command whose commit got no answer is sent again under the same document id; should the leader have ordered the first copy
already, it drops the second by its sequence number.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from firemesh.core.messages import Command, canonical_json
from firemesh.errors import InvalidMessage, UnavailableError
from firemesh.store import paths
from firemesh.store.mesh_store import MeshStore

log = logging.getLogger(__name__)

BACKOFF_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0)


class Session:
    """The numbered commands of one incarnation of one agent. `on_sent` hears of every command that is surely in the inbox."""

    def __init__(self, mesh: MeshStore, agent_id: str, inc: str, *, on_sent: Callable[[Command], None] | None = None) -> None:
        self.agent_id = agent_id
        self.inc = inc
        self.sent = 0
        """Sequence number of the last command that is surely in the inbox."""
        self._mesh = mesh
        self._on_sent = on_sent
        self._turn = asyncio.Lock()

    async def send(self, kind: str, body: Mapping[str, Any]) -> int:
        """Put a command into the inbox and return its sequence number, however long the store is away.

        Returning means durable, not yet ordered: the views tell what came of it, or `refused` why not.

        Raises:
            InvalidMessage: the kind or the body is not acceptable; nothing was sent and no number was used.
            PermissionDenied: this identity may not send.
        """
        async with self._turn:
            command = self._command(kind, body)
            await self._deliver(command)
            self.sent = command.seq
            if self._on_sent is not None:
                self._on_sent(command)
            return command.seq

    def _command(self, kind: str, body: Mapping[str, Any]) -> Command:
        try:
            return Command(agent_id=self.agent_id, inc=self.inc, seq=self.sent + 1, kind=kind, payload=canonical_json(body))
        except ValidationError as error:
            problem = error.errors(include_input=False)[0]
            raise InvalidMessage(f"command {kind!r}: {problem['loc']}: {problem['msg']}") from error

    async def _deliver(self, command: Command) -> None:
        request_id = paths.request_id(command.agent_id, command.inc, command.seq)
        failures = 0
        while True:
            try:
                await self._mesh.submit(request_id, command)
                return
            except UnavailableError as error:
                log.info("%s: command %s not confirmed (%s), sending it again", self.agent_id, command.seq, error)
            await asyncio.sleep(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])
            failures += 1
