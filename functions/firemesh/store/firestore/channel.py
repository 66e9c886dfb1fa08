"""How a connection is opened, to the emulator or to Firestore, and as whom."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

import grpc

from firemesh.errors import PermissionDenied

Metadata = tuple[tuple[str, str], ...]
Options = tuple[tuple[str, int], ...]

TokenSource = Callable[[], Awaitable[str]]
"""The ID token of a user of Firebase, valid now; empty for nobody. Asked at every call; raises a MeshError without one."""

FIRESTORE = "firestore.googleapis.com:443"

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/datastore")

RECEIVE_BYTES_MAX = 16 * 1024 * 1024

# A commit repeated by the channel would land twice in silence; we decide about repeating.
_OPTIONS: Options = (
    ("grpc.enable_retries", 0),
    ("grpc.max_receive_message_length", RECEIVE_BYTES_MAX),
    ("grpc.min_reconnect_backoff_ms", 5_000),  # which is how long one attempt may take
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)
# An emulator is on this machine; a configured proxy would be asked for it all the same.
_DIRECT: Options = (("grpc.enable_http_proxy", 0),)
# Notices a link that died without a word. The emulator calls such pings abuse and hangs up.
_KEEPALIVE: Options = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


def open_channel(host: str | None, *, as_user: bool = False) -> grpc.aio.Channel:
    """A channel to the emulator at `host`, or to Firestore. Call it inside a running loop.

    A user's channel has no credentials of its own: each call brings the user's token along.

    Raises PermissionDenied when Firestore is meant, not as a user, and this machine has no credentials.
    """
    if host is not None:
        return grpc.aio.insecure_channel(host, options=(*_OPTIONS, *_DIRECT))
    options = (*_OPTIONS, *_KEEPALIVE)
    if as_user:
        return grpc.aio.secure_channel(FIRESTORE, grpc.ssl_channel_credentials(), options=options)
    return _channel_of_this_machine(options)


def _channel_of_this_machine(options: Options) -> grpc.aio.Channel:
    """A channel that adds the machine's credentials to each call. Their library is slow to load, and not always needed."""
    from google.api_core import grpc_helpers_async
    from google.auth.exceptions import GoogleAuthError

    try:
        return grpc_helpers_async.create_channel(
            FIRESTORE, default_scopes=_SCOPES, default_host=FIRESTORE.partition(":")[0], options=options
        )
    except GoogleAuthError as error:
        raise PermissionDenied(
            "no usable Google credentials: run `gcloud auth application-default login`, set "
            "GOOGLE_APPLICATION_CREDENTIALS, or set FIRESTORE_EMULATOR_HOST for the emulator"
        ) from error


def database_metadata(database: str) -> Metadata:
    """Which database is meant, for the server and for the routers before it. Listen fails without the first header."""
    return (("google-cloud-resource-prefix", database), ("x-goog-request-params", f"database={quote(database)}"))


def client_metadata(client_name: str) -> Metadata:
    """Who asks, for the billing meter before the emulator."""
    return (("x-firemesh-client", client_name),) if client_name else ()


def bearer(token: str) -> Metadata:
    """Who calls: the bearer of a token, or nobody. To the emulator `owner` is one whom no rule binds."""
    return (("authorization", f"Bearer {token}"),) if token else ()


def as_metadata(headers: Metadata) -> grpc.aio.Metadata:
    """Headers as gRPC has them. Made once for all calls: of plain pairs it would make them anew for each."""
    return grpc.aio.Metadata(*headers)
