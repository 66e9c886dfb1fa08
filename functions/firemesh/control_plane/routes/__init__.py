"""The paths of the REST interface, one module per resource. See docs/api.md."""

from firemesh.control_plane.access import Identity
from firemesh.control_plane.gateway import ApiGateway
from firemesh.control_plane.rate_limit import RateLimiter
from firemesh.control_plane.routes import agents, audit, meshes
from firemesh.control_plane.use_cases import UseCases


def bind(gateway: ApiGateway, limiter: RateLimiter) -> None:
    """Register everything: limiter, authentication, routes."""
    gateway.set_rate_limiter(limiter.take)
    gateway.set_auth_middleware(_authenticate)
    for resource in (meshes, agents, audit):
        resource.bind(gateway)


async def _authenticate(use: UseCases, credential: str, request_id: str) -> Identity:
    return await use.panel.authenticate(credential, request_id=request_id)
