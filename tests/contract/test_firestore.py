"""What only the real store has: a connection that breaks, a server that refuses, documents of other clients."""

import asyncio
import json
import urllib.request
from base64 import urlsafe_b64encode

import grpc
import pytest
from google.cloud import firestore

from firemesh.errors import (
    CommitAborted,
    MeshError,
    OutcomeUnknown,
    PermissionDenied,
    PreconditionFailed,
    StoreUnavailable,
    Unauthenticated,
)
from firemesh.store.base import CollectionTarget, Delete, DocumentTarget, Put, Watch
from firemesh.store.firestore import FirestoreStore, connect, listen
from firemesh.store.firestore.failures import commit_error, read_error, target_error
from tests.contract.conftest import PROJECT, Backend
from tests.contract.wires import Wire
from tests.support.patient import PATIENCE_SECONDS, anything, commit, fields, get, until

CURRENT, RESET, REMOVE = 3, 4, 2
DATABASE = f"projects/{PROJECT}/databases/(default)"
DOCUMENTS = f"{DATABASE}/documents"


async def heard_since(watch: Watch, moment: float) -> None:
    """Wait until the server has confirmed a watch after this moment of the loop's time."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if watch.heard_at > moment:
                return
            await asyncio.sleep(0.01)


# One stream


async def test_one_stream_carries_many_watches(emulator: Backend) -> None:
    async with emulator.open(one_stream=True) as store:
        watches = [store.watch(DocumentTarget(f"{emulator.root}/views/{n}")) for n in range(30)]
        watches += [store.watch(CollectionTarget(f"{emulator.root}/inbox{n}")) for n in range(5)]
        await asyncio.gather(*(until(watch, anything) for watch in watches))


async def test_watches_go_on_after_the_connection_is_cut(emulator: Backend, warm_firestore: str) -> None:
    changed, deleted, inbox = (f"{emulator.root}/{tail}" for tail in ("views/a", "views/b", "inbox"))
    async with Wire.to(warm_firestore) as (wire, host), emulator.open() as writer:
        reader = FirestoreStore(PROJECT, host=host, one_stream=True)
        await commit(writer, Put(changed, {"n": 0}), Put(deleted, {"n": 0}), Put(f"{inbox}/1", {}))
        watches = [reader.watch(DocumentTarget(changed)), reader.watch(DocumentTarget(deleted))]
        watches.append(reader.watch(CollectionTarget(inbox)))
        for watch in watches:
            await until(watch, lambda snapshot: bool(snapshot.documents))
        wire.cut()
        await commit(writer, Put(changed, {"n": 1}), Delete(deleted), Delete(f"{inbox}/1"), Put(f"{inbox}/2", {}))
        wire.mend()
        await until(watches[0], lambda snapshot: snapshot.documents[changed].fields == {"n": 1})
        await until(watches[1], lambda snapshot: not snapshot.documents)
        await until(watches[2], lambda snapshot: [d.id for d in snapshot.documents.values()] == ["2"])
        assert reader.streams_opened > 1
        await reader.close()


async def test_a_reconnection_that_brings_nothing_new_gives_no_snapshot(emulator: Backend, warm_firestore: str) -> None:
    path = f"{emulator.root}/views/a"
    async with Wire.to(warm_firestore) as (wire, host), emulator.open() as writer:
        reader = FirestoreStore(PROJECT, host=host, one_stream=True)
        await commit(writer, Put(path, {"n": 0}))
        watch = reader.watch(DocumentTarget(path))
        first = await until(watch, anything)
        cut_at = asyncio.get_running_loop().time()
        wire.cut()
        wire.mend()
        await heard_since(watch, cut_at)
        await commit(writer, Put(path, {"n": 1}))
        second = await until(watch, anything)
        assert (first.documents[path].fields, second.documents[path].fields) == ({"n": 0}, {"n": 1})
        await reader.close()


async def test_store_without_a_connection_says_so_at_once(emulator: Backend, warm_firestore: str) -> None:
    async with Wire.to(warm_firestore) as (wire, host):
        store = FirestoreStore(PROJECT, host=host, one_stream=True)
        wire.cut()
        with pytest.raises(OutcomeUnknown):
            await store.commit([Put(f"{emulator.root}/views/a", {})])
        with pytest.raises(StoreUnavailable):
            await fields(store, f"{emulator.root}/views/a")
        await store.close()


async def test_commit_whose_answer_is_lost_is_of_unknown_outcome_and_may_have_landed(
    emulator: Backend, warm_firestore: str
) -> None:
    path = f"{emulator.root}/consensus/head"
    async with Wire.to(warm_firestore) as (wire, host), emulator.open() as other:
        store = FirestoreStore(PROJECT, host=host, one_stream=True)
        await commit(store, Put(path, {"n": 0}))
        wire.mute()
        while await fields(other, path) == {"n": 0}:  # a busy machine may not even send it in time
            with pytest.raises(OutcomeUnknown):
                await store.commit([Put(path, {"n": 1})], timeout_seconds=0.3)
        assert await fields(other, path) == {"n": 1}
        await store.close()


async def test_closing_ends_calls_in_flight_as_errors_not_as_cancellations(emulator: Backend, warm_firestore: str) -> None:
    path = f"{emulator.root}/consensus/head"
    async with Wire.to(warm_firestore) as (wire, host):
        store = FirestoreStore(PROJECT, host=host, one_stream=True)
        await commit(store, Put(path, {"n": 0}))
        wire.mute()
        calls = [asyncio.create_task(store.commit([Put(path, {"n": 1})])), asyncio.create_task(fields(store, path))]
        cancelled = asyncio.create_task(fields(store, path))
        await asyncio.sleep(0.05)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        await store.close()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown, StoreUnavailable]


async def test_no_change_is_lost_while_its_target_is_being_added(emulator: Backend) -> None:
    async with emulator.open() as store:
        for n in range(40):
            path = f"{emulator.root}/agents/a{n}"
            watch = store.watch(DocumentTarget(path))
            await commit(store, Put(path, {"n": n}))
            await until(watch, lambda snapshot: bool(snapshot.documents))
            await watch.close()


async def test_watches_end_when_the_store_stays_away_and_a_new_one_works(
    emulator: Backend, warm_firestore: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{emulator.root}/views/a"
    async with Wire.to(warm_firestore) as (wire, host):
        store = FirestoreStore(PROJECT, host=host, one_stream=True)
        watch = store.watch(DocumentTarget(path))
        await until(watch, anything)
        wire.cut()
        with monkeypatch.context() as impatient:
            impatient.setattr(listen, "GIVE_UP_SECONDS", 0.2)
            with pytest.raises(StoreUnavailable):
                await until(watch, lambda snapshot: False)
        wire.mend()
        await until(store.watch(DocumentTarget(path)), anything)
        await store.close()


# Who may do what


RULES = """
rules_version = '2';
service cloud.firestore { match /databases/{db}/documents {
  match /meshes/{mesh}/views/public { allow read: if request.auth != null; }
} }
"""


def id_token(project: str, user: str) -> str:
    """The token of a signed-in user, as the emulator accepts it."""
    claims = {"sub": user, "user_id": user, "aud": project, "iss": f"https://securetoken.google.com/{project}"}
    claims |= {"iat": 1, "exp": 4_000_000_000, "firebase": {"sign_in_provider": "custom", "identities": {}}}
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


class Tokens:
    """What a user presents at each call. `failure` is raised instead, and `failed` says that it was."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.failure: MeshError | None = None
        self.failed = asyncio.Event()
        self.asked = 0

    async def __call__(self) -> str:
        self.asked += 1
        if self.failure is not None:
            self.failed.set()
            raise self.failure
        return self.token


def set_rules(host: str, project: str) -> None:
    body = json.dumps({"rules": {"files": [{"name": "firestore.rules", "content": RULES}]}}).encode()
    url = f"http://{host}/emulator/v1/projects/{project}:securityRules"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="PUT")
    urllib.request.urlopen(request, timeout=PATIENCE_SECONDS).close()


async def test_what_the_rules_deny_is_denied_and_nothing_else(warm_firestore: str) -> None:
    project = "demo-contract-rules"
    await asyncio.to_thread(set_rules, warm_firestore, project)
    allowed, denied = "meshes/m1/views/public", "meshes/m1/consensus/head"
    owner = FirestoreStore(project, host=warm_firestore)
    agent = FirestoreStore(project, host=warm_firestore, token=Tokens(id_token(project, "ada")))
    await commit(owner, Put(allowed, {"n": 0}), Put(denied, {}))
    assert await fields(agent, allowed) == {"n": 0}
    seeing, blind = agent.watch(DocumentTarget(allowed)), agent.watch(DocumentTarget(denied))
    with pytest.raises(PermissionDenied):
        await until(blind, anything)
    with pytest.raises(PermissionDenied):
        await commit(agent, Put(allowed, {"n": 9}))
    with pytest.raises(PermissionDenied):
        await fields(agent, denied)
    with pytest.raises(PermissionDenied):
        await agent.list_documents("meshes/m1/log", timeout_seconds=PATIENCE_SECONDS)
    await commit(owner, Put(allowed, {"n": 1}))
    await until(seeing, lambda snapshot: snapshot.documents[allowed].fields == {"n": 1})
    await agent.close()
    await owner.close()


async def test_missing_credentials_are_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIREMESH_FIRESTORE_HOST", "FIRESTORE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    with pytest.raises(PermissionDenied, match="gcloud auth application-default login"):
        connect("demo-contract")


async def test_a_user_enters_firestore_itself_without_credentials_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIREMESH_FIRESTORE_HOST", "FIRESTORE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    store = connect("demo-contract", token=Tokens("a.b.c"))
    await store.close()


async def test_a_user_is_asked_for_its_token_at_every_call_and_at_every_opening_of_a_stream(warm_firestore: str) -> None:
    project = "demo-contract-rules"
    await asyncio.to_thread(set_rules, warm_firestore, project)
    allowed = "meshes/m1/views/public"
    tokens = Tokens("")
    agent = FirestoreStore(project, host=warm_firestore, token=tokens)
    with pytest.raises(PermissionDenied):
        await fields(agent, allowed)
    with pytest.raises(PermissionDenied):
        await until(agent.watch(DocumentTarget(allowed)), anything)
    tokens.token = id_token(project, "ada")
    before = tokens.asked
    await get(agent, allowed)
    assert tokens.asked == before + 1
    await until(agent.watch(DocumentTarget(allowed)), anything)
    await agent.close()


@pytest.mark.parametrize("failure", [Unauthenticated("the user is gone"), StoreUnavailable("no token at the moment")])
async def test_a_call_for_which_there_is_no_token_says_why(warm_firestore: str, failure: MeshError) -> None:
    tokens = Tokens("")
    agent = FirestoreStore(PROJECT, host=warm_firestore, token=tokens)
    tokens.failure = failure
    with pytest.raises(type(failure)):
        await agent.commit([Delete("meshes/m1/views/public")])
    with pytest.raises(type(failure)):
        await agent.get_all(["meshes/m1/views/public"])
    with pytest.raises(type(failure)):
        await agent.list_documents("meshes/m1/views")
    await agent.close()


async def test_a_listener_waits_for_a_token_that_may_still_come_and_not_for_one_that_will_not(warm_firestore: str) -> None:
    project = "demo-contract-rules"
    await asyncio.to_thread(set_rules, warm_firestore, project)
    tokens = Tokens(id_token(project, "ada"))
    agent = FirestoreStore(project, host=warm_firestore, token=tokens)
    tokens.failure = StoreUnavailable("no token at the moment")
    waiting = asyncio.create_task(until(agent.watch(DocumentTarget("meshes/m1/views/public")), anything))
    await tokens.failed.wait()
    tokens.failure = None
    await waiting
    tokens.failure = Unauthenticated("the user is gone")
    with pytest.raises(Unauthenticated):
        await until(agent.watch(DocumentTarget("meshes/m1/views/other")), anything)
    await agent.close()


async def test_connect_takes_the_emulator_from_the_environment(
    emulator: Backend, warm_firestore: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FIREMESH_FIRESTORE_HOST", raising=False)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", warm_firestore)
    store = connect(PROJECT)
    await commit(store, Put(f"{emulator.root}/views/a", {"n": 1}))
    assert await fields(store, f"{emulator.root}/views/a") == {"n": 1}
    await store.close()


async def test_no_proxy_stands_between_a_store_and_its_emulator(
    emulator: Backend, warm_firestore: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with emulator.open() as store:
        await commit(store, Put(f"{emulator.root}/views/a", {"n": 1}))


# Statuses


def failed(status: grpc.StatusCode) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(status, grpc.aio.Metadata(), grpc.aio.Metadata(), details="why")


@pytest.mark.parametrize("status", [status for status in grpc.StatusCode if status is not grpc.StatusCode.OK])
def test_every_status_has_its_error(status: grpc.StatusCode) -> None:
    of_commit, of_read = commit_error(failed(status)), read_error(failed(status))
    assert isinstance(of_commit, MeshError)
    assert isinstance(of_read, MeshError)
    assert not of_read.outcome_unknown, "a read changes nothing"
    assert status.name in str(of_commit)
    assert isinstance(target_error(status.value[0], ""), type(of_read))


@pytest.mark.parametrize("status", [grpc.StatusCode.ALREADY_EXISTS, grpc.StatusCode.FAILED_PRECONDITION])
def test_broken_precondition_is_no_contention(status: grpc.StatusCode) -> None:
    assert type(commit_error(failed(status))) is PreconditionFailed


def test_commit_given_up_by_the_store_is_no_broken_precondition() -> None:
    """Who takes it for "exists already" believes a command in the inbox that is nowhere."""
    error = commit_error(failed(grpc.StatusCode.ABORTED))
    assert not isinstance(error, PreconditionFailed)
    assert (type(error), error.retryable, error.outcome_unknown) == (CommitAborted, True, False)


# Documents of other clients


async def test_kinds_that_json_lacks_are_read_as_text(
    emulator: Backend, warm_firestore: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", warm_firestore)
    path = f"{emulator.root}/inbox/foreign"
    foreign = firestore.AsyncClient(project=PROJECT)
    values = {
        "bytes": b"\x00\x01",
        "reference": foreign.document("meshes/m1"),
        "point": firestore.GeoPoint(1.5, -2.5),
        "nan": float("inf"),
    }
    await foreign.document(path).set(values)
    async with emulator.open() as store:
        expected = {
            "bytes": "AAE=",
            "reference": f"{DOCUMENTS}/meshes/m1",
            "point": {"latitude": 1.5, "longitude": -2.5},
            "nan": float("inf"),
        }
        assert await fields(store, path) == expected
        snapshot = await until(store.watch(DocumentTarget(path)), anything)
        assert snapshot.documents[path].fields == expected
    foreign.close()
