"""ID tokens of Firebase Authentication: what an agent without server credentials shows to Firestore at every call.

A custom token of the control plane is exchanged once for an ID token, which lasts an hour, and for a refresh token. The
claims of the custom token stay in both, so another incarnation takes another custom token.
"""

import asyncio
import json
import logging
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from firemesh.errors import MeshError, StoreUnavailable, Unauthenticated

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
FRESH_SHARE = 0.8
"""A token is renewed when this share of its life is over, and used until its end should that not succeed."""
RETRY_SECONDS = 10.0
"""How long after a failed renewal the next is tried while the old token still serves."""
EMULATOR_KEY = "emulator"


@dataclass(frozen=True, slots=True)
class Authentication:
    """Where Firebase Authentication answers: a project's own by its web API key, or an emulator at `host`.

    The web API key names the project and is no secret: it stands in the configuration of every web app of the project.
    """

    web_api_key: str = EMULATOR_KEY
    host: str = ""

    def url(self, service: str, method: str) -> str:
        """The address of a method of a service."""
        base = f"http://{self.host}/{service}.googleapis.com" if self.host else f"https://{service}.googleapis.com"
        return f"{base}/v1/{method}?{urlencode({'key': self.web_api_key})}"


@dataclass(frozen=True, slots=True)
class _Grant:
    """One ID token, how it is renewed, and from when to when, in seconds of the clock of `IdTokens`."""

    id_token: str
    refresh_token: str
    granted_at: float
    lasts_seconds: float

    def age_share(self, now: float) -> float:
        """How much of its life is over. A clock set back makes it old, not young."""
        age = (now - self.granted_at) / self.lasts_seconds
        return age if age >= 0 else 1.0


class IdTokens:
    """The ID tokens of one user, one after the other: call it for the one that is valid now.

    `now` is a clock that goes on while the machine sleeps, in seconds.
    """

    def __init__(self, custom_token: str, authentication: Authentication, *, now: Callable[[], float]) -> None:
        self._custom_token = custom_token
        self._authentication = authentication
        self._now = now
        self._grant: _Grant | None = None
        self._try_at = 0.0
        self._turn = asyncio.Lock()

    async def __call__(self) -> str:
        """An ID token that is valid now; without one at hand this takes a call to Firebase Authentication.

        Raises:
            Unauthenticated: the user is gone, disabled or signed out; take another custom token.
            StoreUnavailable: Firebase Authentication did not answer, and the last token has expired.
        """
        async with self._turn:
            grant, now = self._grant, self._now()
            if grant is None:
                grant = await self._exchange()
            elif grant.age_share(now) >= 1 or (grant.age_share(now) >= FRESH_SHARE and now >= self._try_at):
                grant = await self._renewed(grant, now)
            self._grant = grant
            return grant.id_token

    async def _exchange(self) -> _Grant:
        url = self._authentication.url("identitytoolkit", "accounts:signInWithCustomToken")
        granted_at = self._now()
        body = json.dumps({"token": self._custom_token, "returnSecureToken": True})
        answer = await asyncio.to_thread(_post, url, body, "application/json")
        return _grant(answer, ("idToken", "refreshToken", "expiresIn"), granted_at)

    async def _renewed(self, grant: _Grant, now: float) -> _Grant:
        url = self._authentication.url("securetoken", "token")
        try:
            form = urlencode({"grant_type": "refresh_token", "refresh_token": grant.refresh_token})
            answer = await asyncio.to_thread(_post, url, form, "application/x-www-form-urlencoded")
            return _grant(answer, ("id_token", "refresh_token", "expires_in"), now)
        except StoreUnavailable as error:
            if grant.age_share(self._now()) >= 1:
                raise
            log.info("the ID token is not renewed yet: %s", error)
            self._try_at = now + RETRY_SECONDS
            return grant


def _grant(answer: Any, names: tuple[str, str, str], granted_at: float) -> _Grant:
    """What an answer grants; the two services spell its fields differently."""
    try:
        id_token, refresh_token, lasts_seconds = (answer[name] for name in names)
        return _Grant(str(id_token), str(refresh_token), granted_at, max(1.0, float(lasts_seconds)))
    except (KeyError, TypeError, ValueError) as error:
        raise StoreUnavailable("what answered is not Firebase Authentication") from error


def _post(url: str, body: str, content_type: str) -> Any:
    """The answer's JSON value. Raises Unauthenticated when refused, StoreUnavailable when there is no answer."""
    request = urllib.request.Request(url, body.encode(), {"Content-Type": content_type})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(error) from error
    except (OSError, ValueError) as error:
        raise StoreUnavailable(f"no answer from Firebase Authentication: {error}") from error


def _refusal(answer: urllib.error.HTTPError) -> MeshError:
    """What a refusal means. Its message is one upper-case word, as a rule: USER_DISABLED, TOKEN_EXPIRED."""
    if answer.code >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.code == HTTPStatus.TOO_MANY_REQUESTS:
        return StoreUnavailable(f"Firebase Authentication answered {answer.code}")
    try:
        said = str(json.load(answer)["error"]["message"])
    except (OSError, ValueError, KeyError, TypeError):
        said = answer.reason
    return Unauthenticated(f"Firebase Authentication gives no token: {answer.code} {said[:200]}")
