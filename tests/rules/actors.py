"""Who knocks at the rules: tokens as the emulator accepts them, and a mesh to knock at."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from firemesh.errors import PermissionDenied
from firemesh.store.base import Delete, Put, Write
from firemesh.store.firestore import FirestoreStore, TokenSource

INC = {name: digit * 12 for name, digit in (("w1", "1"), ("w2", "2"), ("w3", "3"), ("w9", "9"))}
ISSUED_AT = 1_700_000_000
MESH = "{mesh}"


@dataclass(frozen=True)
class Actor:
    """A client: what its token claims. `mesh` may be the mesh under test, by the word MESH, or another one."""

    agent: str = ""
    inc: str = ""
    access_role: str = "worker"
    type: str = "worker"
    mesh: str = MESH
    provider: str = "custom"
    key: str = "living"


MEMBER = Actor("w1", INC["w1"])
OPERATOR = Actor(access_role="operator", type="")
ACTORS: Mapping[str, Actor | None] = {
    "stranger": None,
    "member": MEMBER,
    "other": Actor("w2", INC["w2"]),
    "newcomer": Actor("w9", INC["w9"]),
    "removed": Actor("w3", INC["w3"]),
    "ended": replace(MEMBER, inc="f" * 12),
    "foreigner": replace(MEMBER, mesh="elsewhere"),
    "impostor": replace(MEMBER, provider="password"),
    "manager": replace(MEMBER, access_role="manager", type="manager"),
    "mistyped": replace(MEMBER, type="manager"),
    "observer": Actor(access_role="observer", type=""),
    "foreign observer": Actor(access_role="observer", type="", mesh="elsewhere"),
    "revoked observer": Actor(access_role="observer", type="", key="revoked"),
    "operator": OPERATOR,
    "admin": replace(OPERATOR, access_role="admin"),
    "foreign operator": replace(OPERATOR, mesh="elsewhere"),
    "revoked": replace(MEMBER, key="revoked"),
    "expired": replace(MEMBER, key="expired"),
    "keyless": replace(MEMBER, key="unknown"),
    "revoked operator": replace(OPERATOR, key="revoked"),
}
FAR_MS = 4_000_000_000_000
KEYS = {
    "living": {"expires_ms": FAR_MS, "revoked_ms": 0},
    "revoked": {"expires_ms": FAR_MS, "revoked_ms": 1},
    "expired": {"expires_ms": 1, "revoked_ms": 0},
    "overlapping": {"expires_ms": FAR_MS, "revoked_ms": FAR_MS},
}
"""What lies in `apiKeys`, by id, as far as the rules look at it."""
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PATIENCE_SECONDS = 60.0


def bearer(token: str) -> TokenSource:
    """Presents a token, or nothing."""

    async def present() -> str:
        return token

    return present


def token(actor: Actor | None, project: str, mesh: str) -> str:
    """An ID token as Authentication would issue it, unsigned: the emulator looks at the claims alone."""
    if actor is None:
        return ""
    claims = {
        **{"iss": f"https://securetoken.google.com/{project}", "aud": project, "sub": f"{mesh}:{actor.agent}"},
        **{"user_id": f"{mesh}:{actor.agent}", "iat": ISSUED_AT, "auth_time": ISSUED_AT, "exp": 2 * ISSUED_AT},
        "firebase": {"sign_in_provider": actor.provider, "identities": {}},
        **{"mesh": actor.mesh.replace(MESH, mesh), "access_role": actor.access_role, "key": actor.key},
        **({"agent": actor.agent, "type": actor.type, "inc": actor.inc} if actor.agent else {}),
    }
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."


def _part(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def row(agent: str, status: str = "alive") -> dict[str, Any]:
    return {"agent": agent, "inc": INC[agent], "status": status, "type": "worker"}


def beat(agent: str, **changes: Any) -> dict[str, Any]:
    """A sign of life of an agent's own process, but for the stamp. A field changed to None is left out."""
    fields = {"process": f"client-{agent}", "inc": INC[agent], "seq": 1, "interval_ms": 2000, "agents": {agent: "running"}}
    fields |= {"applied": {}, "lateness": 0, **changes}
    return {name: value for name, value in fields.items() if value is not None}


def mesh_documents() -> dict[str, dict[str, Any]]:
    """One document of every kind, by its path below the mesh; "" is the mesh document."""
    return {
        "": {"machine": "counter", "setup": {"seed": 1}, "params": {}},
        "consensus/head": {"term": 1},
        "log/000000000001": {"index": 1},
        "votes/000000000001_m1": {"term": 1},
        "snapshots/000000000001": {"state": "{}"},
        "liveness/p1": {"process": "p1"},
        "liveness/client-w1": beat("w1", seq=3, at=LONG_AGO),
        "liveness/client-w2": beat("w2", seq=3, inc="e" * 12, at=LONG_AGO),
        f"inbox/w1_{INC['w1']}_00000002": {"agent_id": "w1"},
        f"refused/w1_{INC['w1']}_00000003": {"reason": "SEQUENCE_GAP"},
        f"refused/w9_{INC['w9']}_00000001": {"reason": "MESH_FULL"},
        "sent/w1": {"inc": INC["w1"], "seq": 1, "digests": []},
        "agents/w1": row("w1"),
        "agents/w2": row("w2"),
        "agents/w3": row("w3", "left"),
        "views/public": {"view": {}},
        "views/topology": {"leader": "m1"},
        "views/health": {"processes": {}},
        "views/spectator": {"view": {}},
        "views/agent_w1": {"view": {"role": "doctor"}},
        "views/agent_w2": {"view": {"role": "mafioso"}},
        "states/w1": {"version": 1, "inc": INC["w1"], "values": {}, "at": LONG_AGO},
        "audit/000000000001": {"number": 1},
        "audit/head": {"number": 1},
    }


class Door:
    """A fresh mesh with one document of every kind, and the way in for each actor."""

    def __init__(self, host: str, project: str, mesh: str) -> None:
        self._host = host
        self._project = project
        self.mesh = mesh
        self._owner = FirestoreStore(project, host=host)
        self._stores: dict[Actor | None, FirestoreStore] = {}

    async def seed(self) -> "Door":
        writes: list[Write] = [Put(self.path(below), fields) for below, fields in mesh_documents().items()]
        writes += [Put(f"apiKeys/{key}", fields) for key, fields in KEYS.items()]
        await self._owner.commit(writes, timeout_seconds=PATIENCE_SECONDS)
        return self

    def path(self, below: str) -> str:
        """A path below the mesh; one that starts with / is meant from the top."""
        return below.removeprefix("/") if below.startswith("/") else f"meshes/{self.mesh}/{below}".rstrip("/")

    def store(self, actor: Actor | None) -> FirestoreStore:
        if actor not in self._stores:
            presents = bearer(token(actor, self._project, self.mesh))
            self._stores[actor] = FirestoreStore(self._project, host=self._host, token=presents)
        return self._stores[actor]

    async def may_get(self, actor: Actor | None, below: str) -> bool:
        return await self._passes(self.store(actor).get_all([self.path(below)], timeout_seconds=PATIENCE_SECONDS))

    async def may_list(self, actor: Actor | None, below: str) -> bool:
        listed = self.store(actor).list_documents(self.path(below), limit=10, timeout_seconds=PATIENCE_SECONDS)
        return await self._passes(listed)

    def may_query_everywhere(self, actor: Actor | None, collection: str) -> bool:
        """Whether a query over all collections of one name, in every mesh, goes through."""
        query = {"structuredQuery": {"from": [{"collectionId": collection, "allDescendants": True}]}}
        url = f"http://{self._host}/v1/projects/{self._project}/databases/(default)/documents:runQuery"
        headers = {"Content-Type": "application/json"}
        if actor is not None:
            headers["Authorization"] = f"Bearer {token(actor, self._project, self.mesh)}"
        try:
            urllib.request.urlopen(urllib.request.Request(url, json.dumps(query).encode(), headers)).close()
        except urllib.error.HTTPError as error:
            with error:
                assert error.code == HTTPStatus.FORBIDDEN, error.read()
            return False
        return True

    async def may_write(self, actor: Actor | None, *writes: Write) -> bool:
        return await self._passes(self.store(actor).commit(writes, timeout_seconds=PATIENCE_SECONDS))

    async def replace(self, below: str, fields: Mapping[str, Any]) -> None:
        """What the leader does, whom no rule binds."""
        await self._owner.commit([Put(self.path(below), fields)], timeout_seconds=PATIENCE_SECONDS)

    async def remove(self, below: str) -> None:
        """Likewise."""
        await self._owner.commit([Delete(self.path(below))], timeout_seconds=PATIENCE_SECONDS)

    async def close(self) -> None:
        for store in (self._owner, *self._stores.values()):
            await store.close()

    async def _passes(self, work: Any) -> bool:
        """Whether it went through. Any other refusal than PermissionDenied is an error of the test."""
        try:
            await work
        except PermissionDenied:
            return False
        return True
