"""What nothing else would delete carries its end, dated by the store's own clock."""

from datetime import UTC, datetime

from firemesh.core.effects import Proposal, ProposalKind, Refusal
from firemesh.core.health import Beat
from firemesh.core.messages import Head, Vote
from firemesh.store import paths
from firemesh.store.lifetimes import EXPIRES, expiring, without_end
from firemesh.store.memory import MemoryStore
from firemesh.store.mesh_store import BEAT_DAYS, REFUSAL_DAYS, VOTE_DAYS, MeshRecord, MeshStore

DAY_SECONDS = 86_400
NOW = datetime(2026, 11, 22, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * 1_000_000_000
INC = "a" * 12
BEAT = Beat(process="p1", inc=INC, seq=1, interval_ms=1000, agents={}, applied={}, lateness=0)
VOTE = Vote(term=1, voter="m1", candidate="m2", applied=0, head_version=1)


async def made() -> tuple[MemoryStore, MeshStore]:
    database = MemoryStore(now_ns=lambda: NOW_NS)
    mesh = MeshStore(database.client("c"), "m")
    await mesh.create(MeshRecord(machine="counter", setup={}, params={}))
    return database, mesh


def days_left(database: MemoryStore, path: str) -> int:
    return round((database.documents()[path].fields[EXPIRES] - NOW).total_seconds() / DAY_SECONDS)


def test_an_end_is_so_many_days_after_the_stores_time() -> None:
    assert expiring({"a": 1}, 1_000, days=2) == {"a": 1, EXPIRES: datetime(1970, 1, 3, 0, 0, 1, tzinfo=UTC)}


def test_nothing_ends_that_was_written_before_the_store_told_its_time() -> None:
    assert expiring({"a": 1}, 0, days=2) == {"a": 1}


def test_what_is_read_has_no_end() -> None:
    assert without_end(expiring({"a": 1}, 1_000, days=2)) == {"a": 1}


async def test_a_vote_a_sign_of_life_and_a_refusal_end_by_themselves() -> None:
    database, mesh = await made()
    await mesh.cast_vote(VOTE)
    await mesh.write_beat(BEAT)
    _, version, _ = await mesh.read_head()
    await mesh.commit(Proposal(ProposalKind.RENEW, version, Head(seq=1), refusals=(Refusal("r", "MALFORMED"),)))
    assert days_left(database, paths.vote("m", 1, "m1")) == VOTE_DAYS
    assert days_left(database, paths.beat("m", "p1")) == BEAT_DAYS
    assert days_left(database, paths.refused("m", "r")) == REFUSAL_DAYS


async def test_an_end_is_no_part_of_what_is_read() -> None:
    _, mesh = await made()
    await mesh.cast_vote(VOTE)
    await mesh.write_beat(BEAT)
    assert (await mesh.read_election(1, ["m1"])).votes == (VOTE,)
    assert (await mesh.read_beat("p1"))[0] == BEAT


async def test_what_keeps_a_mesh_alive_never_ends() -> None:
    database, mesh = await made()
    await mesh.read_head()
    assert [path for path, document in database.documents().items() if EXPIRES in document.fields] == []
