"""Tokens of Firebase Authentication. A client turns a custom token into an ID token, which the security rules understand."""

import asyncio
import os
from collections.abc import Mapping
from typing import Any

import firebase_admin
from firebase_admin import auth, exceptions
from google.auth.credentials import AnonymousCredentials

from firemesh.errors import StoreUnavailable, Unauthenticated

APP_NAME = "firemesh"


def initialize(project: str) -> None:
    """Get ready to mint tokens for a project, once per process."""
    emulated = "FIREBASE_AUTH_EMULATOR_HOST" in os.environ
    credential = AnonymousCredentials() if emulated else None  # type: ignore[no-untyped-call]
    firebase_admin.initialize_app(credential, {"projectId": project}, name=APP_NAME)


async def mint_custom_token(uid: str, claims: Mapping[str, str]) -> str:
    """A custom token, valid for an hour. In production this is one call to the signing service.

    Raises:
        StoreUnavailable: the signing service did not answer, or this service account may not sign.
    """
    app = firebase_admin.get_app(APP_NAME)
    try:
        token: bytes | str = await asyncio.to_thread(auth.create_custom_token, uid, dict(claims), app)
    except (exceptions.FirebaseError, ValueError) as error:
        raise StoreUnavailable(f"no custom token could be signed: {error}") from error
    return token.decode() if isinstance(token, bytes) else token


async def verify_id_token(token: str) -> Mapping[str, Any]:
    """The claims of an ID token of this project.

    Its end is the caller's to check as well: the emulator lets an expired one pass.

    Raises:
        Unauthenticated: it is none of this project, or was altered, or has expired.
        StoreUnavailable: the public keys of Authentication could not be fetched.
    """
    app = firebase_admin.get_app(APP_NAME)
    try:
        claims: Mapping[str, Any] = await asyncio.to_thread(auth.verify_id_token, token, app)
    except auth.CertificateFetchError as error:
        raise StoreUnavailable(f"the keys of Authentication could not be fetched: {error}") from error
    except (auth.InvalidIdTokenError, ValueError) as error:
        raise Unauthenticated("this is no ID token of this project, or it has expired") from error
    return claims
