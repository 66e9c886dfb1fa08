"""Agents as callers: who shows a session token or an ID token, and whether that one may still speak.

A token only names an agent and the key it was admitted with. With every call both are looked up, in one read of two
documents: a revoked key, and an incarnation that has left or died, are out with their next call.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from firemesh.control_plane import session_token
from firemesh.control_plane.access import Identity, Seat
from firemesh.control_plane.key_ring import parse_key_record
from firemesh.control_plane.session_token import AgentClaims
from firemesh.core.membership import MemberStatus
from firemesh.errors import IncarnationEnded, PermissionDenied, Unauthenticated
from firemesh.store import paths
from firemesh.store.base import Fields, Store

TokenVerifier = Callable[[str], Awaitable[Mapping[str, Any]]]
"""The claims of a sound ID token of this project. Raises Unauthenticated for any other."""


class AgentSessions:
    """Gives out session tokens and knows who shows one. Time is the store's own."""

    def __init__(self, store: Store, pepper: bytes, *, verify_id_token: TokenVerifier) -> None:
        self._store = store
        self._pepper = pepper
        self._verify_id_token = verify_id_token

    def issue(self, claims: AgentClaims, *, now_ms: int) -> str:
        """A session token for an agent that has been let in."""
        return session_token.issue(claims, self._pepper, now_ms=now_ms)

    async def find(self, token: str) -> Identity:
        """Who shows this token.

        Raises:
            IncarnationEnded: that run of the agent has left, was removed or declared dead. It needs a new admission.
            Unauthenticated: the token is none of ours, or has expired, or its key has expired or is revoked.
            StoreUnavailable: nobody could be asked.
        """
        if token.startswith(session_token.PREFIX):
            session = session_token.parse(token, self._pepper)
            return await self._standing(session, session.expires_ms)
        claims = await self._verify_id_token(token)
        return await self._standing(_agent_of(claims), int(claims["exp"]) * 1000)

    def holder(self, token: str, seat: Identity, mesh_id: str) -> str:
        """The agent that a session was given to under a key, however old the session is.

        Raises:
            Unauthenticated: it is none of ours.
            PermissionDenied: it was given for another mesh or key.
        """
        session = session_token.parse(token, self._pepper)
        if (session.mesh, session.key) != (mesh_id, seat.key_id):
            raise PermissionDenied(f"this session is not of mesh {mesh_id!r}")
        return session.agent

    async def refresh(self, identity: Identity, mesh_id: str, agent_id: str, token: str) -> str:
        """A new token for the holder of an old one, expired or not, who also shows the key it was admitted with.

        Both are asked for: a key alone, which several agents may share, must not speak for another's living incarnation.

        Raises:
            IncarnationEnded, Unauthenticated: as `find`, but for the age of the token.
            PermissionDenied: the token is another agent's, or was given for another key.
        """
        session = session_token.parse(token, self._pepper)
        if (session.mesh, session.agent, session.key) != (mesh_id, agent_id, identity.key_id):
            raise PermissionDenied(f"this token was not given to agent {agent_id!r} of this mesh for this key")
        now_ms, _ = await self._look_up(session)
        return self.issue(AgentClaims(**session.model_dump(include=set(AgentClaims.model_fields))), now_ms=now_ms)

    async def _standing(self, claims: AgentClaims, expires_ms: int) -> Identity:
        now_ms, identity = await self._look_up(claims)
        if now_ms >= expires_ms:
            raise Unauthenticated(f"the session of agent {claims.agent!r} has expired; refresh it with the API key")
        return identity

    async def _look_up(self, claims: AgentClaims) -> tuple[int, Identity]:
        """The store's time, and the identity as key and roster have it."""
        key_path, row_path = paths.api_key(claims.key), paths.agent(claims.mesh, claims.agent)
        result = await self._store.get_all([key_path, row_path])
        now_ms = result.read_time // 1_000_000
        if key_path not in result.documents:
            raise Unauthenticated(f"there is no API key {claims.key} any more")
        key = parse_key_record(result.documents[key_path])
        key.require_valid(claims.key, now_ms)
        row = result.documents.get(row_path)
        seat = _seat(claims, None if row is None else row.fields)
        return now_ms, replace(claims.identity(), operations=frozenset(key.operations), seat=seat)


def _seat(claims: AgentClaims, row: Fields | None) -> Seat:
    is_alive = row is not None and row["status"] == MemberStatus.ALIVE
    if row is not None and row["inc"] == claims.inc:
        if not is_alive:
            raise IncarnationEnded(f"this run of agent {claims.agent!r} has ended: {row['status']}; it needs a new admission")
        return Seat.OWN
    return Seat.TAKEN if is_alive else Seat.FREE


def _agent_of(claims: Mapping[str, Any]) -> AgentClaims:
    """The agent in the claims of an ID token, by the same test as in the security rules."""
    signed_in = claims.get("firebase")
    if not isinstance(signed_in, Mapping) or signed_in.get("sign_in_provider") != "custom":
        raise Unauthenticated("this ID token does not come from a custom token of the control plane")
    try:
        return AgentClaims.model_validate({name: claims[name] for name in AgentClaims.model_fields if name in claims})
    except ValidationError as error:
        raise Unauthenticated("this ID token speaks of no agent") from error
