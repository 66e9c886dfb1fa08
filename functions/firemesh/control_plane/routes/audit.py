"""`/meshes/{mesh}/audit`: what was decided about a mesh."""

from typing import Annotated

from pydantic import BaseModel, Field

from firemesh.control_plane.access import Operation
from firemesh.control_plane.audit import AuditRecord
from firemesh.control_plane.gateway import ApiGateway
from firemesh.control_plane.route import Call, NoBody, RequestQuery
from firemesh.control_plane.use_cases import UseCases

AUDIT_LISTED_MAX = 200


class AuditQuery(RequestQuery):
    """Which part of the trail."""

    start: Annotated[int, Field(ge=1, lt=10**12)] = 1
    limit: Annotated[int, Field(ge=1, le=AUDIT_LISTED_MAX)] = 100


class AuditPage(BaseModel):
    """Records in the order of their numbers; the next page starts one behind the last."""

    records: tuple[AuditRecord, ...]


async def read_audit(use: UseCases, call: Call[NoBody, AuditQuery], mesh_id: str) -> AuditPage:
    """Records of a mesh's trail, oldest first."""
    records = await use.panel.read_audit(
        call.identity, mesh_id, start=call.query.start, limit=call.query.limit, request_id=call.request_id
    )
    return AuditPage(records=records)


def bind(gateway: ApiGateway) -> None:
    """Register this resource."""
    gateway.add_route(
        "GET",
        "/meshes/<mesh_id>/audit",
        read_audit,
        operation=Operation.READ_AUDIT,
        summary="Read what was decided about a mesh",
        query=AuditQuery,
        answer=AuditPage,
    )
