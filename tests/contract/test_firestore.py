"""What only the real store has: a connection that breaks, a server that refuses, documents of other clients."""

import asyncio
import json
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

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
from firemesh.store.base import CollectionTarget, Delete, Document, DocumentTarget, Put, Target
from firemesh.store.firestore import FirestoreStore, connect, listen, protos
from firemesh.store.firestore.channel import open_channel
from firemesh.store.firestore.failures import commit_error, read_error, target_error
from tests.contract.conftest import PROJECT, Backend
from tests.contract.test_store import PATIENCE_SECONDS, anything, commit, fields, until
from tests.contract.wires import SpokenFirestore, Wire

CURRENT, RESET, REMOVE = 3, 4, 2
DATABASE = f"projects/{PROJECT}/databases/(default)"
DOCUMENTS = f"{DATABASE}/documents"


# One stream


async def test_all_watches_of_a_store_share_one_stream(emulator: Backend) -> None:
    async with emulator.open(one_stream=True) as store:
        assert isinstance(store, FirestoreStore)
        watches = [store.watch(DocumentTarget(f"{emulator.root}/views/{n}")) for n in range(30)]
        watches += [store.watch(CollectionTarget(f"{emulator.root}/inbox{n}")) for n in range(5)]
        await asyncio.gather(*(until(watch, anything) for watch in watches))
        assert store.streams_opened == 1


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
        wire.cut()
        wire.mend()
        fresh = reader.watch(DocumentTarget(f"{emulator.root}/views/b"))
        await until(fresh, anything)
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


# What the server says on a stream


async def listening(spoken: SpokenFirestore, store: FirestoreStore, target: Any) -> tuple[Any, int]:
    """A watch and the id under which its target was added."""
    watch = store.watch(target)
    return watch, (await spoken.request()).add_target.target_id


def say_document(spoken: SpokenFirestore, target_id: int, path: str, seconds: int) -> None:
    document = {"name": f"{DOCUMENTS}/{path}", "update_time": {"seconds": seconds}}
    spoken.say(document_change={"document": document, "target_ids": [target_id]})


def say_consistent(spoken: SpokenFirestore, target_id: int, seconds: int, token: bytes = b"") -> None:
    spoken.say(target_change={"target_change_type": CURRENT, "target_ids": [target_id], "resume_token": token})
    spoken.say(target_change={"read_time": {"seconds": seconds}})


async def test_nothing_is_published_before_the_server_says_it_is_consistent() -> None:
    async with SpokenFirestore.serve() as (spoken, host):
        store = FirestoreStore(PROJECT, host=host, one_stream=True)
        watch, target_id = await listening(spoken, store, CollectionTarget("views"))
        say_document(spoken, target_id, "views/b", 1)
        spoken.say(target_change={"read_time": {"seconds": 2}})
        say_document(spoken, target_id, "views/a", 1)
        say_consistent(spoken, target_id, 3)
        first = await until(watch, anything)
        assert (list(first.documents), first.read_time) == (["views/a", "views/b"], 3_000_000_000)
        await store.close()


async def test_reset_replaces_what_was_known() -> None:
    async with SpokenFirestore.serve() as (spoken, host):
        store = FirestoreStore(PROJECT, host=host, one_stream=True)
        watch, target_id = await listening(spoken, store, CollectionTarget("views"))
        say_document(spoken, target_id, "views/a", 1)
        say_consistent(spoken, target_id, 2)
        await until(watch, lambda snapshot: list(snapshot.documents) == ["views/a"])
        spoken.say(target_change={"target_change_type": RESET, "target_ids": [target_id]})
        say_document(spoken, target_id, "views/b", 3)
        say_consistent(spoken, target_id, 4)
        await until(watch, lambda snapshot: list(snapshot.documents) == ["views/b"])
        await store.close()


async def test_a_wrong_number_of_documents_makes_that_target_alone_start_anew() -> None:
    async with SpokenFirestore.serve() as (spoken, host):
        store = FirestoreStore(PROJECT, host=host, one_stream=True)
        watch, target_id = await listening(spoken, store, CollectionTarget("views"))
        other, other_id = await listening(spoken, store, DocumentTarget("views/other"))
        for path in ("views/a", "views/b"):
            say_document(spoken, target_id, path, 1)
        say_consistent(spoken, target_id, 2, token=b"t")
        say_consistent(spoken, other_id, 2)
        await until(watch, lambda snapshot: len(snapshot.documents) == 2)
        await until(other, anything)
        spoken.say(filter={"target_id": target_id, "count": 1})
        removal, addition = await spoken.request(), await spoken.request()
        assert removal.remove_target == target_id
        assert addition.add_target.target_id not in (target_id, other_id)
        assert addition.add_target.resume_token == b""
        say_document(spoken, addition.add_target.target_id, "views/b", 1)
        say_consistent(spoken, addition.add_target.target_id, 3)
        await until(watch, lambda snapshot: list(snapshot.documents) == ["views/b"])
        assert store.streams_opened == 1
        await store.close()


async def test_a_right_number_of_documents_changes_nothing() -> None:
    async with SpokenFirestore.serve() as (spoken, host):
        store = FirestoreStore(PROJECT, host=host, one_stream=True)
        watch, target_id = await listening(spoken, store, CollectionTarget("views"))
        say_document(spoken, target_id, "views/a", 1)
        spoken.say(filter={"target_id": target_id, "count": 1})
        say_consistent(spoken, target_id, 2)
        await until(watch, lambda snapshot: list(snapshot.documents) == ["views/a"])
        assert spoken.heard.empty()
        await store.close()


async def test_a_new_stream_resumes_from_the_last_consistent_point_and_forgets_what_came_after() -> None:
    async with SpokenFirestore.serve() as (spoken, host):
        store = FirestoreStore(PROJECT, host=host, one_stream=True)
        watch, target_id = await listening(spoken, store, CollectionTarget("views"))
        say_document(spoken, target_id, "views/a", 1)
        say_consistent(spoken, target_id, 2, token=b"good")
        await until(watch, anything)
        say_document(spoken, target_id, "views/half", 3)
        spoken.say(target_change={"target_ids": [target_id], "resume_token": b"premature"})
        spoken.end(grpc.StatusCode.UNAVAILABLE)
        again = (await spoken.request()).add_target
        assert (again.target_id, again.resume_token) == (target_id, b"good")
        say_document(spoken, target_id, "views/b", 4)
        say_consistent(spoken, target_id, 5)
        await until(watch, lambda snapshot: list(snapshot.documents) == ["views/a", "views/b"])
        await store.close()


async def test_a_stream_that_was_heard_and_then_refused_is_opened_again() -> None:
    async with SpokenFirestore.serve() as (spoken, host):
        store = FirestoreStore(PROJECT, host=host, one_stream=True)
        watch, target_id = await listening(spoken, store, DocumentTarget("views/a"))
        say_consistent(spoken, target_id, 1)
        await until(watch, anything)
        spoken.end(grpc.StatusCode.UNAUTHENTICATED)
        assert (await spoken.request()).add_target.target_id == target_id
        await store.close()


async def test_a_stream_refused_from_the_start_ends_its_watches() -> None:
    async with SpokenFirestore.serve() as (spoken, host):
        store = FirestoreStore(PROJECT, host=host, one_stream=True)
        watch = store.watch(DocumentTarget("views/a"))
        spoken.end(grpc.StatusCode.PERMISSION_DENIED)
        with pytest.raises(PermissionDenied):
            await until(watch, anything)
        later, target_id = await listening(spoken, store, DocumentTarget("views/b"))
        say_consistent(spoken, target_id, 1)
        await until(later, anything)
        await store.close()


@pytest.mark.parametrize(("cause", "expected"), [(7, PermissionDenied), (8, StoreUnavailable), (99, StoreUnavailable)])
async def test_a_removed_target_ends_its_watch_and_leaves_the_others(cause: int, expected: type[MeshError]) -> None:
    async with SpokenFirestore.serve() as (spoken, host):
        store = FirestoreStore(PROJECT, host=host, one_stream=True)
        watch, target_id = await listening(spoken, store, DocumentTarget("consensus/head"))
        other, other_id = await listening(spoken, store, DocumentTarget("views/a"))
        change = {"target_change_type": REMOVE, "target_ids": [target_id], "cause": {"code": cause, "message": "why"}}
        spoken.say(target_change=change)
        with pytest.raises(expected, match="why"):
            await until(watch, anything)
        say_document(spoken, other_id, "views/a", 1)
        say_consistent(spoken, other_id, 2)
        await until(other, lambda snapshot: list(snapshot.documents) == ["views/a"])
        await store.close()


async def test_a_silent_stream_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "IDLE_SECONDS", 0.05)
    async with SpokenFirestore.serve() as (spoken, host):
        store = FirestoreStore(PROJECT, host=host, one_stream=True)
        watch, target_id = await listening(spoken, store, DocumentTarget("views/a"))
        say_consistent(spoken, target_id, 1)
        await until(watch, anything)
        assert (await spoken.request()).add_target.target_id == target_id
        await store.close()


async def test_a_new_watch_on_a_stream_long_unheard_opens_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with SpokenFirestore.serve() as (spoken, host):
        store = FirestoreStore(PROJECT, host=host, one_stream=True)
        watch, target_id = await listening(spoken, store, DocumentTarget("views/a"))
        say_consistent(spoken, target_id, 1)
        await until(watch, anything)
        monkeypatch.setattr(listen, "STALE_SECONDS", -1.0)
        store.watch(DocumentTarget("views/a"))
        assert (await spoken.request()).add_target.target_id == target_id
        assert store.streams_opened == 2
        await store.close()


async def test_a_stream_that_does_not_answer_a_target_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "ANSWER_SECONDS", 0.05)
    async with SpokenFirestore.serve() as (spoken, host):
        store = FirestoreStore(PROJECT, host=host, one_stream=True)
        watch, target_id = await listening(spoken, store, DocumentTarget("views/a"))
        assert (await spoken.request()).add_target.target_id == target_id
        monkeypatch.setattr(listen, "ANSWER_SECONDS", 20.0)
        spoken.end()
        assert (await spoken.request()).add_target.target_id == target_id
        say_consistent(spoken, target_id, 1)
        await until(watch, anything)
        await store.close()


async def test_a_garbled_message_opens_the_stream_again() -> None:
    async with SpokenFirestore.serve() as (spoken, host):
        store = FirestoreStore(PROJECT, host=host, one_stream=True)
        watch, target_id = await listening(spoken, store, DocumentTarget("views/a"))
        spoken.garble()
        assert (await spoken.request()).add_target.target_id == target_id
        say_consistent(spoken, target_id, 1)
        await until(watch, anything)
        await store.close()


async def test_no_change_is_lost_while_its_target_is_being_added(emulator: Backend) -> None:
    async with emulator.open() as store:
        for n in range(40):
            path = f"{emulator.root}/agents/a{n}"
            watch = store.watch(DocumentTarget(path))
            await commit(store, Put(path, {"n": n}))
            await until(watch, lambda snapshot: bool(snapshot.documents))
            await watch.close()


async def test_what_a_listener_was_never_told_is_found_by_the_confirming_read() -> None:
    """The emulator loses a change that is made while a target is being added."""
    stored = {"views/a": Document("views/a", {}, 5)}

    async def confirm(target: Target) -> Mapping[str, Document]:
        return stored

    async with SpokenFirestore.serve() as (spoken, host):
        channel = open_channel(host)
        call = channel.stream_stream(
            f"{protos.SERVICE}Listen",
            request_serializer=protos.ListenRequest.SerializeToString,
            response_deserializer=protos.ListenResponse.FromString,
        )

        async def open_listen(requests: Any) -> Any:
            return call(requests)

        stream = listen.ListenStream(open_listen, DATABASE, confirm=confirm)
        watch = stream.watch(DocumentTarget("views/a"))
        first = (await spoken.request()).add_target.target_id
        say_consistent(spoken, first, 1)
        await until(watch, lambda snapshot: not snapshot.documents)
        assert (await spoken.request()).remove_target == first
        again = (await spoken.request()).add_target
        assert again.target_id != first
        await stream.close()
        await channel.close()


async def test_watches_end_when_the_store_stays_away_and_a_new_one_works(
    emulator: Backend, warm_firestore: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "GIVE_UP_SECONDS", 0.2)
    path = f"{emulator.root}/views/a"
    async with Wire.to(warm_firestore) as (wire, host):
        store = FirestoreStore(PROJECT, host=host, one_stream=True)
        watch = store.watch(DocumentTarget(path))
        await until(watch, anything)
        wire.cut()
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
        await agent.list_documents("meshes/m1/log")
    await commit(owner, Put(allowed, {"n": 1}))
    await until(seeing, lambda snapshot: snapshot.documents[allowed].fields == {"n": 1})
    await agent.close()
    await owner.close()


async def test_missing_credentials_are_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    with pytest.raises(PermissionDenied, match="gcloud auth application-default login"):
        connect("demo-contract")


async def test_a_user_enters_firestore_itself_without_credentials_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
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
    await agent.get_all([allowed])
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
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", warm_firestore)
    store = connect(PROJECT)
    await commit(store, Put(f"{emulator.root}/views/a", {"n": 1}))
    assert await fields(store, f"{emulator.root}/views/a") == {"n": 1}
    await store.close()


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
