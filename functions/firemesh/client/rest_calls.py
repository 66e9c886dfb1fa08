"""HTTP calls of one agent to the REST interface: its session, its errors, its patience. The only importer of httpx."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from firemesh.client.problems import error_of
from firemesh.errors import (
    IncarnationEnded,
    InvalidParameters,
    MeshError,
    OutcomeUnknown,
    RateLimited,
    StoreUnavailable,
    Unauthenticated,
)
from firemesh.runtime.admission import Admission

log = logging.getLogger(__name__)

CONNECT_SECONDS_MAX = 5.0
ANSWER_SECONDS_MAX = 60.0
"""A function that has to be started first may take its time; hosting gives up after a minute."""
SILENCE_SECONDS_MAX = 25.0
"""An event stream says something every 10 s."""
RATE_WAITS_MAX = 5
"""How often one call waits as long as it was told to, before its caller hears of it."""

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call gave: a JSON value, and the version of it when it has one."""

    value: Any
    etag: str = ""


class RestCalls:
    """Calls in the name of one agent. `admit` once, then `call` and `lines` with the session; `ask` goes with the API key."""

    def __init__(self, url: str, key: str) -> None:
        """`url` is the address before /v1, with event streams below it: that of hosting. Raises InvalidParameters."""
        if urlsplit(url).scheme not in ("http", "https"):
            raise InvalidParameters(f"{url!r} is no http or https address")
        self._base = f"{url.rstrip('/')}/v1"
        self._key = key
        self._session = ""
        self._agent_path = ""
        self._refreshing = asyncio.Lock()
        timeout = httpx.Timeout(ANSWER_SECONDS_MAX, connect=CONNECT_SECONDS_MAX)
        self._http = httpx.AsyncClient(timeout=timeout, headers={"Accept-Encoding": "identity"})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    def act_as(self, admission: Admission) -> None:
        """From now on calls are those of the incarnation that was admitted."""
        self._agent_path = f"/meshes/{quote(admission.mesh, safe='')}/agents/{quote(admission.agent, safe='')}"
        self._session = admission.session

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer to a call with the API key, to a path below /v1. Raises as `call`, never IncarnationEnded."""
        return (await self._patiently(method, path, self._key, body, {})).value

    async def call(self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to a call with the session, to a path below the agent's own. A session that has aged is refreshed.

        Raises:
            IncarnationEnded: the run that the session was given to has ended.
            MeshError: what the control plane refused, as the error it was there.
            StoreUnavailable: no answer, and nothing was changed; or it is asked too often.
            OutcomeUnknown: no answer; what was asked may have been done.
        """
        session = self._session
        try:
            return await self._patiently(method, self._agent_path + path, session, body, headers or {})
        except IncarnationEnded:
            raise
        except Unauthenticated:
            await self._refresh(session)
        return await self._patiently(method, self._agent_path + path, self._session, body, headers or {})

    @asynccontextmanager
    async def lines(self, path: str, *, last_event_id: str) -> AsyncIterator[AsyncGenerator[str, None]]:
        """The lines of an event stream, opened with the session. Raises as `call`; StoreUnavailable when it breaks off."""
        session = self._session
        headers = {"Authorization": f"Bearer {session}", "Accept": "text/event-stream"}
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        timeout = httpx.Timeout(SILENCE_SECONDS_MAX, connect=CONNECT_SECONDS_MAX)
        try:
            async with self._http.stream("GET", self._url(self._agent_path + path), headers=headers, timeout=timeout) as answer:
                if answer.status_code != httpx.codes.OK:
                    await answer.aread()
                    raise _refusal(answer, sent=False)
                yield _lines(answer)
        except httpx.HTTPError as error:
            raise StoreUnavailable(f"the event stream broke off: {error!r}") from error
        except IncarnationEnded:
            raise
        except Unauthenticated as error:
            await self._refresh(session)
            raise StoreUnavailable("the session had aged; it is refreshed") from error

    async def _refresh(self, old: str) -> None:
        """A new session for an old one. Several calls may find out at once that it has aged; one asks."""
        async with self._refreshing:
            if self._session == old:
                path = self._agent_path + "/session"
                self._session = (await self._patiently("POST", path, self._key, {"session": old}, {})).value["session"]

    async def _patiently(self, method: str, path: str, credential: str, body: Any, headers: Mapping[str, str]) -> Answer:
        """One call, waiting as told when it comes too soon after others."""
        for _ in range(RATE_WAITS_MAX):
            try:
                return await self._once(method, path, credential, body, headers)
            except RateLimited as error:
                log.info("asked to wait %.0f s: %s", error.retry_after_seconds, error)
                await asyncio.sleep(error.retry_after_seconds)
        raise StoreUnavailable(f"{method} {path}: asked to wait {RATE_WAITS_MAX} times")

    async def _once(self, method: str, path: str, credential: str, body: Any, headers: Mapping[str, str]) -> Answer:
        headers = {**headers, "Authorization": f"Bearer {credential}"}
        sent = method != "GET"
        try:
            answer = await self._http.request(method, self._url(path), json=body, headers=headers)
        except _NOT_SENT as error:
            raise StoreUnavailable(f"no connection to {self._base}: {error!r}") from error
        except httpx.HTTPError as error:
            raise _no_answer(f"no answer from {self._base}: {error!r}", sent=sent) from error
        if not answer.is_success:
            raise _refusal(answer, sent=sent)
        try:
            return Answer(answer.json(), answer.headers.get("ETag", ""))
        except ValueError as error:
            raise _no_answer(f"{self._base} answered, but not as the control plane does", sent=sent) from error

    def _url(self, path: str) -> str:
        return self._base + path


async def _lines(answer: httpx.Response) -> AsyncGenerator[str, None]:
    async for line in answer.aiter_lines():
        yield line


def _refusal(answer: httpx.Response, *, sent: bool) -> MeshError:
    """What an answer says that is no success. One that is not ours, or tells of our mistake, is as good as none."""
    try:
        error = error_of(answer.json(), status=answer.status_code, retry_after=answer.headers.get("Retry-After", ""))
    except (ValueError, KeyError, TypeError):
        error = None
    if error is None or (type(error) is MeshError and answer.is_server_error):
        return _no_answer(f"{answer.url} answered {answer.status_code}, not as the control plane does", sent=sent)
    return error


def _no_answer(text: str, *, sent: bool) -> MeshError:
    return OutcomeUnknown(text) if sent else StoreUnavailable(text)
