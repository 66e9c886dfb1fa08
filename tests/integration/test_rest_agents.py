"""Agents that have a key, an address and nothing else, through the hosting emulator and the real functions."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from firemesh.client.event_reader import Event, events
from firemesh.client.id_tokens import Authentication, IdTokens
from firemesh.client.rest_calls import RestCalls
from firemesh.core.health import HealthPolicy
from firemesh.errors import IncarnationEnded, Unauthenticated
from firemesh.runtime.admission import Admission
from firemesh_cli.stack.supervisor import LocalStack
from tests.integration.crew import STEADY, Crew

SECONDS_MAX = 300
PATIENT = HealthPolicy(dead_after_floor_ms=1_000_000)
"""The agents of these tests show life once and no more."""


def firemesh(stack: LocalStack, *arguments: str) -> str:
    """What a command prints that runs with this machine's credentials."""
    command = [sys.executable, "-m", "firemesh_cli", *arguments]
    environment = {**os.environ, **stack.environment()}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


class Stranger:
    """An agent written by somebody else, for whom there is only the page about the REST interface."""

    def __init__(self, calls: RestCalls, mesh_id: str, agent: str) -> None:
        self.calls = calls
        self.mesh_id = mesh_id
        self.agent = agent

    async def come(self) -> None:
        given = await self.calls.ask("POST", f"/meshes/{self.mesh_id}/agents", {"agent_id": self.agent})
        self.admission = TypeAdapter(Admission).validate_python(given)
        self.calls.act_as(self.admission)

    async def send(self, seq: int, kind: str, body: Any) -> Any:
        return (await self.calls.call("POST", "/commands", {"seq": seq, "kind": kind, "body": body})).value

    async def show_life(self) -> None:
        await self.calls.call("PUT", "/heartbeat", {"seq": 1, "interval_ms": 60_000})

    @asynccontextmanager
    async def listening(self, after: str = "") -> AsyncIterator[AsyncIterator[Event]]:
        async with self.calls.lines("/events", last_event_id=after) as lines:
            yield events(lines)


async def until(found: AsyncIterator[Event], name: str, **wanted: Any) -> Event:
    """The first event of this name whose fields are so."""
    async for event in found:
        shown = event.data.get("fields", event.data)
        if event.name == name and wanted.items() <= shown.items():
            return event
    raise AssertionError(f"the stream ended before {name} {wanted}")


async def join_with_id_token(stack: LocalStack, stranger: Stranger) -> Any:
    """Join with the ID token in the place of the session: the answer."""
    tokens = IdTokens(stranger.admission.custom_token, Authentication(host=stack.auth_host), now=lambda: 0.0)
    path = f"/api/v1/meshes/{stranger.mesh_id}/agents/{stranger.agent}/commands"
    body = {"seq": 1, "kind": "mesh.join", "body": join_of(stranger.agent)}
    headers = {"Authorization": f"Bearer {await tokens()}"}
    async with httpx.AsyncClient(timeout=SECONDS_MAX) as http:
        return (await http.post(stack.site_url + path, json=body, headers=headers)).json()


def join_of(agent: str) -> dict[str, Any]:
    return {"type": "worker", "process": f"client-{agent}", "replaces": []}


@asynccontextmanager
async def visiting(stack: LocalStack, crew: Crew, agent: str, key: str) -> AsyncIterator[Stranger]:
    async with RestCalls(f"{stack.site_url}/api", key) as calls:
        stranger = Stranger(calls, crew.mesh_id, agent)
        await stranger.come()
        yield stranger


async def test_events_pass_through_hosting_as_they_happen_and_end_with_run_or_key(
    functions_stack: LocalStack, tmp_path: Path
) -> None:
    stack = functions_stack
    async with (
        Crew.aboard(stack.firestore_host, tmp_path, project=stack.project, params=STEADY) as crew,
        asyncio.timeout(SECONDS_MAX),
    ):
        await (await crew.process("servers", health=PATIENT)).add_manager("m1")
        create = ("key", "create", "--role", "worker", "--mesh", crew.mesh_id)
        keys = await asyncio.gather(*(asyncio.to_thread(firemesh, stack, *create) for _ in range(2)))
        async with visiting(stack, crew, "a1", keys[0]) as one, visiting(stack, crew, "a2", keys[1]) as other:
            async with one.listening() as found:
                assert await one.send(1, "mesh.join", join_of("a1")) == {"seq": 1, "is_new": True}
                await until(found, "agent", status="alive")
                await one.show_life()
                assert await one.send(2, "counter.add", {"n": 5}) == {"seq": 2, "is_new": True}
                seen = await until(found, "public", view={"total": 5})
                assert await one.send(2, "counter.add", {"n": 5}) == {"seq": 2, "is_new": False}
            assert await one.send(3, "counter.add", {"n": 1}) == {"seq": 3, "is_new": True}
            async with one.listening(seen.id) as found:
                again = await anext(found)
                assert (again.name, again.data["version"]) != (seen.name, seen.data["version"])
                await crew.mesh.remove_agent("a1")
                assert (await until(found, "end")).data == {"reason": "left"}
            with pytest.raises(IncarnationEnded):
                await one.send(4, "counter.add", {"n": 1})

            assert await join_with_id_token(stack, other) == {"seq": 1, "is_new": True}
            assert await other.send(1, "mesh.join", join_of("a2")) == {"seq": 1, "is_new": False}
            async with other.listening() as found:
                await until(found, "agent", status="alive")
                await other.show_life()
                await asyncio.to_thread(firemesh, stack, "key", "revoke", keys[1].split("_")[2])
                assert (await until(found, "end")).data == {"reason": "key"}
            with pytest.raises(Unauthenticated, match="revoked"):
                await other.send(2, "counter.add", {"n": 1})
