"""etcd: its election interface, over its HTTP gateway."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx

from firemesh_cli.bench.peers import packages
from firemesh_cli.bench.peers.system import LEADS, STANDS, Say
from firemesh_cli.bench.peers.workplace import HOST, Workplace, free_port

PACKAGES = ("etcd-server",)
ELECTION = "bench"
RENEWALS_PER_TTL = 3


class Etcd:
    """One etcd server. See `System`."""

    name = "etcd"
    packages = PACKAGES
    kept = "disk"

    @contextlib.asynccontextmanager
    async def running(self, place: Workplace) -> AsyncIterator[str]:
        """See `System`."""
        port = free_port()
        url, peer_url = f"http://{HOST}:{port}", f"http://{HOST}:{free_port()}"
        command = [
            *(str(packages.program(place.root, "etcd", PACKAGES)), "--data-dir", str(place.folder / "etcd")),
            *("--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", peer_url),
            *("--initial-advertise-peer-urls", peer_url, "--initial-cluster", f"default={peer_url}"),
        ]
        async with place.serving("etcd", command, port):
            yield url


class EtcdElector:
    """Campaigns on a lease. See `Elector`."""

    def __init__(self, address: str) -> None:
        # Waiting for leadership has no end, and a proxy of the machine's has no business here.
        self._http = httpx.AsyncClient(base_url=f"{address}/v3", timeout=httpx.Timeout(None), trust_env=False)

    async def campaign(self, candidate: str, ttl_seconds: float, say: Say) -> None:
        """See `Elector`."""
        lease = (await self._call("lease/grant", TTL=int(ttl_seconds)))["ID"]
        async with asyncio.TaskGroup() as group:
            group.create_task(self._renew(lease, ttl_seconds / RENEWALS_PER_TTL))
            say(STANDS)
            await self._call("election/campaign", name=_encoded(ELECTION), lease=lease, value=_encoded(candidate))
            say(LEADS)

    async def _renew(self, lease: str, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self._call("lease/keepalive", ID=lease)

    async def _call(self, what: str, **body: Any) -> dict[str, Any]:
        answer = (await self._http.post(what, json=body)).raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
