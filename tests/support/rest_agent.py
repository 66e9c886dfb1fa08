"""An agent that calls the REST interface over a store in memory; the test itself plays the leader."""

from typing import Any

from werkzeug.test import TestResponse

from firemesh.control_plane.access import AccessRole
from tests.support.api import LOOP, ROW, Api


class RestAgent:
    """An agent admitted to mesh m1. `seat` writes its row of the roster, as the leader would."""

    def __init__(self, api: Api, agent: str = "a1") -> None:
        self.api = api
        self.agent = agent
        self.admission: Any = api.call("POST", "/v1/meshes/m1/agents", AccessRole.WORKER, {"agent_id": agent}).json
        self.inc: str = self.admission["inc"]
        self.session: str = self.admission["session"]

    def seat(self, status: str = "alive", inc: str = "") -> None:
        row = {**ROW, "agent": self.agent, "inc": inc or self.inc, "process": f"client-{self.agent}", "status": status}
        self.api.put(f"meshes/m1/agents/{self.agent}", row)

    def call(self, method: str, path: str, body: Any = None, *, agent: str = "", mesh: str = "m1", **more: Any) -> TestResponse:
        return self.api.call(method, f"/v1/meshes/{mesh}/agents/{agent or self.agent}{path}", self.session, body, **more)

    def join(self, **changes: Any) -> TestResponse:
        body = {"type": "worker", "process": f"client-{self.agent}", "replaces": [], **changes}
        return self.send(1, "mesh.join", body)

    def send(self, seq: int, kind: str = "counter.add", body: Any = None) -> TestResponse:
        return self.call("POST", "/commands", {"seq": seq, "kind": kind, "body": body or {}})

    def order(self, seq: int) -> None:
        """The leader orders a command."""
        self.api.delete(f"meshes/m1/inbox/{self.agent}_{self.inc}_{seq:08d}")

    def waiting(self) -> list[int]:
        """The numbers of this run's commands in the inbox."""
        found = LOOP.run(self.api.store.list_documents("meshes/m1/inbox")).documents
        return [int(path.rpartition("_")[2]) for path in sorted(found) if f"/{self.agent}_{self.inc}_" in path]
