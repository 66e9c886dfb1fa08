"""Who may have a mesh looked at through the watchdog."""

from typing import Any

import pytest

from firemesh.errors import PermissionDenied, Unauthenticated
from firemesh.hosting.caller import check_caller
from tests.support.identity import bearer

INVOKER = "firemesh-tasks@demo-p.iam.gserviceaccount.com"
AUDIENCE = "https://us-central1-demo-p.cloudfunctions.net/watchdog"
CLAIMS = {"email": INVOKER, "email_verified": True, "aud": AUDIENCE}


def test_the_queue_in_the_name_of_its_invoker_passes() -> None:
    check_caller(bearer(CLAIMS), invoker=INVOKER, audience=AUDIENCE)


@pytest.mark.parametrize(
    "changed",
    [
        {"email": "other@demo-p.iam.gserviceaccount.com"},
        {"email_verified": False},
        {"aud": "https://example.org"},
        {"aud": None},
    ],
    ids=["another-account", "unverified", "another-audience", "no-audience"],
)
def test_a_token_of_somebody_else_or_for_something_else_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(PermissionDenied):
        check_caller(bearer({**CLAIMS, **changed}), invoker=INVOKER, audience=AUDIENCE)


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer x", "Basic e30.e30.e30", "Bearer e30.!.e30", "Bearer e30.e30=.e30.e30", bearer([])],
)
def test_what_is_no_identity_token_is_refused(authorization: str) -> None:
    with pytest.raises(Unauthenticated):
        check_caller(authorization, invoker=INVOKER, audience=AUDIENCE)
