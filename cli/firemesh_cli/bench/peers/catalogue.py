"""What is measured, and in which order."""

from collections.abc import Callable, Mapping

from firemesh_cli.bench.peers.etcd import Etcd, EtcdElector
from firemesh_cli.bench.peers.mesh import (
    CommandCourier,
    DocumentCourier,
    Documents,
    LedMesh,
    Manager,
    MeshSystem,
    NeighbouringManager,
    NeighbouringMesh,
)
from firemesh_cli.bench.peers.nats import Nats, NatsCourier, NatsStream, NatsStreamCourier
from firemesh_cli.bench.peers.redis import Redis, RedisCourier
from firemesh_cli.bench.peers.system import Courier, Elector, System
from firemesh_cli.bench.peers.zookeeper import ZooKeeper, ZooKeeperElector

FAILOVER: Mapping[str, System] = {
    "etcd": Etcd(),
    "zookeeper": ZooKeeper(),
    "mesh": MeshSystem(),
    "neighbours": NeighbouringMesh(),
}
MESSAGES: Mapping[str, System] = {
    "nats": Nats(),
    "nats-stream": NatsStream(),
    "redis": Redis(),
    "document": Documents(),
    "mesh": LedMesh(),
}
ELECTORS: Mapping[str, Callable[[str], Elector]] = {
    "etcd": EtcdElector,
    "zookeeper": ZooKeeperElector,
    "mesh": Manager,
    "neighbours": NeighbouringManager,
}
"""By the keys of FAILOVER, what a client makes of an address."""
COURIERS: Mapping[str, Callable[[str], Courier]] = {
    "nats": NatsCourier,
    "nats-stream": NatsStreamCourier,
    "redis": RedisCourier,
    "document": DocumentCourier,
    "mesh": CommandCourier,
}
"""The same for MESSAGES."""
