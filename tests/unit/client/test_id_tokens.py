"""ID tokens against a server that answers as Firebase Authentication does, on a clock that the test moves."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import pytest

from firemesh.client.id_tokens import FRESH_SHARE, RETRY_SECONDS, Authentication, IdTokens
from firemesh.errors import StoreUnavailable, Unauthenticated

HOUR = 3600.0
SIGN_IN = "/identitytoolkit.googleapis.com/v1/accounts:signInWithCustomToken?key=emulator"
REFRESH = "/securetoken.googleapis.com/v1/token?key=emulator"


class Spoken:
    """What the server was asked, and what it says next: (status, body); after that it grants one token after the other."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.answers: list[tuple[int, str]] = []

    def answer(self, path: str, content_type: str, body: str) -> tuple[int, str]:
        is_json = content_type == "application/json"
        self.asked.append((path, json.loads(body) if is_json else {name: each[0] for name, each in parse_qs(body).items()}))
        if self.answers:
            return self.answers.pop(0)
        number = len(self.asked)
        names = ("idToken", "refreshToken", "expiresIn") if path == SIGN_IN else ("id_token", "refresh_token", "expires_in")
        return 200, json.dumps(dict(zip(names, (f"id-{number}", f"refresh-{number}", "3600"), strict=True)))


@contextmanager
def authentication() -> Iterator[tuple[Spoken, Authentication]]:
    spoken = Spoken()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, text = spoken.answer(self.path, self.headers["Content-Type"], body)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield spoken, Authentication(host=f"127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


async def test_a_custom_token_is_exchanged_once_however_many_ask() -> None:
    with authentication() as (spoken, where):
        tokens = IdTokens("custom", where, now=Clock())
        assert set(await asyncio.gather(*(tokens() for _ in range(5)))) == {"id-1"}
        assert spoken.asked == [(SIGN_IN, {"token": "custom", "returnSecureToken": True})]


async def test_a_token_is_renewed_before_it_expires_by_the_newest_refresh_token() -> None:
    with authentication() as (spoken, where):
        clock = Clock()
        tokens = IdTokens("custom", where, now=clock)
        await tokens()
        clock.now += FRESH_SHARE * HOUR - 1
        assert await tokens() == "id-1"
        clock.now += 1
        assert await tokens() == "id-2"
        clock.now += FRESH_SHARE * HOUR
        assert await tokens() == "id-3"
        renewals = [form for path, form in spoken.asked if path == REFRESH]
        assert [form["refresh_token"] for form in renewals] == ["refresh-1", "refresh-2"]
        assert renewals[0]["grant_type"] == "refresh_token"


async def test_a_machine_that_slept_renews_first_and_one_whose_clock_was_set_back_does_too() -> None:
    with authentication() as (_, where):
        clock = Clock()
        tokens = IdTokens("custom", where, now=clock)
        await tokens()
        clock.now += 10 * HOUR
        assert await tokens() == "id-2"
        clock.now -= 5 * HOUR
        assert await tokens() == "id-3"


async def test_an_old_token_serves_until_its_end_while_none_can_be_had() -> None:
    with authentication() as (spoken, where):
        clock = Clock()
        tokens = IdTokens("custom", where, now=clock)
        await tokens()
        clock.now += FRESH_SHARE * HOUR
        spoken.answers = [(503, ""), (200, "{}"), (500, "")]
        assert await tokens() == "id-1"
        asked = len(spoken.asked)
        clock.now += RETRY_SECONDS - 1
        assert await tokens() == "id-1"
        assert len(spoken.asked) == asked  # it rests between two tries
        clock.now += 1
        assert await tokens() == "id-1"
        clock.now += HOUR
        with pytest.raises(StoreUnavailable, match="500"):
            await tokens()
        assert (await tokens()).startswith("id-")


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, '{"error": {"code": 400, "message": "USER_DISABLED"}}', "400 USER_DISABLED"),
        (400, '{"error": {"code": 400, "message": "INVALID_CUSTOM_TOKEN"}}', "400 INVALID_CUSTOM_TOKEN"),
        (403, "no JSON", "403"),
    ],
)
async def test_a_refusal_is_no_outage(status: int, body: str, said: str) -> None:
    with authentication() as (spoken, where):
        spoken.answers = [(status, body)]
        with pytest.raises(Unauthenticated, match=said):
            await IdTokens("custom", where, now=Clock())()


async def test_a_refused_renewal_is_said_at_once() -> None:
    with authentication() as (spoken, where):
        clock = Clock()
        tokens = IdTokens("custom", where, now=clock)
        await tokens()
        clock.now += FRESH_SHARE * HOUR
        spoken.answers = [(400, '{"error": {"message": "TOKEN_EXPIRED"}}')]
        with pytest.raises(Unauthenticated, match="TOKEN_EXPIRED"):
            await tokens()


@pytest.mark.parametrize("answer", [(200, "no JSON"), (200, "{}"), (200, "[]"), (429, "")])
async def test_an_answer_that_is_none_is_an_outage(answer: tuple[int, str]) -> None:
    with authentication() as (spoken, where):
        spoken.answers = [answer]
        with pytest.raises(StoreUnavailable):
            await IdTokens("custom", where, now=Clock())()


async def test_nobody_there_is_an_outage() -> None:
    with pytest.raises(StoreUnavailable, match="no answer from Firebase Authentication"):
        await IdTokens("custom", Authentication(host="127.0.0.1:1"), now=Clock())()


def test_a_project_itself_is_asked_over_https_by_its_web_api_key() -> None:
    url = Authentication("AIza+key").url("securetoken", "token")
    assert url == "https://securetoken.googleapis.com/v1/token?key=AIza%2Bkey"
