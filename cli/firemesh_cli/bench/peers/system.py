"""What a system must offer to be measured beside others."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from firemesh_cli.bench.peers.workplace import Workplace

Say = Callable[[str], None]
"""Tells the driver a word, with the time at which it was said. Any thread may call it."""
Heard = Callable[[int], None]
"""Notes that the message with this number has arrived. To be called on the event loop."""
Publish = Callable[[int, str], Awaitable[None]]
"""Sends one message: its number, from 1 on, and its text."""

TTL_SECONDS = 2.0
"""Of every lease and session: the least that etcd grants."""

STANDS, LEADS, LISTENS = "stands", "leads", "listens"
"""What clients say: I would lead if the leader died; I lead; I hear whatever is sent from now on."""


class System(Protocol):
    """A system as the driver sees it."""

    @property
    def name(self) -> str:
        """In tables and plots."""
        ...

    @property
    def packages(self) -> tuple[str, ...]:
        """Of Debian, the one that names its version first; none for what is ours."""
        ...

    @property
    def kept(self) -> str:
        """Where a message, or a lease, is when its writer has been told that it is written."""
        ...

    def running(self, place: "Workplace") -> AbstractAsyncContextManager[str]:
        """Run it in the block; gives the address that clients need.

        Raises:
            LocalStackError: it is not on this machine and cannot be brought here, or it does not start.
        """
        ...


class Elector(Protocol):
    """A candidate's way to leadership."""

    async def campaign(self, candidate: str, ttl_seconds: float, say: Say) -> None:
        """Stand, and lead when elected, until cancelled. Says STANDS once, LEADS whenever elected."""
        ...


class Courier(Protocol):
    """A client's way to send and to hear, over a connection of its own."""

    async def publisher(self) -> Publish:
        """Get ready to send."""
        ...

    async def listen(self, say: Say, heard: Heard) -> None:
        """Hear all that is sent, until cancelled. Says LISTENS once."""
        ...
