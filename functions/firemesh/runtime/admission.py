"""What the control plane gives to an agent that comes with an API key."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What an agent needs to join a mesh by itself, as one new incarnation.

    It may not read the mesh document, which holds the seed; so the control plane tells what it has to know of it:
    `machine` and `params` (see `MeshRecord`). `process` is the only name its process may have. Two ways lead on: with the
    custom token to Firestore itself, or with the session token through the REST interface.
    """

    mesh: str
    agent: str
    inc: str
    type: str
    access_role: str
    process: str
    machine: str
    params: Mapping[str, int]
    custom_token: str
    session: str


AdmissionSource = Callable[[], Awaitable[Admission]]
"""Asks the control plane for an admission: at the start, and again whenever an incarnation has ended.

Raises what the control plane refuses (AgentIdInUse, Unauthenticated, ...), and StoreUnavailable without an answer.
"""

CLIENT_PROCESS_PREFIX = "client-"


def client_process(agent_id: str) -> str:
    """The name of the process of an agent that comes with an API key: the security rules demand exactly this one."""
    return CLIENT_PROCESS_PREFIX + agent_id
