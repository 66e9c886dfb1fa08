"""The Cloud Functions of Firemesh. Only wiring: this file is loaded at every cold start, and before a fork."""

import os
import threading
from typing import TYPE_CHECKING

from firebase_functions import https_fn, params
from firebase_functions.options import set_global_options
from flask import Request, Response

if TYPE_CHECKING:
    from firemesh.control_plane.service import ControlPlaneService

# Without a number for cpu, every function would get a sixth of one and a concurrency of 1.
set_global_options(region="us-central1", memory=512, cpu=1, concurrency=16, max_instances=10, timeout_sec=60)

API_KEY_PEPPER = params.SecretParam("API_KEY_PEPPER")

_starting = threading.Lock()
_service: "ControlPlaneService | None" = None


@https_fn.on_request(secrets=[API_KEY_PEPPER], invoker="public")
def api(request: Request) -> Response:
    """The whole REST interface; see docs/api.md."""
    if request.path == "/__/health":
        return Response("ok\n", mimetype="text/plain")
    from firemesh.control_plane.gateway import buffered

    return Response.from_app(_started().answer, buffered(request))  # type: ignore[return-value]


def _started() -> "ControlPlaneService":
    """The service of this process, made with its first request."""
    global _service  # noqa: PLW0603
    with _starting:
        if _service is None:
            from firemesh.control_plane.service import ControlPlaneService

            environment = "local" if "FUNCTIONS_EMULATOR" in os.environ else "prod"
            _service = ControlPlaneService(os.environ["GCLOUD_PROJECT"], API_KEY_PEPPER.value, environment=environment)
        return _service
