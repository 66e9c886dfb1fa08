"""The form of an API key, and what is stored of it.

    mesh_<environment>_<key id>_<secret>_<checksum>
    mesh_prod_5f0c1d2e3a4b_Zk3...43 characters..._1a2b3c4d

The prefix is for scanners, the checksum for typing errors: both are found without asking the store. The secret has 256
bits, so a fast keyed hash is enough; the key of that hash (the pepper) lies outside the store, so who reads the store
cannot even try keys.
"""

import hashlib
import hmac
import re
import secrets
import zlib
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from firemesh.control_plane.access import AccessRole, Identity, Operation
from firemesh.core.messages import NonNegative, StoredModel
from firemesh.errors import InvalidParameters, Unauthenticated
from firemesh.ids import new_incarnation

SECRET_BYTES = 32
PEPPER_BYTES_MIN = 32
KEY_PREFIX = "mesh_"
_ENVIRONMENT = r"[a-z0-9]{1,12}"
_KEY = re.compile(rf"mesh_({_ENVIRONMENT})_([0-9a-f]{{12}})_([A-Za-z0-9_-]{{43}})_([0-9a-f]{{8}})", re.ASCII)


class ApiKeyRecord(StoredModel):
    """What is stored of a key. Times are the store's, in milliseconds; 0 means never."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    label: Annotated[str, Field(max_length=80)] = ""
    role: Annotated[AccessRole, Field(strict=False)]
    mesh: Annotated[str, Field(max_length=40)]
    agent: Annotated[str, Field(max_length=40)] = ""
    operations: Annotated[tuple[Annotated[Operation, Field(strict=False)], ...], Field(strict=False)] = ()
    made_by: Annotated[str, Field(max_length=80)] = ""
    created_ms: NonNegative
    expires_ms: NonNegative
    revoked_ms: NonNegative = 0
    last_used_ms: NonNegative = 0

    def require_valid(self, key_id: str, now_ms: int) -> None:
        """Raises Unauthenticated when the key is revoked or has expired."""
        if self.revoked_ms and now_ms >= self.revoked_ms:
            raise Unauthenticated(f"API key {key_id} is revoked")
        if now_ms >= self.expires_ms:
            raise Unauthenticated(f"API key {key_id} has expired")

    def identity(self, key_id: str) -> Identity:
        """Who presents this key."""
        operations = frozenset(self.operations)
        return Identity(key_id=key_id, role=self.role, mesh=self.mesh, operations=operations, agent=self.agent)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A whole key, secret included. It exists at its creation and in the call that presents it; it is never stored."""

    environment: str
    key_id: str
    secret: str

    @classmethod
    def new(cls, environment: str) -> "ApiKey":
        """A fresh key. Raises InvalidParameters when the environment is no short lower-case word."""
        if re.fullmatch(_ENVIRONMENT, environment) is None:
            raise InvalidParameters(f"environment {environment!r} must be 1 to 12 lower-case letters or digits")
        return cls(environment, new_incarnation(), secrets.token_urlsafe(SECRET_BYTES))

    @classmethod
    def parse(cls, text: str) -> "ApiKey":
        """The key in a text. Raises Unauthenticated, without repeating the text, when it is none."""
        match = _KEY.fullmatch(text)
        if match is None or match[4] != _checksum(text[: match.start(4) - 1]):
            raise Unauthenticated("this is no API key: it is incomplete or mistyped")
        return cls(match[1], match[2], match[3])

    @property
    def text(self) -> str:
        """The key as its owner keeps it."""
        body = f"mesh_{self.environment}_{self.key_id}_{self.secret}"
        return f"{body}_{_checksum(body)}"

    def __repr__(self) -> str:
        """Never the secret: a key may land in a log line by mistake."""
        return f"ApiKey({self.environment}, {self.key_id})"

    def digest(self, pepper: bytes) -> str:
        """What is stored instead of the key: HMAC-SHA256 of its whole text, keyed by the pepper."""
        return hmac.new(pepper, self.text.encode(), hashlib.sha256).hexdigest()

    def fits(self, record: ApiKeyRecord, pepper: bytes) -> bool:
        """Whether a record was made for this key; takes the same time either way."""
        return hmac.compare_digest(record.digest, self.digest(pepper))


def check_pepper(text: str) -> bytes:
    """The pepper as bytes. Raises InvalidParameters when it is missing or short."""
    pepper = text.encode()
    if len(pepper) < PEPPER_BYTES_MIN:
        raise InvalidParameters(f"the secret API_KEY_PEPPER must have at least {PEPPER_BYTES_MIN} bytes, not {len(pepper)}")
    return pepper


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"
