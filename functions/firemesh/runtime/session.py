"""An agent's line to the leader: commands put into the inbox one after the other, each surely there before the next.

A command whose commit got no answer is sent again under the same document id; should the leader have ordered the first copy
already, it drops the second by its sequence number. A number once tried belongs to its command for ever: what an
interrupted send has left open is settled before anything else is sent.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from itertools import chain, repeat
from typing import Any, TypeVar

from pydantic import ValidationError

from firemesh.core.messages import Command, canonical_json
from firemesh.errors import CommitAborted, InboxFull, InvalidMessage, RequestError, UnavailableError
from firemesh.runtime.agent_mesh import AgentMesh
from firemesh.store import paths

log = logging.getLogger(__name__)

T = TypeVar("T")

OUTSTANDING_MAX = 64
"""Commands of one agent that may wait in the inbox. Looking how many still do costs one read per half as many."""
BACKOFF_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0)


class Session:
    """The numbered commands of one incarnation of one agent. `on_sent` hears of every command that is surely in the inbox."""

    def __init__(self, mesh: AgentMesh, agent_id: str, inc: str, *, on_sent: Callable[[Command], None] | None = None) -> None:
        self.agent_id = agent_id
        self.inc = inc
        self.sent = 0
        """Sequence number of the last command that is surely in the inbox."""
        self._taken = 0
        """A sequence number up to which nothing waits in the inbox any more."""
        self._open: Command | None = None
        """The command of an interrupted send: it may be in the inbox or not."""
        self._mesh = mesh
        self._on_sent = on_sent
        self._turn = asyncio.Lock()

    async def send(self, kind: str, body: Mapping[str, Any]) -> int:
        """Put a command into the inbox and return its sequence number, however long the store is away.

        Returning means durable, not yet ordered: the views tell what came of it, or `refused` why not.

        Raises:
            InvalidMessage: the kind or the body is not acceptable; nothing was sent and no number was used.
            InboxFull: more than 32 commands of this agent wait for a leader; nothing was sent. Wait for the views to move.
            IncarnationEnded: the mesh has ended this incarnation, as far as is known here; nothing was sent.
            PermissionDenied: this identity may not send.
        """
        async with self._turn:
            if self._open is not None:
                await self._deliver(self._open)
            command = self._command(kind, body)
            await self._require_room()
            await self._deliver(command)
            return command.seq

    def request_id(self, seq: int) -> str:
        """Under which id the command with this number lies in the inbox."""
        return paths.request_id(self.agent_id, self.inc, seq)

    def _command(self, kind: str, body: Mapping[str, Any]) -> Command:
        try:
            return Command(agent_id=self.agent_id, inc=self.inc, seq=self.sent + 1, kind=kind, payload=canonical_json(body))
        except ValidationError as error:
            problem = error.errors(include_input=False)[0]
            raise InvalidMessage(f"command {kind!r}: {problem['loc']}: {problem['msg']}") from error
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidMessage(f"command {kind!r}: the body is not a JSON object: {error}") from error

    async def _require_room(self) -> None:
        if self.sent - self._taken < OUTSTANDING_MAX:
            return
        middle = self.sent - OUTSTANDING_MAX // 2
        if await _insist(lambda: self._mesh.is_waiting(self.request_id(middle))):
            raise InboxFull(f"more than {OUTSTANDING_MAX // 2} commands of agent {self.agent_id!r} wait for a leader")
        self._taken = middle

    async def _deliver(self, command: Command) -> None:
        self._open = command
        try:
            await _insist(lambda: self._mesh.submit(self.request_id(command.seq), command))
        except RequestError:
            self._open = None
            raise
        self._open = None
        self.sent = command.seq
        if self._on_sent is not None:
            self._on_sent(command)


async def _insist(call: Callable[[], Awaitable[T]]) -> T:
    """The answer to a call that may be repeated, however long the store is away."""
    pauses = chain(BACKOFF_SECONDS, repeat(BACKOFF_SECONDS[-1]))
    while True:
        try:
            return await call()
        except (UnavailableError, CommitAborted) as error:
            log.info("the store did not take it (%s), trying again", error)
        await asyncio.sleep(next(pauses))
