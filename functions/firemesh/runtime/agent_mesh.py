"""What an agent and its process need of a mesh, whoever they are to it.

`MeshStore` gives it to processes with server credentials. Who has only an API key gets the same from a mesh that passes
through the security rules, or through the REST interface.
"""

from typing import Any, Protocol

from firemesh.core.health import Beat, HealthPolicy
from firemesh.core.messages import Command
from firemesh.store.base import Fields, Watch

STATE_BYTES_MAX = 100_000
"""Of what an agent keeps of its own, as JSON."""


class AgentMesh(Protocol):
    """One mesh as those see it who take part in it.

    Every method is one round trip, and raises what `Store` raises: StoreUnavailable and OutcomeUnknown when there was no
    answer, PermissionDenied and Unauthenticated when this identity may not (any more). Paths are below the mesh:
    `agents/w1`, `views/public`.
    """

    @property
    def mesh_id(self) -> str:
        """The mesh's id."""
        ...

    async def new_incarnation(self) -> str:
        """The name of this process's next run. The mesh may have to ask for it anew, and wait until it is given one.

        Raises:
            RequestError: this process may not come back.
        """
        ...

    async def submit(self, request_id: str, command: Command) -> None:
        """Put a command into the inbox. That it lies there already, or was ordered or refused meanwhile, is as good.

        Raises:
            IncarnationEnded: the mesh has ended the incarnation that sends this; nothing was sent.
        """
        ...

    async def is_waiting(self, request_id: str) -> bool:
        """Whether a command of this process still lies in the inbox."""
        ...

    async def read_fields(self, path: str) -> Fields | None:
        """The content of one document; None when there is none."""
        ...

    def watch_document(self, path: str) -> Watch:
        """Listen to one document; its snapshots name documents by their whole path. Never blocks and never raises."""
        ...

    async def write_beat(self, beat: Beat) -> None:
        """Replace the sign of life of this process."""
        ...

    async def read_beat(self, process_id: str) -> tuple[Beat | None, int, int]:
        """The last sign of life of a process, its update time and the read time, in the store's nanoseconds."""
        ...

    async def delete_beat(self, process_id: str) -> None:
        """Remove the sign of life of this process, which stops in good order."""
        ...

    async def write_state(self, agent_id: str, version: int, inc: str, values: dict[str, Any]) -> None:
        """Replace the state an agent keeps of its own. Raises IncarnationEnded as `submit` does."""
        ...


async def is_silent(mesh: AgentMesh, process_id: str, inc: str, policy: HealthPolicy) -> bool:
    """Whether a run of a process shows no sign of life for long enough to be judged, by the store's own clock.

    A run whose document is gone, or is a later run's, will never speak again. Raises what `AgentMesh` raises.
    """
    beat, written, read = await mesh.read_beat(process_id)
    if beat is None or beat.inc != inc:
        return True
    return (read - written) // 1_000_000 >= policy.dead_after_ms(beat.interval_ms, beat.lateness)
