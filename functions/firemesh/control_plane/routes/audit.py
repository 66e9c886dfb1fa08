"""`/meshes/{mesh}/audit` and `/audit`: what was decided about a mesh, and about none; and whether anything is missing."""

from typing import Annotated

from pydantic import Field

from firemesh.control_plane.access import Operation
from firemesh.control_plane.audit import AuditPage, ChainReport
from firemesh.control_plane.audit_desk import RECORDS_IN_PAGE_MAX
from firemesh.control_plane.gateway import ApiGateway
from firemesh.control_plane.route import Call, NoBody, RequestQuery
from firemesh.control_plane.use_cases import UseCases

TRAIL, PROJECT_TRAIL = "/meshes/<mesh_id>/audit", "/audit"
Number = Annotated[int, Field(ge=1, lt=10**12)]


class AuditQuery(RequestQuery):
    """Which part of the trail."""

    start: Number = 1
    limit: Annotated[int, Field(ge=1, le=RECORDS_IN_PAGE_MAX)] = 100


class CheckQuery(RequestQuery):
    """From which record on; the one before must be there."""

    start: Number = 1


async def read_audit(use: UseCases, call: Call[NoBody, AuditQuery], mesh_id: str) -> AuditPage:
    """Records of a mesh's trail, oldest first."""
    query = call.query
    return await use.audit.read(call.identity, mesh_id, start=query.start, limit=query.limit, request_id=call.request_id)


async def check_audit(use: UseCases, call: Call[NoBody, CheckQuery], mesh_id: str) -> ChainReport:
    """Whether a portion of a mesh's trail is whole; call again from `next_start` until it is 0."""
    return await use.audit.check(call.identity, mesh_id, start=call.query.start, request_id=call.request_id)


async def read_project_audit(use: UseCases, call: Call[NoBody, AuditQuery]) -> AuditPage:
    """Records of the project's trail: what is about no mesh, or about one that is deleted."""
    return await use.audit.read(call.identity, start=call.query.start, limit=call.query.limit, request_id=call.request_id)


async def check_project_audit(use: UseCases, call: Call[NoBody, CheckQuery]) -> ChainReport:
    """The same check of the project's trail."""
    return await use.audit.check(call.identity, start=call.query.start, request_id=call.request_id)


def bind(gateway: ApiGateway) -> None:
    """Register this resource."""
    for path, handler, operation, summary in (
        (TRAIL, read_audit, Operation.READ_AUDIT, "Read what was decided about a mesh"),
        (PROJECT_TRAIL, read_project_audit, Operation.READ_PROJECT_AUDIT, "Read what was decided about no mesh"),
    ):
        gateway.add_route("GET", path, handler, operation=operation, summary=summary, query=AuditQuery, answer=AuditPage)
    for path, check, operation, summary in (
        (TRAIL, check_audit, Operation.READ_AUDIT, "Check that nothing is missing in a mesh's trail"),
        (PROJECT_TRAIL, check_project_audit, Operation.READ_PROJECT_AUDIT, "Check that nothing is missing in the project's"),
    ):
        gateway.add_route(
            "GET", path + "/check", check, operation=operation, summary=summary, query=CheckQuery, answer=ChainReport
        )
