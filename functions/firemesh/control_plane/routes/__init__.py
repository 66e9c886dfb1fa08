"""The paths of the REST interface, one module per resource. See docs/api.md."""

from typing import Any

from firemesh.control_plane.access import Identity
from firemesh.control_plane.gateway import ApiGateway
from firemesh.control_plane.rate_limit import RateLimiter
from firemesh.control_plane.route import Route
from firemesh.control_plane.routes import agent_desk, agents, audit, games, insight, keys, mesh_orders, meshes
from firemesh.control_plane.use_cases import UseCases
from firemesh.errors import InvariantViolation

RESOURCES = (meshes, mesh_orders, agents, agent_desk, insight, keys, audit, games)


def bind(gateway: ApiGateway, limiter: RateLimiter) -> None:
    """Register everything: limiter, authentication, routes."""
    gateway.set_rate_limiter(limiter.take)
    gateway.set_auth_middleware(authenticate)
    for resource in RESOURCES:
        resource.bind(gateway)


def declared() -> tuple[Route, ...]:
    """Every route, for who describes them and serves none."""
    gateway = ApiGateway(_unserved, _unserved)
    for resource in RESOURCES:
        resource.bind(gateway)
    return tuple(gateway.routes)


async def authenticate(use: UseCases, credential: str, request_id: str) -> Identity:
    """Who presents a credential."""
    return await use.panel.authenticate(credential, request_id=request_id)


def _unserved(*_: Any) -> Any:
    raise InvariantViolation("these routes are described and not served")
