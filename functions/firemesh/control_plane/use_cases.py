"""All that the interfaces of the control plane can call, as one value."""

from dataclasses import dataclass

from firemesh.control_plane.agent_desk import AgentDesk
from firemesh.control_plane.control_panel import ControlPanel
from firemesh.control_plane.idempotency import IdempotencyKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """What routes and callables are thin over. Made with the first request that needs it."""

    panel: ControlPanel
    desk: AgentDesk
    idempotency: IdempotencyKeys
