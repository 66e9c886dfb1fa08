"""All that the interfaces of the control plane can call, as one value."""

from dataclasses import dataclass

from firemesh.control_plane.agent_desk import AgentDesk
from firemesh.control_plane.agent_sessions import AgentSessions
from firemesh.control_plane.audit import AuditTrail
from firemesh.control_plane.audit_desk import AuditDesk
from firemesh.control_plane.control_panel import ControlPanel, TokenMinter
from firemesh.control_plane.game_desk import GameDesk
from firemesh.control_plane.guard import Guard
from firemesh.control_plane.idempotency import IdempotencyKeys
from firemesh.control_plane.insight_desk import InsightDesk
from firemesh.control_plane.key_desk import KeyDesk
from firemesh.control_plane.key_ring import KeyRing
from firemesh.store.base import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """What routes and callables are thin over. Made with the first request that needs it."""

    panel: ControlPanel
    desk: AgentDesk
    keys: KeyDesk
    audit: AuditDesk
    games: GameDesk
    insight: InsightDesk
    idempotency: IdempotencyKeys

    @classmethod
    def over(cls, store: Store, ring: KeyRing, sessions: AgentSessions, *, mint_token: TokenMinter) -> "UseCases":
        """All use cases of the project whose documents are in `store`."""
        guard = Guard(store)
        panel = ControlPanel(store, ring, sessions, guard, mint_token=mint_token)
        return cls(
            panel=panel,
            desk=AgentDesk(store, guard),
            keys=KeyDesk(ring, guard),
            audit=AuditDesk(AuditTrail(store), guard),
            games=GameDesk(store, ring, sessions, panel, guard, mint_token=mint_token),
            insight=InsightDesk(store, guard, mint_token=mint_token),
            idempotency=IdempotencyKeys(store),
        )
