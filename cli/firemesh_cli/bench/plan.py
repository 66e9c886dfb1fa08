"""The calls whose cost is measured, in the order in which they make sense: one mesh from its creation to its end.

`{name}` in a path or body is what an earlier answer held under that name. A caller is the admin, a moderator whose key names
what no role may by itself, the worker with its API key, the session that the worker was given, or a guest of the site. What a
stream is billed depends on what it shows, so it is not among the calls.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

MESH, AGENT, MANAGER = "bench", "w1", "m1"
CLOSED = "closed"

Caller = Literal["admin", "moderator", "worker", "session", "guest"]


@dataclass(frozen=True, slots=True)
class Step:
    """One call: a route as it is declared, the path without placeholders, and what of the answer later calls need.

    `then` names a status of the agent that must show in the roster before the next call: orders are carried out by the mesh.
    """

    route: str
    path: str
    body: Mapping[str, Any] | None = None
    caller: Caller = "admin"
    headers: Mapping[str, str] = field(default_factory=dict)
    keeps: Mapping[str, str] = field(default_factory=dict)
    then: str = ""


_HERE = f"/meshes/{MESH}"
_ME = f"{_HERE}/agents/{AGENT}"
_JOIN = {"type": "worker", "process": f"client-{AGENT}", "replaces": []}

CREATION = Step("POST /meshes", "/meshes", {"mesh_id": MESH, "machine": "counter", "setup": {}})
"""By itself, because somebody has to lead the mesh before the rest."""

STEPS = (
    Step("GET /meshes", "/meshes"),
    Step("GET /meshes/<mesh_id>", _HERE),
    Step("POST /meshes/<mesh_id>/agents", f"{_HERE}/agents", {"agent_id": AGENT}, "worker", keeps={"session": "session"}),
    Step(
        "POST /meshes/<mesh_id>/agents/<agent_id>/commands",
        f"{_ME}/commands",
        {"seq": 1, "kind": "mesh.join", "body": _JOIN},
        "session",
        then="alive",
    ),
    Step(
        "PUT /meshes/<mesh_id>/agents/<agent_id>/heartbeat",
        f"{_ME}/heartbeat",
        {"seq": 1, "interval_ms": 60_000},
        "session",
    ),
    Step("GET /meshes/<mesh_id>/agents/<agent_id>/heartbeat", f"{_ME}/heartbeat", caller="session"),
    Step("GET /meshes/<mesh_id>/agents/<agent_id>/commands/<seq>", f"{_ME}/commands/1", caller="session"),
    Step(
        "PUT /meshes/<mesh_id>/agents/<agent_id>/state",
        f"{_ME}/state",
        {"values": {"a": 1}},
        "session",
        {"If-None-Match": "*"},
    ),
    Step("GET /meshes/<mesh_id>/agents/<agent_id>/state", f"{_ME}/state", caller="session"),
    Step("POST /meshes/<mesh_id>/agents/<agent_id>/session", f"{_ME}/session", {"session": "{session}"}, "worker"),
    Step("GET /meshes/<mesh_id>/agents", f"{_HERE}/agents"),
    Step("GET /meshes/<mesh_id>/agents/<agent_id>", _ME),
    Step("GET /meshes/<mesh_id>/views/<audience>", f"{_HERE}/views/topology"),
    Step("GET /meshes/<mesh_id>/states/<agent_id>", f"{_HERE}/states/{AGENT}", caller="moderator"),
    Step("DELETE /meshes/<mesh_id>/agents/<agent_id>", _ME, then="left"),
    Step("POST /meshes/<mesh_id>/agents/<agent_id>/key", f"{_ME}/key", {}),
    Step("POST /meshes/<mesh_id>/transfer", f"{_HERE}/transfer", {"to": MANAGER}),
    Step("GET /meshes/<mesh_id>/audit", f"{_HERE}/audit"),
    Step("GET /meshes/<mesh_id>/audit/check", f"{_HERE}/audit/check"),
    Step("POST /meshes/<mesh_id>/watchers", f"{_HERE}/watchers", {}),
    Step("GET /meshes/<mesh_id>/log", f"{_HERE}/log?limit=1"),
    Step("GET /meshes/<mesh_id>/secrets", f"{_HERE}/secrets", caller="moderator"),
    Step("POST /keys", "/keys", {"role": "observer"}, keeps={"key_id": "key_id"}),
    Step("GET /keys", "/keys"),
    Step("GET /keys/<key_id>", "/keys/{key_id}"),
    Step("POST /keys/<key_id>/rotation", "/keys/{key_id}/rotation", {}, keeps={"key_id": "key_id"}),
    Step("DELETE /keys/<key_id>", "/keys/{key_id}"),
    Step("GET /audit", "/audit"),
    Step("GET /audit/check", "/audit/check"),
    Step("POST /meshes/<mesh_id>/commands", f"{_HERE}/commands", {"kind": "mesh.drain", "body": {}}),
    Step("POST /meshes/<mesh_id>/drain", f"{_HERE}/drain", {}),
    Step("POST /meshes/<mesh_id>/close", f"{_HERE}/close", {}, then=CLOSED),
    Step("DELETE /meshes/<mesh_id>", _HERE),
    Step("POST /games", "/games", {"seats": 5}, "guest", keeps={"game": "mesh_id"}),
    Step("POST /games/<mesh_id>/seats", "/games/{game}/seats", {}, "guest"),
    Step("POST /games/<mesh_id>/watchers", "/games/{game}/watchers", {}, "guest"),
)
