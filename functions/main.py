"""The Cloud Functions of Firemesh. Only wiring: this file is loaded at every cold start, and before a fork."""

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from firebase_functions import https_fn, params
from firebase_functions.options import set_global_options
from flask import Request, Response

if TYPE_CHECKING:
    from firemesh.control_plane.service import ControlPlaneService
    from firemesh.function_process import FunctionProcess

REGION = "us-central1"
HEALTH = "/__/health"
"""The emulator asks for it when a process starts; nothing may be opened for that."""

# Without a number for cpu, every function would get a sixth of one and a concurrency of 1.
set_global_options(region=REGION, memory=512, cpu=1, concurrency=16, max_instances=10, timeout_sec=60)

API_KEY_PEPPER = params.SecretParam("API_KEY_PEPPER")

_starting = threading.Lock()
_services: dict[str, Any] = {}


@https_fn.on_request(secrets=[API_KEY_PEPPER], invoker="public")
def api(request: Request) -> Response:
    """The whole REST interface; see docs/api.md."""
    if request.path == HEALTH:
        return Response("ok\n", mimetype="text/plain")
    from firemesh.control_plane.gateway import buffered

    service: ControlPlaneService = _started("api", _control_plane)
    return Response.from_app(service.answer, buffered(request))  # type: ignore[return-value]


@https_fn.on_request(secrets=[API_KEY_PEPPER], invoker="public")
def events(request: Request) -> Response:
    """The event streams of the REST interface: each holds a thread, which `api` must not miss."""
    if request.path == HEALTH:
        return Response("ok\n", mimetype="text/plain")
    from firemesh.control_plane.gateway import buffered

    service: ControlPlaneService = _started("events", _event_streams)
    return Response.from_app(service.answer, buffered(request))  # type: ignore[return-value]


def _started(function: str, start: "Callable[[FunctionProcess], Any]") -> Any:
    """What serves a function in this process, made with its first request."""
    with _starting:
        if function not in _services:
            from firemesh.function_process import FunctionProcess

            _services[function] = start(FunctionProcess(os.environ["GCLOUD_PROJECT"], function))
        return _services[function]


def _control_plane(process: "FunctionProcess", *, streams: bool = False) -> "ControlPlaneService":
    from firemesh.control_plane.service import ControlPlaneService

    environment = "local" if "FUNCTIONS_EMULATOR" in os.environ else "prod"
    return ControlPlaneService(process, API_KEY_PEPPER.value, environment=environment, streams=streams)


def _event_streams(process: "FunctionProcess") -> "ControlPlaneService":
    return _control_plane(process, streams=True)
