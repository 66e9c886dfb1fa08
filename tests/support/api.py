"""The REST interface over a store in memory, with a key for each role."""

import json
import time
from collections.abc import Mapping
from typing import Any

from werkzeug.test import Client, TestResponse

from firemesh.background_loop import BackgroundLoop
from firemesh.control_plane import routes
from firemesh.control_plane.access import ANY_MESH, AccessRole
from firemesh.control_plane.agent_sessions import AgentSessions
from firemesh.control_plane.audit import AuditTrail, verify
from firemesh.control_plane.gateway import ApiGateway
from firemesh.control_plane.key_ring import KeyRequest, KeyRing
from firemesh.control_plane.rate_limit import RateLimiter
from firemesh.control_plane.use_cases import UseCases
from firemesh.errors import Unauthenticated
from firemesh.store.base import Delete, Put
from firemesh.store.memory import Faults, MemoryStore

LOOP = BackgroundLoop()
PEPPER = b"the pepper of the tests, kept secret"
ROW = {
    **{"applied_index": 1, "agent": "w1", "inc": "0" * 12, "type": "worker", "process": "p", "environment": "cli"},
    **{"capabilities": [], "status": "alive", "since": 1},
}


async def mint(uid: str, claims: Mapping[str, str]) -> str:
    return json.dumps({"uid": uid, **claims})


async def read_id_token(token: str) -> Mapping[str, Any]:
    """An ID token in the tests is its claims as JSON, whoever made it."""
    try:
        claims: Mapping[str, Any] = json.loads(token)
    except ValueError as error:
        raise Unauthenticated("this is no ID token") from error
    return claims


class Api:
    """The gateway with one key per role: admin and operator for all meshes, the others for m1."""

    def __init__(self, per_second: float = 1000.0, burst: int = 1000) -> None:
        self.now_ns = time.time_ns()
        self.faults = Faults()
        self.memory = MemoryStore(lambda: self.now_ns)
        self.store = LOOP.run(self._client())
        self.ring = KeyRing(self.store, PEPPER, environment="test")
        self.sessions = AgentSessions(self.store, PEPPER, verify_id_token=read_id_token)
        self.use_cases = UseCases.over(self.store, self.ring, self.sessions, mint_token=mint)
        self.panel = self.use_cases.panel
        self._limiter = RateLimiter(time.monotonic, per_second=per_second, burst=burst)
        self.gateway = self._opened()
        self.client = Client(self.gateway)
        self.keys = {role: self.key(role) for role in AccessRole}

    def _opened(self, *, streams: bool = False) -> ApiGateway:
        gateway = ApiGateway(lambda: self.use_cases, LOOP.run, streams=streams)
        routes.bind(gateway, self._limiter)
        return gateway

    def of_streams(self) -> ApiGateway:
        """The gateway of the other function, which serves the event streams."""
        return self._opened(streams=True)

    async def _client(self) -> Any:
        return self.memory.client("api", self.faults)

    def key(self, role: AccessRole, mesh: str = "") -> str:
        scope = mesh or (ANY_MESH if role in (AccessRole.ADMIN, AccessRole.OPERATOR, AccessRole.GUEST) else "m1")
        return LOOP.run(self.ring.create(KeyRequest(role, mesh=scope))).text

    def call(
        self, method: str, path: str, key: str | AccessRole = AccessRole.ADMIN, body: Any = None, **options: Any
    ) -> TestResponse:
        presented = self.keys[key] if isinstance(key, AccessRole) else key
        headers = {"Authorization": f"Bearer {presented}"} if presented else {}
        if body is not None:
            options |= {"data": json.dumps(body), "content_type": "application/json"}
        return self.client.open(path, method=method, headers={**headers, **options.pop("headers", {})}, **options)

    def create(self, mesh_id: str = "m1") -> None:
        assert self.call("POST", "/v1/meshes", body={"mesh_id": mesh_id, "machine": "counter"}).status_code == 201

    def put(self, path: str, fields: Mapping[str, Any]) -> None:
        LOOP.run(self.store.commit([Put(path, fields)]))

    def delete(self, path: str) -> None:
        LOOP.run(self.store.commit([Delete(path)]))

    def trail(self, mesh_id: str) -> list[tuple[str, bool]]:
        records = LOOP.run(AuditTrail(self.store).read(mesh_id=mesh_id))
        assert verify(records) == 0
        return [(record.operation, record.allowed) for record in records]
