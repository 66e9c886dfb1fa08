"""Session tokens: what they say, and that nobody else can say it."""

import base64

import pytest

from firemesh.control_plane import session_token
from firemesh.control_plane.access import AccessRole
from firemesh.control_plane.session_token import PREFIX, SESSION_MS, TOKEN_CHARACTERS_MAX, AgentClaims, issue, parse
from firemesh.errors import Unauthenticated

PEPPER = b"p" * 32
CLAIMS = AgentClaims(mesh="m1", agent="a1", inc="0" * 12, access_role=AccessRole.WORKER, key="1" * 12)
TOKEN = issue(CLAIMS, PEPPER, now_ms=1000)


def test_a_token_says_who_and_how_long() -> None:
    session = parse(TOKEN, PEPPER)
    assert session.model_dump(include=set(AgentClaims.model_fields)) == CLAIMS.model_dump()
    assert (session.issued_ms, session.expires_ms) == (1000, 1000 + SESSION_MS)


def test_the_longest_names_fit() -> None:
    longest = CLAIMS.model_copy(update={"mesh": "m" * 40, "agent": "a" * 40})
    token = issue(longest, PEPPER, now_ms=10**13)
    assert len(token) < TOKEN_CHARACTERS_MAX
    assert parse(token, PEPPER).agent == "a" * 40


@pytest.mark.parametrize("place", range(len(PREFIX), len(TOKEN)))
def test_no_character_can_be_changed(place: int) -> None:
    other = "A" if TOKEN[place] != "A" else "B"
    with pytest.raises(Unauthenticated, match="altered"):
        parse(TOKEN[:place] + other + TOKEN[place + 1 :], PEPPER)


@pytest.mark.parametrize("text", ["", PREFIX, PREFIX + ".", TOKEN[:-1], TOKEN + "x", PREFIX + "é.é", "x" * 5000, TOKEN * 20])
def test_what_is_no_token_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(Unauthenticated) as raised:
        parse(text, PEPPER)
    assert TOKEN not in str(raised.value)


def test_another_pepper_makes_other_tokens() -> None:
    with pytest.raises(Unauthenticated, match="altered"):
        parse(TOKEN, b"q" * 32)


def test_claims_of_another_form_are_no_session_even_when_we_signed_them() -> None:
    body = PREFIX + base64.urlsafe_b64encode(b'{"mesh":"m1"}').decode().rstrip("=")
    with pytest.raises(Unauthenticated, match="version"):
        parse(f"{body}.{session_token._mac(body, PEPPER)}", PEPPER)
