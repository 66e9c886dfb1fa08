"""ZooKeeper: the election of its Python client, kazoo."""

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator
from typing import Any

from firemesh.errors import LocalStackError
from firemesh_cli.bench.peers import packages
from firemesh_cli.bench.peers.system import LEADS, STANDS, Say
from firemesh_cli.bench.peers.workplace import HOST, Workplace, free_port
from firemesh_cli.stack import locate

PACKAGES = ("libzookeeper-java", "libnetty-java", "libslf4j-java", "libsnappy-java", "libdropwizard-metrics-java")
JARS = ("zookeeper", "zookeeper-jute", "netty-all", "slf4j-api", "slf4j-nop", "snappy-java", "metrics-core")
TICK_MS = 500
"""Sessions last from 2 to 20 ticks, and end on a tick."""


class ZooKeeper:
    """One ZooKeeper server. See `System`."""

    name = "ZooKeeper"
    packages = PACKAGES
    kept = "disk"

    @contextlib.asynccontextmanager
    async def running(self, place: Workplace) -> AsyncIterator[str]:
        """See `System`."""
        java = locate.find_java(place.root)
        if java is None:
            raise LocalStackError("ZooKeeper needs Java")
        place.bring_python_clients()
        jars = packages.unpacked(place.root, PACKAGES) / "usr/share/java"
        port, config = free_port(), place.folder / "zookeeper.cfg"
        settings = {"tickTime": TICK_MS, "dataDir": place.folder / "zookeeper", "clientPort": port}
        settings |= {"clientPortAddress": HOST, "admin.enableServer": "false"}
        config.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        classes = os.pathsep.join(str(jars / f"{jar}.jar") for jar in JARS)
        command = [str(java.path), "-cp", classes, "org.apache.zookeeper.server.ZooKeeperServerMain", str(config)]
        async with place.serving("zookeeper", command, port):
            yield f"{HOST}:{port}"


class ZooKeeperElector:
    """Campaigns with kazoo's recipe, in a thread of its own. See `Elector`."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def campaign(self, candidate: str, ttl_seconds: float, say: Say) -> None:
        """See `Elector`."""
        await asyncio.to_thread(self._campaign, candidate, ttl_seconds, say)

    def _campaign(self, candidate: str, ttl_seconds: float, say: Say) -> None:
        from kazoo.client import KazooClient

        client: Any = KazooClient(hosts=self._address, timeout=ttl_seconds)
        client.start()
        say(STANDS)
        client.Election("/bench", candidate).run(self._lead, say)

    def _lead(self, say: Say) -> None:
        say(LEADS)
        threading.Event().wait()
