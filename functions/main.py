"""The Cloud Functions of Firemesh. Only wiring: this file is loaded at every cold start, and before a fork."""

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import flask
from firebase_functions import https_fn, params, scheduler_fn, tasks_fn
from firebase_functions.options import CorsOptions, RateLimits, RetryConfig, set_global_options
from flask import Request, Response

from document_trigger import on_document_created

if TYPE_CHECKING:
    from firemesh.control_plane.service import ControlPlaneService
    from firemesh.function_process import FunctionProcess
    from firemesh.hosting.service import HostingService

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
    from firemesh.control_plane.http_request import buffered

    service: ControlPlaneService = _started("api", _control_plane)
    return Response.from_app(service.answer, buffered(request))  # type: ignore[return-value]


@https_fn.on_request(secrets=[API_KEY_PEPPER], invoker="public")
def events(request: Request) -> Response:
    """The event streams of the REST interface: each holds a thread, which `api` must not miss."""
    if request.path == HEALTH:
        return Response("ok\n", mimetype="text/plain")
    from firemesh.control_plane.http_request import buffered

    service: ControlPlaneService = _started("events", _event_streams)
    return Response.from_app(service.answer, buffered(request))  # type: ignore[return-value]


@https_fn.on_request(secrets=[API_KEY_PEPPER], invoker="public", cors=CorsOptions(cors_origins="*", cors_methods=["POST"]))
def control(request: Request) -> Response:
    """The same operations as a callable, for browsers; see docs/api.md. Any page may ask: what counts is the token or key."""
    if request.path == HEALTH:
        return Response("ok\n", mimetype="text/plain")
    service: ControlPlaneService = _started("control", _control_plane)
    return service.answer_callable(request)


@on_document_created("meshes/{mesh}/inbox/{request}")
def inbox(path: str, created: str) -> None:
    """A command has come; a hosted mesh orders it. See docs/hosting.md."""
    service: HostingService = _started("inbox", _hosting)
    service.notice_request(path, created)


@tasks_fn.on_task_dispatched(
    retry_config=RetryConfig(max_attempts=66, min_backoff_seconds=1, max_backoff_seconds=10, max_doublings=4),
    rate_limits=RateLimits(max_concurrent_dispatches=40, max_dispatches_per_second=50),
)
def watchdog(request: https_fn.CallableRequest[Any]) -> None:
    """Something of a hosted mesh is due."""
    from firemesh.errors import RequestError

    service: HostingService = _started("watchdog", _hosting)
    try:
        service.keep_watch(request.data, request.raw_request.headers.get("Authorization", ""))
    except RequestError as error:
        raise https_fn.HttpsError(https_fn.FunctionsErrorCode(error.code.value), str(error)) from error


@scheduler_fn.on_schedule(schedule="every 10 minutes", max_instances=1, timeout_sec=540)
def rearm(event: scheduler_fn.ScheduledEvent) -> None:
    """Make good what tasks and events have missed."""
    if flask.request.path == HEALTH:
        return
    service: HostingService = _started("rearm", _hosting)
    service.rearm()


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


def _hosting(process: "FunctionProcess") -> "HostingService":
    from firemesh.hosting.service import HostingService

    return HostingService(process, region=REGION)
