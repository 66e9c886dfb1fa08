"""API keys: their form, and their life in the store by the store's own clock."""

import asyncio
import json

import pytest

from firemesh.control_plane import key_ring
from firemesh.control_plane.access import AccessRole, Operation
from firemesh.control_plane.api_key import ApiKey, check_pepper
from firemesh.control_plane.key_ring import LAST_USE_MS, KeyRequest, KeyRing
from firemesh.errors import AlreadyExists, InvalidParameters, RequestError, Unauthenticated
from firemesh.store.memory import ABORTED, ACK_LOST, LANDS, LOST, MemoryStore

PEPPER = b"p" * 32
DAY_NS = 86_400_000_000_000
ADMIN = KeyRequest(AccessRole.ADMIN)


class Keys:
    """A key ring on a store whose clock the test moves."""

    def __init__(self, pepper: bytes = PEPPER) -> None:
        self.now_ns = 1_000_000_000_000
        self.memory = MemoryStore(lambda: self.now_ns)
        self.client = self.memory.client("test")
        self.ring = KeyRing(self.client, pepper, environment="test")

    async def stored(self) -> str:
        found = await self.client.list_documents("apiKeys")
        return json.dumps([dict(document.fields) for document in found.documents.values()], default=str)


def test_a_key_survives_the_way_through_text() -> None:
    key = ApiKey.new("prod")
    assert key.text.startswith("mesh_prod_")
    assert ApiKey.parse(key.text) == key


def test_no_two_keys_are_alike() -> None:
    assert ApiKey.new("prod").secret != ApiKey.new("prod").secret


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-1],
        lambda text: text + "0",
        lambda text: text.replace("mesh_", "mash_"),
        lambda text: text[:30] + ("A" if text[30] != "A" else "B") + text[31:],
        lambda text: "",
        lambda text: text + "\n",
    ],
)
def test_a_mistyped_key_is_refused_without_being_repeated(damage: object) -> None:
    text = damage(ApiKey.new("prod").text)  # type: ignore[operator]
    with pytest.raises(Unauthenticated) as raised:
        ApiKey.parse(text)
    assert text == "" or text.strip() not in str(raised.value)


def test_a_key_does_not_show_its_secret_when_printed() -> None:
    key = ApiKey.new("prod")
    assert key.secret not in repr(key) + str(key)


@pytest.mark.parametrize("environment", ["", "PROD", "a_b", "x" * 13])
def test_an_environment_that_would_break_the_form_is_refused(environment: str) -> None:
    with pytest.raises(InvalidParameters, match="environment"):
        ApiKey.new(environment)


def test_a_short_pepper_is_refused() -> None:
    assert check_pepper("x" * 32) == b"x" * 32
    with pytest.raises(InvalidParameters, match="at least 32 bytes"):
        check_pepper("x" * 31)


async def test_a_key_identifies_its_holder_and_its_secret_is_not_stored() -> None:
    keys = Keys()
    key = (await keys.ring.create(KeyRequest(AccessRole.WORKER, mesh="m1", operations=(Operation.JOIN_MESH,)))).key
    identity = await keys.ring.find(key)
    assert (identity.role, identity.mesh, identity.operations) == (AccessRole.WORKER, "m1", {Operation.JOIN_MESH})
    assert key.secret not in await keys.stored()


async def test_a_key_of_another_secret_environment_or_pepper_is_unknown() -> None:
    keys = Keys()
    key = (await keys.ring.create(ADMIN)).key
    other = KeyRing(keys.client, b"q" * 32, environment="test")
    strange = ApiKey(key.environment, key.key_id, ApiKey.new("test").secret)
    for ring, presented in (
        (keys.ring, strange),
        (keys.ring, ApiKey("prod", key.key_id, key.secret)),
        (keys.ring, ApiKey.new("test")),
        (other, key),
    ):
        with pytest.raises(Unauthenticated, match="no such API key"):
            await ring.find(presented)


async def test_a_key_expires_by_the_clock_of_the_store() -> None:
    keys = Keys()
    key = (await keys.ring.create(KeyRequest(AccessRole.ADMIN, days=2))).key
    keys.now_ns += 2 * DAY_NS - 1_000_000
    await keys.ring.find(key)
    keys.now_ns += 1_000_000
    with pytest.raises(Unauthenticated, match="expired"):
        await keys.ring.find(key)


async def test_revocation_holds_for_the_very_next_call() -> None:
    keys = Keys()
    key = (await keys.ring.create(ADMIN)).key
    await keys.ring.find(key)
    await keys.ring.revoke(key.key_id)
    with pytest.raises(Unauthenticated, match="revoked"):
        await keys.ring.find(key)


async def test_rotation_lets_both_keys_in_until_the_overlap_ends() -> None:
    keys = Keys()
    old = (await keys.ring.create(KeyRequest(AccessRole.OPERATOR, mesh="m1", days=7, label="ops"))).key
    new = (await keys.ring.rotate(old.key_id, overlap_seconds=60)).key
    assert (await keys.ring.find(new)).role == (await keys.ring.find(old)).role == AccessRole.OPERATOR
    keys.now_ns += 60_000_000_000
    with pytest.raises(Unauthenticated, match="revoked"):
        await keys.ring.find(old)
    assert (await keys.ring.find(new)).mesh == "m1"


async def test_a_key_has_one_successor() -> None:
    keys = Keys()
    old = (await keys.ring.create(ADMIN)).key
    await keys.ring.rotate(old.key_id, overlap_seconds=60)
    with pytest.raises(AlreadyExists, match="successor"):
        await keys.ring.rotate(old.key_id, overlap_seconds=60)
    assert len(await keys.ring.list()) == 2


async def test_a_revocation_without_an_answer_is_sent_again_until_it_is_sure() -> None:
    keys = Keys()
    key = (await keys.ring.create(ADMIN)).key
    fates = iter([LOST, ABORTED, ACK_LOST, LANDS])
    keys.client.faults.commit_fate = lambda writes: next(fates)
    await keys.ring.revoke(key.key_id)
    assert list(fates) == []
    with pytest.raises(Unauthenticated, match="revoked"):
        await keys.ring.find(key)


async def test_a_revoked_or_expired_key_is_not_brought_back_by_rotation() -> None:
    keys = Keys()
    revoked, expired = [(await keys.ring.create(KeyRequest(AccessRole.ADMIN, days=1))).key for _ in range(2)]
    await keys.ring.revoke(revoked.key_id)
    keys.now_ns += 2 * DAY_NS
    for key in (revoked, expired):
        with pytest.raises(RequestError):
            await keys.ring.rotate(key.key_id, overlap_seconds=0)
    assert len(await keys.ring.list()) == 2


async def test_of_two_rotations_at_once_one_makes_a_key() -> None:
    keys = Keys()
    old = (await keys.ring.create(ADMIN)).key
    rotations = (keys.ring.rotate(old.key_id, overlap_seconds=60) for _ in range(2))
    outcomes = await asyncio.gather(*rotations, return_exceptions=True)
    assert sorted(type(each) is AlreadyExists for each in outcomes) == [False, True]
    assert len(await keys.ring.list()) == 2


async def test_a_successor_has_scope_and_lifetime_of_the_key_before() -> None:
    keys = Keys()
    asked = KeyRequest(AccessRole.WORKER, "m1", (Operation.JOIN_MESH,), days=7, label="ours", agent="a1")
    old = await keys.ring.create(asked, made_by="k1")
    keys.now_ns += DAY_NS
    new = (await keys.ring.rotate(old.key_id, overlap_seconds=60, made_by="k2")).record
    kept = ("role", "mesh", "agent", "operations", "label")
    assert [getattr(new, name) for name in kept] == [getattr(old.record, name) for name in kept]
    assert new.expires_ms - new.created_ms == old.record.expires_ms - old.record.created_ms
    assert (old.record.made_by, new.made_by) == ("k1", "k2")
    assert new.digest != old.record.digest


@pytest.mark.parametrize("page", [1, 2, 3, 500])
async def test_the_keys_of_a_mesh_end_together_and_no_others(page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_ring, "KEYS_LISTED_MAX", page)
    keys = Keys()
    for mesh in ("m1", "m1", "m2", "m1"):
        await keys.ring.create(KeyRequest(AccessRole.WORKER, mesh=mesh))
    await keys.ring.create(ADMIN)
    assert await keys.ring.revoke_bound("m1") == 3
    ended = [record.mesh for record in (await keys.ring.list()).values() if record.revoked_ms]
    assert ended == ["m1", "m1", "m1"]


async def test_a_later_revocation_does_not_lengthen_an_overlap() -> None:
    keys = Keys()
    key = (await keys.ring.create(ADMIN)).key
    await keys.ring.revoke(key.key_id)
    await keys.ring.revoke(key.key_id, overlap_seconds=600)
    with pytest.raises(Unauthenticated, match="revoked"):
        await keys.ring.find(key)


async def test_last_use_is_written_once_a_minute() -> None:
    keys = Keys()
    key = (await keys.ring.create(ADMIN)).key

    async def last_used() -> int:
        return (await keys.ring.list())[key.key_id].last_used_ms

    await keys.ring.find(key)
    first = await last_used()
    keys.now_ns += (LAST_USE_MS - 1) * 1_000_000
    await keys.ring.find(key)
    assert await last_used() == first > 0
    keys.now_ns += 1_000_000
    await keys.ring.find(key)
    assert await last_used() == first + LAST_USE_MS


async def test_revoking_an_unknown_key_or_with_an_endless_overlap_is_refused() -> None:
    keys = Keys()
    with pytest.raises(RequestError, match="no API key"):
        await keys.ring.revoke("000000000000")
    key = (await keys.ring.create(ADMIN)).key
    with pytest.raises(RequestError, match="overlap"):
        await keys.ring.revoke(key.key_id, overlap_seconds=10_000_000)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"role": AccessRole.ADMIN, "days": 0}, "days"),
        ({"role": AccessRole.ADMIN, "days": 366}, "days"),
        ({"role": AccessRole.WORKER}, "one mesh"),
        ({"role": AccessRole.MANAGER}, "one mesh"),
        ({"role": AccessRole.ADMIN, "label": "x" * 81}, "label"),
        ({"role": AccessRole.WORKER, "mesh": "M1"}, "no id"),
        ({"role": AccessRole.WORKER, "mesh": "m1", "agent": "a/b"}, "no id"),
        ({"role": AccessRole.OBSERVER, "mesh": "m1", "agent": "a1"}, "worker's"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidParameters, match=said):
        KeyRequest(**settings)  # type: ignore[arg-type]
