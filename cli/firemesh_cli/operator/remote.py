"""An operator who comes with an API key."""

import asyncio
from typing import Any
from urllib.parse import quote, urlencode

from firemesh_cli.api_client import ApiClient
from firemesh_cli.operator import Row

PAGE_MAX = 100
LOOK_EVERY_SECONDS = 2.0
"""The control plane tells an operator nothing by itself, so who follows a trail asks again."""


class RemoteOperator:
    """See `Operator`."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    async def create_mesh(self, mesh_id: str, chosen: Row) -> None:
        """See `Operator`."""
        await self._call("POST", "/meshes", {"mesh_id": mesh_id, **chosen})

    async def list_meshes(self, start: str) -> tuple[tuple[str, ...], str]:
        """See `Operator`."""
        page = await self._call("GET", f"/meshes?{urlencode({'start': start, 'limit': PAGE_MAX})}")
        return tuple(page["meshes"]), page["next_start"]

    async def status(self, mesh_id: str) -> Row:
        """See `Operator`."""
        return await self._call("GET", _mesh(mesh_id))

    async def order(self, mesh_id: str, verb: str, body: Row) -> None:
        """See `Operator`."""
        await self._call("POST", f"{_mesh(mesh_id)}/{verb}", dict(body))

    async def delete(self, mesh_id: str, *, force: bool) -> Row:
        """See `Operator`."""
        return await self._call("DELETE", _mesh(mesh_id) + ("?force=true" if force else ""))

    async def agents(self, mesh_id: str) -> tuple[Row, ...]:
        """See `Operator`."""
        return tuple((await self._call("GET", f"{_mesh(mesh_id)}/agents"))["agents"])

    async def terminate(self, mesh_id: str, agent_id: str) -> None:
        """See `Operator`."""
        await self._call("DELETE", _agent(mesh_id, agent_id))

    async def provision(self, mesh_id: str, agent_id: str, chosen: Row) -> Row:
        """See `Operator`."""
        return await self._call("POST", f"{_agent(mesh_id, agent_id)}/key", dict(chosen))

    async def create_key(self, chosen: Row) -> Row:
        """See `Operator`."""
        return await self._call("POST", "/keys", dict(chosen))

    async def list_keys(self, start: str) -> tuple[tuple[Row, ...], str]:
        """See `Operator`."""
        page = await self._call("GET", f"/keys?{urlencode({'start': start, 'limit': PAGE_MAX})}")
        return tuple(page["keys"]), page["next_start"]

    async def rotate_key(self, key_id: str, overlap_seconds: int) -> Row:
        """See `Operator`."""
        return await self._call("POST", f"{_key(key_id)}/rotation", {"overlap_seconds": overlap_seconds})

    async def revoke_key(self, key_id: str, overlap_seconds: int) -> None:
        """See `Operator`."""
        await self._call("DELETE", f"{_key(key_id)}?overlap_seconds={overlap_seconds}")

    async def read_audit(self, mesh_id: str, *, start: int, limit: int) -> Row:
        """See `Operator`."""
        return await self._call("GET", f"{_trail(mesh_id)}?{urlencode({'start': start, 'limit': limit})}")

    async def check_audit(self, mesh_id: str, *, start: int) -> Row:
        """See `Operator`."""
        return await self._call("GET", f"{_trail(mesh_id)}/check?start={start}")

    async def audit_has_grown(self, mesh_id: str, last: int) -> None:
        """See `Operator`."""
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            if (await self.read_audit(mesh_id, start=last + 1, limit=1))["records"]:
                return

    async def _call(self, method: str, path: str, body: Any = None) -> Row:
        """In a thread, so that Ctrl-C is heard while the control plane thinks."""
        answer: Row = await asyncio.to_thread(self._client.call, method, path, body)
        return answer


def _mesh(mesh_id: str) -> str:
    return f"/meshes/{quote(mesh_id, safe='')}"


def _agent(mesh_id: str, agent_id: str) -> str:
    return f"{_mesh(mesh_id)}/agents/{quote(agent_id, safe='')}"


def _key(key_id: str) -> str:
    return f"/keys/{quote(key_id, safe='')}"


def _trail(mesh_id: str) -> str:
    return f"{_mesh(mesh_id)}/audit" if mesh_id else "/audit"
