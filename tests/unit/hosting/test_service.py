"""What the functions do with an event, a task and the schedule, over a store in memory."""

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from firemesh.core.membership import REMOVE
from firemesh.core.messages import mesh_command
from firemesh.errors import InvalidMessage, Unauthenticated
from firemesh.function_process import FunctionProcess
from firemesh.hosting.service import EVENT_SECONDS_MAX, HostingService
from firemesh.runtime.mesh import Mesh
from firemesh.store import paths
from firemesh.store.base import Create
from firemesh.store.memory import MemoryStore
from firemesh.store.mesh_store import Hosting, MeshStore
from firemesh_cli.stack.task_server import TaskServer
from tests.support.identity import bearer_for

REQUEST = "operator_000000000000_00000000"
QUEUE = bearer_for("https://region-demo-p.cloudfunctions.net/watchdog", "firemesh-tasks@demo-p.iam.gserviceaccount.com")


class Service:
    """The hosting service of one process, and the process."""

    def __init__(self) -> None:
        self.memory = MemoryStore(time.time_ns)
        self.process = FunctionProcess("demo-p", "inbox", open_store=lambda: self.memory.client("function"))
        self.hosting = HostingService(self.process, region="region")

    def create(self, mesh_id: str, hosting: Hosting) -> None:
        self.process.run(Mesh.create(self.process.store, mesh_id, machine="counter", setup={}, hosting=hosting))

    def submit(self, mesh_id: str) -> None:
        command = mesh_command(REMOVE, {"agent": "a", "inc": "0" * 12})
        self.process.run(MeshStore(self.process.store, mesh_id).submit(REQUEST, command))

    def notice(self, mesh_id: str, *, age_seconds: float = 0.0) -> None:
        created = datetime.fromtimestamp(time.time() - age_seconds, UTC).isoformat().replace("+00:00", "Z")
        self.hosting.notice_request(f"meshes/{mesh_id}/inbox/{REQUEST}", created)

    def ordered(self, mesh_id: str) -> list[str]:
        """The kinds of the commands in the log."""
        entries = self.process.run(self.process.store.list_documents(f"{paths.mesh(mesh_id)}/log"))
        return [command["kind"] for entry in entries.documents.values() for command in entry.fields["batch"]]

    @property
    def billed(self) -> int:
        return sum(self.memory.counts.values())


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    logger = logging.getLogger("firemesh")
    level = logger.level
    monkeypatch.setattr(logger, "handlers", list(logger.handlers))  # a function's process logs in its own way
    with TaskServer() as tasks:
        monkeypatch.setenv("FIREMESH_TASKS_HOST", tasks.host)
        yield Service()
    logger.setLevel(level)


def test_a_command_to_a_hosted_mesh_is_ordered(service: Service) -> None:
    service.create("m1", Hosting.FUNCTIONS)
    service.submit("m1")
    service.notice("m1")
    assert service.ordered("m1") == [REMOVE]


def test_a_mesh_that_processes_manage_costs_one_read_and_then_nothing(service: Service) -> None:
    service.create("m1", Hosting.PROCESSES)
    before = service.billed
    service.notice("m1")
    assert service.billed == before + 1
    service.notice("m1")
    assert service.billed == before + 1


def test_an_event_that_is_too_old_is_left_to_the_schedule(service: Service) -> None:
    service.create("m1", Hosting.FUNCTIONS)
    service.submit("m1")
    service.notice("m1", age_seconds=EVENT_SECONDS_MAX + 1)
    assert service.ordered("m1") == []
    assert service.hosting.rearm() == 1
    assert service.ordered("m1") == [REMOVE]


def test_an_event_that_can_never_succeed_is_not_asked_for_again(service: Service) -> None:
    service.notice("No_mesh")
    service.notice("missing")
    service.process.run(service.process.store.commit([Create(paths.mesh("broken"), {"machine": 7})]))
    service.notice("broken")


def test_a_task_activates_its_mesh(service: Service) -> None:
    service.create("m1", Hosting.FUNCTIONS)
    service.submit("m1")
    service.hosting.keep_watch({"mesh": "m1", "due_ms": 1}, QUEUE)
    assert service.ordered("m1") == [REMOVE]


def test_a_task_of_nobody_or_about_nothing_is_refused(service: Service) -> None:
    with pytest.raises(Unauthenticated):
        service.hosting.keep_watch({"mesh": "m1"}, "")
    for data in (None, {}, {"mesh": 7}, {"mesh": "../m1"}):
        with pytest.raises(InvalidMessage):
            service.hosting.keep_watch(data, QUEUE)
