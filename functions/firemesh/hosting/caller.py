"""Who calls the watchdog: Cloud Tasks in the name of one service account, or somebody who should not."""

import json
from base64 import urlsafe_b64decode
from typing import Any

from firemesh.errors import PermissionDenied, Unauthenticated


def check_caller(authorization: str, *, invoker: str, audience: str) -> None:
    """Let nobody pass but the bearer of an identity token of `invoker` for `audience`.

    The signature cannot be checked here: Cloud Run has verified it against the function's invokers and taken it away.
    So this guards against another account that was allowed to invoke the function, not against a function that was
    made public; and who passes can do no more than have a mesh looked at.

    Raises:
        Unauthenticated: no identity token.
        PermissionDenied: the token of somebody else, or for something else.
    """
    claims = _claims(authorization)
    if claims.get("email") != invoker or claims.get("email_verified") is not True:
        raise PermissionDenied(f"only {invoker} wakes meshes, not {str(claims.get('email', 'nobody'))[:80]!r}")
    if claims.get("aud") != audience:
        raise PermissionDenied(f"this is {audience}; the token is for {str(claims.get('aud', 'nothing'))[:200]!r}")


def _claims(authorization: str) -> dict[str, Any]:
    scheme, _, token = authorization.partition(" ")
    parts = token.split(".")
    if scheme.lower() != "bearer" or len(parts) != 3:
        raise Unauthenticated("no identity token came with the call")
    try:
        claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError as error:
        raise Unauthenticated("the identity token cannot be read") from error
    if not isinstance(claims, dict):
        raise Unauthenticated("the identity token cannot be read")
    return claims
