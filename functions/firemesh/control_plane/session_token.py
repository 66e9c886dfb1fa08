"""The form of a session token: what an agent without Google credentials shows with every call.

    meshsession.1.<claims>.<mac>

The claims are those of the agent's ID token, and two times: base64url of their JSON. The MAC is HMAC-SHA256 of all before it,
keyed by the pepper, so a token costs no document and a forged one no read. The prefix is for scanners, the number tells the
version. A token proves who speaks; whether that one may still speak is looked up with every call.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Annotated

from pydantic import Field, ValidationError

from firemesh.control_plane.access import AccessRole, Identity
from firemesh.core.membership import AgentType
from firemesh.core.messages import NonNegative, StoredModel, canonical_json
from firemesh.errors import Unauthenticated
from firemesh.ids import AgentId, Incarnation, MeshId

PREFIX = "meshsession.1."
SESSION_MS = 3_600_000
"""How long a token is good for. It ends earlier with its key or its incarnation, so this bounds a stolen one alone."""
TOKEN_CHARACTERS_MAX = 1000


class AgentClaims(StoredModel):
    """Who an agent is: what the control plane vouches for, in a session token as in an ID token. `key` is its API key's id."""

    mesh: MeshId
    agent: AgentId
    inc: Incarnation
    type: Annotated[AgentType, Field(strict=False)] = AgentType.WORKER
    access_role: Annotated[AccessRole, Field(strict=False)]
    key: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]

    def identity(self) -> Identity:
        """The same for the permission table."""
        return Identity(key_id=self.key, role=self.access_role, mesh=self.mesh, agent=self.agent, inc=self.inc)


class SessionClaims(AgentClaims):
    """An agent's claims, from when and until when they hold: the store's milliseconds."""

    issued_ms: NonNegative
    expires_ms: NonNegative


def issue(claims: AgentClaims, pepper: bytes, *, now_ms: int) -> str:
    """A token that is good for an hour."""
    lasting = SessionClaims(**claims.model_dump(), issued_ms=now_ms, expires_ms=now_ms + SESSION_MS)
    payload = base64.urlsafe_b64encode(canonical_json(lasting.model_dump(mode="json")).encode()).decode().rstrip("=")
    body = PREFIX + payload
    return f"{body}.{_mac(body, pepper)}"


def parse(token: str, pepper: bytes) -> SessionClaims:
    """The claims of a token of ours; whether they still hold is for the caller to ask.

    Raises:
        Unauthenticated: it is none, or was altered. The message does not repeat it.
    """
    body, _, mac = token.rpartition(".")
    if len(token) > TOKEN_CHARACTERS_MAX or not body.startswith(PREFIX) or not _is_equal(mac, _mac(body, pepper)):
        raise Unauthenticated("this is no session token of this control plane: it is incomplete or was altered")
    payload = body.removeprefix(PREFIX)
    try:
        return SessionClaims.model_validate_json(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, ValidationError) as error:
        raise Unauthenticated("this session token is of another version; ask for a new one") from error


def _mac(body: str, pepper: bytes) -> str:
    return hmac.new(pepper, body.encode(), hashlib.sha256).hexdigest()


def _is_equal(mac: str, expected: str) -> bool:
    """Takes the same time wherever they differ; as bytes, because a text with other letters would be refused."""
    return hmac.compare_digest(mac.encode(), expected.encode())
