"""What an agent needs of the process that runs it: they share one connection, one incarnation and one sign of life."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from firemesh.core.messages import Command
from firemesh.runtime.agent_mesh import AgentMesh
from firemesh.runtime.state_file import StateFile


class Host(Protocol):
    """What an agent needs of the process that runs it."""

    process_id: str
    inc: str
    mesh: AgentMesh

    @property
    def may_replace(self) -> bool:
        """Whether the agent's join may push its own earlier runs aside; else it waits until they are judged."""
        ...

    @property
    def agent_beat_seconds(self) -> float:
        """How often each agent tells the process that it runs."""
        ...

    def state_file(self, agent_id: str) -> StateFile | None:
        """Where the agent keeps its memory; None when it keeps none."""
        ...

    def sign_of_life(self, agent_id: str, state: str) -> None:
        """The agent does something and is in this state: the process is active."""
        ...

    def agent_beat(self, agent_id: str) -> None:
        """The agent's tasks still run; whether it does anything is another matter."""
        ...

    async def is_silent(self, process_id: str, inc: str) -> bool:
        """Whether a run of a process shows no sign of life for long enough to be judged, by the store's own clock."""
        ...

    async def renew_incarnation(self, ended: str) -> None:
        """The incarnation `ended` was declared dead although this process lives: begin a new one (once)."""
        ...

    def on_sent(self, command: Command) -> None:
        """A command of one of the agents is surely in the inbox."""
        ...

    def public_view(self) -> "ViewFeed":
        """The one listener to `views/public` that all agents of the process share."""
        ...


class ViewFeed:
    """The latest content of one view, for any number of readers of the same process."""

    def __init__(self) -> None:
        self.view: Mapping[str, Any] = {}
        self.applied_index = 0
        self.readers: dict[Callable[[], None], None] = {}
        """Called whenever the view has changed, in the order in which they came."""

    def put(self, fields: Mapping[str, Any]) -> None:
        """Take a newer version of the view; one that is known already (a listener was opened anew) is no news."""
        if fields["applied_index"] <= self.applied_index:
            return
        self.view, self.applied_index = fields["view"], fields["applied_index"]
        for tell in tuple(self.readers):
            tell()
