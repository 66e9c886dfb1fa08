"""How a connection is opened: to the emulator without credentials, to Firestore with them."""

import grpc
from google.api_core.gapic_v1 import routing_header
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcAsyncIOTransport

from firemesh.errors import PermissionDenied

Metadata = tuple[tuple[str, str], ...]

RECEIVE_BYTES_MAX = 16 * 1024 * 1024

# A commit repeated by the channel would land twice in silence; we decide about repeating.
_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.enable_retries", 0),
    ("grpc.max_receive_message_length", RECEIVE_BYTES_MAX),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)
# Notices a link that died without a word. The emulator calls such pings abuse and hangs up.
_KEEPALIVE: tuple[tuple[str, int], ...] = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


def open_channel(host: str | None, credentials: Credentials | None) -> grpc.aio.Channel:
    """A channel to the emulator at `host`, or to Firestore. Call it inside a running loop.

    Raises PermissionDenied when Firestore is meant and no credentials are found.
    """
    if host is not None:
        return grpc.aio.insecure_channel(host, options=_OPTIONS)
    try:
        return FirestoreGrpcAsyncIOTransport.create_channel(credentials=credentials, options=(*_OPTIONS, *_KEEPALIVE))
    except GoogleAuthError as error:
        raise PermissionDenied(
            "no usable Google credentials: run `gcloud auth application-default login`, set "
            "GOOGLE_APPLICATION_CREDENTIALS, or set FIRESTORE_EMULATOR_HOST for the emulator"
        ) from error


def database_metadata(database: str) -> Metadata:
    """Which database is meant, for the server and for the routers before it. Listen fails without the first header."""
    routing: tuple[str, str] = routing_header.to_grpc_metadata({"database": database})  # type: ignore[no-untyped-call]
    return (("google-cloud-resource-prefix", database), routing)


def client_metadata(client_name: str) -> Metadata:
    """Who asks, for the billing meter before the emulator."""
    return (("x-firemesh-client", client_name),) if client_name else ()


def emulator_identity(credentials: Credentials | None) -> Metadata:
    """Who calls, to the emulator: its owner, whom no rule binds, or the bearer of the given credentials."""
    if credentials is None:
        return (("authorization", "Bearer owner"),)
    headers: dict[str, str] = {}
    credentials.before_request(None, "POST", "", headers)  # type: ignore[no-untyped-call]
    return tuple((name.lower(), value) for name, value in headers.items())
