"""`/keys`: make, see, replace and end API keys; and the key that is made for one agent of a mesh."""

from typing import Annotated

from pydantic import BaseModel, Field

from firemesh.control_plane.access import ANY_MESH, AccessRole, Operation
from firemesh.control_plane.api_key import ApiKeyRecord
from firemesh.control_plane.gateway import ApiGateway
from firemesh.control_plane.key_desk import KEYS_IN_PAGE_MAX
from firemesh.control_plane.key_ring import KEY_DAYS, LIFETIME_DAYS_MAX, OVERLAP_SECONDS_MAX, KeyRequest, NewKey
from firemesh.control_plane.route import Call, NoBody, NoQuery, RequestBody, RequestQuery
from firemesh.control_plane.routes.agents import AGENT
from firemesh.control_plane.use_cases import UseCases
from firemesh.ids import AgentId, KeyId, MeshId

KEY = "/keys/<key_id>"
ROTATION_SECONDS = 3600
"""How long both keys are good when no overlap is named."""

Days = Annotated[int, Field(ge=1, le=LIFETIME_DAYS_MAX)]
Label = Annotated[str, Field(max_length=80, description="Whose it is, in words.")]
Overlap = Annotated[int, Field(ge=0, le=OVERLAP_SECONDS_MAX, description="Seconds until the old key ends.")]
Nothing = Annotated[str, Field(max_length=0)]


class CreateKey(RequestBody):
    """What the key shall be good for."""

    role: Annotated[AccessRole, Field(strict=False)]
    mesh: (
        Annotated[MeshId, Field(description="The one mesh it is for; `*`: every mesh.")]
        | Annotated[str, Field(pattern=r"^\*$")]
    ) = ANY_MESH
    agent: AgentId | Nothing = ""
    operations: Annotated[tuple[Annotated[Operation, Field(strict=False)], ...], Field(strict=False, max_length=100)] = ()
    days: Days = KEY_DAYS
    label: Label = ""


class ProvisionAgent(RequestBody):
    """How long the key is good, and whose it is."""

    days: Days = KEY_DAYS
    label: Label = ""


class RotateKey(RequestBody):
    """How long the old key is good beside the new one."""

    overlap_seconds: Overlap = ROTATION_SECONDS


class RevocationQuery(RequestQuery):
    """When the key ends."""

    overlap_seconds: Overlap = 0


class KeyPageQuery(RequestQuery):
    """Which page of the list."""

    start: KeyId | Nothing = ""
    limit: Annotated[int, Field(ge=1, le=KEYS_IN_PAGE_MAX)] = 100


class KeyRow(BaseModel):
    """A key without its secret. Times are the store's, in milliseconds; 0 means never."""

    key_id: str
    label: str
    role: str
    mesh: str
    agent: str
    operations: tuple[str, ...]
    made_by: str
    created_ms: int
    expires_ms: int
    revoked_ms: int
    last_used_ms: int

    @classmethod
    def of(cls, key_id: str, record: ApiKeyRecord) -> "KeyRow":
        """What may be shown of a stored key."""
        return cls(key_id=key_id, **record.model_dump(mode="json", exclude={"digest"}))


class KeyMade(KeyRow):
    """A key just made. `key` is shown this once; a repeated call with the same idempotency key finds it empty."""

    key: str


class KeyRows(BaseModel):
    """Keys by id. Those that are none of the caller's business are left out, so only an empty `next_start` is the end."""

    keys: tuple[KeyRow, ...]
    next_start: str


class KeyEnded(BaseModel):
    """The key ends, at once or when the overlap is over."""

    key_id: str
    overlap_seconds: int


def _made(new: NewKey, *, secret: bool = True) -> KeyMade:
    return KeyMade(key=new.text if secret else "", **KeyRow.of(new.key_id, new.record).model_dump())


async def create_key(use: UseCases, call: Call[CreateKey, NoQuery]) -> KeyMade:
    """A key no mightier than the caller's own."""
    body = call.body
    request = KeyRequest(body.role, body.mesh, body.operations, body.days, body.label, body.agent)
    new = await use.keys.create(
        call.identity, request, request_id=call.request_id, also=lambda new: call.remember(_made(new, secret=False))
    )
    return _made(new)


async def provision_agent(use: UseCases, call: Call[ProvisionAgent, NoQuery], mesh_id: str, agent_id: str) -> KeyMade:
    """The key with which this agent, and nobody else, joins this mesh."""
    new = await use.panel.provision_agent(
        call.identity,
        mesh_id,
        agent_id,
        days=call.body.days,
        label=call.body.label,
        request_id=call.request_id,
        also=lambda new: call.remember(_made(new, secret=False)),
    )
    return _made(new)


async def list_keys(use: UseCases, call: Call[NoBody, KeyPageQuery]) -> KeyRows:
    """One page of the keys that the caller is in charge of."""
    query = call.query
    page = await use.keys.list(call.identity, start=query.start, limit=query.limit, request_id=call.request_id)
    rows = tuple(KeyRow.of(key_id, record) for key_id, record in page.keys.items())
    return KeyRows(keys=rows, next_start=page.next_start)


async def get_key(use: UseCases, call: Call[NoBody, NoQuery], key_id: str) -> KeyRow:
    """A key without its secret."""
    return KeyRow.of(key_id, await use.keys.get(call.identity, key_id, request_id=call.request_id))


async def rotate_key(use: UseCases, call: Call[RotateKey, NoQuery], key_id: str) -> KeyMade:
    """A new key of the same scope and lifetime."""
    overlap = call.body.overlap_seconds
    new = await use.keys.rotate(
        call.identity,
        key_id,
        overlap_seconds=overlap,
        request_id=call.request_id,
        also=lambda new: call.remember(_made(new, secret=False)),
    )
    return _made(new)


async def revoke_key(use: UseCases, call: Call[NoBody, RevocationQuery], key_id: str) -> KeyEnded:
    """The end of a key."""
    overlap = call.query.overlap_seconds
    await use.keys.revoke(call.identity, key_id, overlap_seconds=overlap, request_id=call.request_id)
    return KeyEnded(key_id=key_id, overlap_seconds=overlap)


def bind(gateway: ApiGateway) -> None:
    """Register this resource."""
    for path, handler, operation, summary, body in (
        ("/keys", create_key, Operation.CREATE_KEY, "Make a key", CreateKey),
        (f"{KEY}/rotation", rotate_key, Operation.ROTATE_KEY, "Replace a key by a new one", RotateKey),
        (f"{AGENT}/key", provision_agent, Operation.PROVISION_AGENT, "Make the key of one agent", ProvisionAgent),
    ):
        gateway.add_route(
            "POST",
            path,
            handler,
            operation=operation,
            summary=summary,
            body=body,
            answer=KeyMade,
            status=201,
            idempotent=True,
        )
    gateway.add_route(
        "GET",
        "/keys",
        list_keys,
        operation=Operation.READ_KEYS,
        summary="List the keys in the caller's charge",
        query=KeyPageQuery,
        answer=KeyRows,
    )
    gateway.add_route("GET", KEY, get_key, operation=Operation.READ_KEYS, summary="See a key", answer=KeyRow)
    gateway.add_route(
        "DELETE",
        KEY,
        revoke_key,
        operation=Operation.REVOKE_KEY,
        summary="End a key",
        query=RevocationQuery,
        answer=KeyEnded,
    )
