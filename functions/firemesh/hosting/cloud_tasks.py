"""`CloudTasksQueue`: wakes through Cloud Tasks. The only importer of its SDK.

The same client talks REST to the service and, where FIREMESH_TASKS_HOST names one, to the stand-in of the local stack.

A task's name is made from the mesh and the time, so asking twice makes one task. Cloud Tasks keeps a name taken for up to
a day after its task has ended, and that it has ended cannot be told from that it still waits. So **a time is worth one
wake**: whoever was woken for a time and finds that it is not done asks for a later one, or fails, upon which the same task
is tried again.
"""

import asyncio
import hashlib
import json
import os
import threading
from typing import TYPE_CHECKING

from firemesh.errors import PermissionDenied, StoreUnavailable

if TYPE_CHECKING:
    from google.cloud.tasks_v2 import CloudTasksClient, Task

CALL_SECONDS_MAX = 10.0
DISPATCH_DEADLINE_SECONDS = 60
"""How long Cloud Tasks waits for an answer before it tries again: the timeout of the function that is called."""


class CloudTasksQueue:
    """A `WakeQueue` on one queue of Cloud Tasks. Nothing is opened before the first wake.

    Its tasks call `url` with `{"data": {"mesh": ..., "due_ms": ...}}`, as the service account `invoker`.
    """

    def __init__(self, queue: str, *, url: str, invoker: str) -> None:
        """`queue` in full: projects/{project}/locations/{region}/queues/{queue}."""
        self._queue = queue
        self._url = url
        self._invoker = invoker
        self._opening = threading.Lock()
        self._client: CloudTasksClient | None = None

    async def wake(self, mesh_id: str, due_ms: int) -> None:
        """See `WakeQueue`.

        Raises PermissionDenied as well: the functions' service account may not create tasks, or not in the invoker's name.
        """
        # The client blocks, so it waits in a thread.
        await asyncio.to_thread(self._create, mesh_id, due_ms)

    def _create(self, mesh_id: str, due_ms: int) -> None:
        from google.api_core.exceptions import Conflict, Forbidden, GoogleAPICallError
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException

        try:
            self._opened().create_task(parent=self._queue, task=self._task(mesh_id, due_ms), timeout=CALL_SECONDS_MAX)
        except Conflict:
            return  # it was asked for before
        except Forbidden as error:
            raise PermissionDenied(
                f"no task could be created in {self._queue}: {error.message}; see roles cloudtasks.enqueuer and "
                f"iam.serviceAccountUser of the functions' service account"
            ) from error
        except (GoogleAPICallError, GoogleAuthError, RequestException) as error:
            raise StoreUnavailable(f"no task was created in {self._queue}: {error}") from error

    def _task(self, mesh_id: str, due_ms: int) -> "Task":
        from google.cloud.tasks_v2 import HttpMethod, HttpRequest, OidcToken, Task
        from google.protobuf.duration_pb2 import Duration
        from google.protobuf.timestamp_pb2 import Timestamp

        return Task(
            name=f"{self._queue}/tasks/{task_name(mesh_id, due_ms)}",
            schedule_time=Timestamp(seconds=due_ms // 1000, nanos=due_ms % 1000 * 1_000_000),
            dispatch_deadline=Duration(seconds=DISPATCH_DEADLINE_SECONDS),
            http_request=HttpRequest(
                url=self._url,
                http_method=HttpMethod.POST,
                headers={"Content-Type": "application/json"},
                body=json.dumps({"data": {"mesh": mesh_id, "due_ms": due_ms}}).encode(),
                oidc_token=OidcToken(service_account_email=self._invoker, audience=self._url),
            ),
        )

    def _opened(self) -> "CloudTasksClient":
        with self._opening:
            if self._client is None:
                self._client = _open()
            return self._client


def task_name(mesh_id: str, due_ms: int) -> str:
    """The short name of a wake's task. The hash comes first because names in order slow Cloud Tasks down."""
    prefix = hashlib.sha256(f"{mesh_id}/{due_ms}".encode()).hexdigest()[:8]
    return f"{prefix}-{mesh_id}-{due_ms}"


def _open() -> "CloudTasksClient":
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.tasks_v2 import CloudTasksClient
    from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksRestTransport

    host = os.environ.get("FIREMESH_TASKS_HOST")
    if not host:
        return CloudTasksClient(transport=CloudTasksRestTransport())
    transport = CloudTasksRestTransport(
        host=host,
        url_scheme="http",
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
    )
    return CloudTasksClient(transport=transport)
