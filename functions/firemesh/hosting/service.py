"""What the functions `inbox`, `watchdog` and `rearm` do: have hosted meshes looked at, each for its own reason."""

import json
import logging
import os
import re
import time
from datetime import datetime
from typing import Any

from firemesh.errors import InvalidMessage, InvariantViolation
from firemesh.function_process import FunctionProcess
from firemesh.hosting.caller import check_caller
from firemesh.hosting.cloud_tasks import CloudTasksQueue
from firemesh.hosting.hosted_meshes import HostedMeshes
from firemesh.ids import ID_PATTERN

QUEUE = "watchdog"
"""The queue is named after the function that its tasks call."""
EVENT_SECONDS_MAX = 600.0
"""The schedule has made good an event that old, or will in a moment."""
REARM_SECONDS_MAX = 500.0
"""For all hosted meshes, one after the other."""

log = logging.getLogger(__name__)


class HostingService:
    """The hosted meshes as one process of a function sees them."""

    def __init__(self, process: FunctionProcess, *, region: str) -> None:
        address = f"https://{region}-{process.project}.cloudfunctions.net/{QUEUE}"
        self._process = process
        self._watchdog_url = os.environ.get("FIREMESH_WATCHDOG_URL") or address
        self._invoker = os.environ.get("FIREMESH_TASKS_INVOKER") or f"firemesh-tasks@{process.project}.iam.gserviceaccount.com"
        queue = f"projects/{process.project}/locations/{region}/queues/{QUEUE}"
        self._meshes = HostedMeshes(process.store, CloudTasksQueue(queue, url=self._watchdog_url, invoker=self._invoker))

    def notice_request(self, path: str, created: str) -> None:
        """A document meshes/{mesh}/inbox/{request} was created. Raises what may pass: then the event comes again."""
        mesh_id = path.split("/")[1]
        if re.fullmatch(ID_PATTERN, mesh_id) is None:
            return  # there can be no such mesh
        if time.time() - datetime.fromisoformat(created).timestamp() > EVENT_SECONDS_MAX:
            log.warning("mesh %s: an event of %s is too old", mesh_id, created)
            return
        try:
            self._process.run(self._meshes.on_request(mesh_id))
        except InvariantViolation:
            # Another try would end alike, and would be made for a day.
            log.exception("mesh %s cannot go on", mesh_id)

    def keep_watch(self, data: Any, authorization: str) -> None:
        """A task is due; `data` says of which mesh.

        Raises:
            Unauthenticated, PermissionDenied: the caller is not the queue.
            InvalidMessage: the task names no mesh.
            Whatever stands in the way of the activation: then the task is tried again.
        """
        check_caller(authorization, invoker=self._invoker, audience=self._watchdog_url)
        mesh_id = data.get("mesh") if isinstance(data, dict) else None
        if not isinstance(mesh_id, str) or re.fullmatch(ID_PATTERN, mesh_id) is None:
            raise InvalidMessage(f"a task names its mesh; this one says {json.dumps(data)[:200]}")
        self._process.run(self._meshes.activate(mesh_id))

    def rearm(self) -> int:
        """Look at every hosted mesh; how many there are.

        Raises StoreUnavailable when REARM_SECONDS_MAX did not suffice; the next time begins where it broke off.
        """
        return self._process.run(self._meshes.rearm_all(), seconds_max=REARM_SECONDS_MAX)
