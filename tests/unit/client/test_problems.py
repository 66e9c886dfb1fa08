"""What the control plane refuses over HTTP is the same error here as there."""

import pytest

from firemesh.client.problems import RETRY_SECONDS, error_of
from firemesh.errors import AgentIdInUse, MeshError, RateLimited, StoreUnavailable

PROBLEM = {"detail": "no", "code": "aborted", "request_id": "r1", "retryable": False}


@pytest.mark.parametrize("kind", [AgentIdInUse, StoreUnavailable])
def test_an_error_keeps_its_kind_and_says_whom_to_ask_about_it(kind: type[MeshError]) -> None:
    error = error_of({**PROBLEM, "error": kind.__name__, "retryable": kind.retryable}, status=409)
    assert (type(error), error.retryable) == (kind, kind.retryable)
    assert str(error) == "no (409 aborted, request r1)"


@pytest.mark.parametrize(("said", "seconds"), [("7", 7.0), ("", RETRY_SECONDS), ("soon", RETRY_SECONDS)])
def test_who_asks_too_often_is_told_how_long_to_wait(said: str, seconds: float) -> None:
    error = error_of({**PROBLEM, "error": "RateLimited"}, status=429, retry_after=said)
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == seconds


@pytest.mark.parametrize("name", ["OfALaterVersion", "InvariantViolation", "Code", ""])
def test_an_unknown_error_is_a_plain_one_that_knows_whether_to_try_again(name: str) -> None:
    error = error_of({**PROBLEM, "error": name, "retryable": True}, status=503)
    assert (type(error), error.retryable) == (MeshError, True)


def test_what_is_no_problem_document_is_said_to_be_none() -> None:
    with pytest.raises(KeyError):
        error_of({"message": "no"}, status=500)
