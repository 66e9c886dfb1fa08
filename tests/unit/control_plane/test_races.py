"""Two at once: one wins, the other is told so, and nothing is there twice."""

import asyncio
import json
import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from firemesh.control_plane.access import AccessRole, Identity
from firemesh.control_plane.agent_sessions import AgentSessions
from firemesh.control_plane.audit import AuditTrail, verify
from firemesh.control_plane.key_ring import KeyRequest, KeyRing
from firemesh.control_plane.use_cases import UseCases
from firemesh.core.params import TEST
from firemesh.store.memory import Faults
from tests.support.api import PEPPER, Api, mint, read_id_token
from tests.support.meshes import LocalMesh, in_virtual_time, until

CALLERS = 16
TABLE = 30
"""As many agents as a mesh may have."""


def test_of_many_who_create_one_mesh_at_once_one_wins(api: Api) -> None:
    with ThreadPoolExecutor(CALLERS) as pool:
        mesh = {"mesh_id": "m1", "machine": "counter"}
        statuses = list(pool.map(lambda _: api.call("POST", "/v1/meshes", body=mesh).status_code, range(CALLERS)))
    assert sorted(statuses) == [201] + [409] * (CALLERS - 1)
    assert api.call("GET", "/v1/meshes").json == {"meshes": ["m1"], "next_start": ""}


def test_of_many_who_rotate_one_key_at_once_one_makes_its_successor(api: Api) -> None:
    key_id = api.key(AccessRole.OBSERVER).split("_")[2]
    before = len([path for path in api.memory.documents() if path.startswith("apiKeys/")])
    with ThreadPoolExecutor(CALLERS) as pool:
        path = f"/v1/keys/{key_id}/rotation"
        statuses = list(pool.map(lambda _: api.call("POST", path, body={}).status_code, range(CALLERS)))
    assert sorted(statuses) == [201] + [409] * (CALLERS - 1)
    assert len([path for path in api.memory.documents() if path.startswith("apiKeys/")]) == before + 1


class Joining:
    """Agents that join a running mesh through the control plane."""

    def __init__(self, mesh: LocalMesh, instance: str = "api", faults: Faults | None = None) -> None:
        store = mesh.memory.client(instance, faults)
        self.ring = KeyRing(store, PEPPER, environment="test")
        self.sessions = AgentSessions(store, PEPPER, verify_id_token=read_id_token)
        self.use = UseCases.over(store, self.ring, self.sessions, mint_token=mint)

    async def join(self, agent: str) -> Identity:
        made = await self.ring.create(KeyRequest(AccessRole.WORKER, mesh="m1"))
        identity = await self.use.panel.authenticate(made.text)
        admission = await self.use.panel.join_mesh(identity, "m1", agent)
        session = await self.use.panel.authenticate(admission.session)
        body = {"process": admission.process, "replaces": [], "type": "worker"}
        await self.use.desk.submit_command(session, "m1", agent, seq=1, kind="mesh.join", body=body)
        return session

    async def outcome(self, session: Identity) -> Mapping[str, str]:
        status = await self.use.desk.see_command(session, "m1", session.agent, 1)
        return {"status": status.status, "reason": status.reason}


@in_virtual_time
async def test_of_two_who_want_the_last_seat_the_leader_lets_in_one_and_tells_the_other() -> None:
    local = await LocalMesh(params=replace(TEST, agents_max=1)).create()
    await local.managers(1)
    joining = Joining(local)
    sessions = await asyncio.gather(*(joining.join(agent) for agent in ("a1", "a2")))
    await until(lambda: local.all_of("refused") and any(local.status_of(agent) == "alive" for agent in ("a1", "a2")))
    outcomes = [await joining.outcome(session) for session in sessions]
    assert sorted(outcomes, key=json.dumps) == [
        {"status": "done", "reason": ""},
        {"status": "refused", "reason": "MESH_FULL"},
    ]
    assert [local.status_of(agent) for agent in ("a1", "a2")].count("alive") == 1
    await local.end()


@pytest.mark.parametrize("shared", [True, False], ids=["one key for all", "a key for each"])
@pytest.mark.parametrize("instances", [1, 3, 10])
@in_virtual_time
async def test_a_whole_table_that_sits_down_at_once_is_let_in(instances: int, shared: bool) -> None:
    local = await LocalMesh().create()
    chance = random.Random(instances)
    far = Faults(latency_seconds=lambda _: chance.uniform(0.03, 0.09))
    desks = [Joining(local, f"api-{number}", far) for number in range(instances)]
    keys = [await desks[0].ring.create(KeyRequest(AccessRole.WORKER, mesh="m1")) for _ in range(1 if shared else TABLE)]
    who = [await desks[0].use.panel.authenticate(keys[number % len(keys)].text) for number in range(TABLE)]
    asked = [desks[number % instances].use.panel.join_mesh(each, "m1", f"a{number}") for number, each in enumerate(who)]
    admissions = await asyncio.gather(*asked)
    assert len({admission.inc for admission in admissions}) == TABLE
    trail = await AuditTrail(local.operator).read(mesh_id="m1")
    assert ({record.target for record in trail}, verify(trail)) == ({f"a{number}" for number in range(TABLE)}, 0)
    await local.end()
