"""What a server may say on a Listen stream, and what the store makes of it: the test speaks for the server."""

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc
import pytest

from firemesh.errors import MeshError, PermissionDenied, StoreUnavailable
from firemesh.store.base import CollectionTarget, Document, DocumentTarget, Target, Watch
from firemesh.store.firestore import FirestoreStore, listen, protos
from firemesh.store.firestore.channel import open_channel
from tests.contract.conftest import PROJECT
from tests.contract.wires import SpokenFirestore
from tests.support.patient import anything, until

CURRENT, RESET, REMOVE = 3, 4, 2
DATABASE = f"projects/{PROJECT}/databases/(default)"
DOCUMENTS = f"{DATABASE}/documents"
LONG_SECONDS = 600.0


@pytest.fixture(autouse=True)
def a_store_in_no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for each word as long as the test may last, unless the test is about just that."""
    for name in ("ANSWER_SECONDS", "IDLE_SECONDS", "STALE_SECONDS", "GIVE_UP_SECONDS"):
        monkeypatch.setattr(listen, name, LONG_SECONDS)


async def listening(spoken: SpokenFirestore, store: FirestoreStore, target: Target) -> tuple[Watch, int]:
    """A watch and the id under which its target was added."""
    watch = store.watch(target)
    return watch, (await spoken.request()).add_target.target_id


def say_document(spoken: SpokenFirestore, target_id: int, path: str, seconds: int) -> None:
    document = {"name": f"{DOCUMENTS}/{path}", "update_time": {"seconds": seconds}}
    spoken.say(document_change={"document": document, "target_ids": [target_id]})


def say_consistent(spoken: SpokenFirestore, target_id: int, seconds: int, token: bytes = b"") -> None:
    spoken.say(target_change={"target_change_type": CURRENT, "target_ids": [target_id], "resume_token": token})
    spoken.say(target_change={"read_time": {"seconds": seconds}})


async def test_all_watches_of_a_store_share_one_stream() -> None:
    async with SpokenFirestore.serve() as (spoken, host):
        store = FirestoreStore(PROJECT, host=host, one_stream=True)
        heard = [await listening(spoken, store, DocumentTarget(f"views/{n}")) for n in range(30)]
        heard += [await listening(spoken, store, CollectionTarget(f"inbox{n}")) for n in range(5)]
        for watch, target_id in heard:
            say_consistent(spoken, target_id, 1)
            await until(watch, anything)
        assert len({target_id for _, target_id in heard}) == 35
        assert store.streams_opened == 1
        await store.close()


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
        watch, _ = await listening(spoken, store, DocumentTarget("views/a"))
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
    monkeypatch.setattr(listen, "LOOK_SECONDS", 0.01)
    async with SpokenFirestore.serve() as (spoken, host):
        store = FirestoreStore(PROJECT, host=host, one_stream=True)
        watch, target_id = await listening(spoken, store, DocumentTarget("views/a"))
        say_consistent(spoken, target_id, 1)
        await until(watch, anything)
        monkeypatch.setattr(listen, "IDLE_SECONDS", 0.0)
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
    monkeypatch.setattr(listen, "LOOK_SECONDS", 0.01)
    async with SpokenFirestore.serve() as (spoken, host):
        store = FirestoreStore(PROJECT, host=host, one_stream=True)
        watch, target_id = await listening(spoken, store, DocumentTarget("views/a"))
        monkeypatch.setattr(listen, "ANSWER_SECONDS", 0.0)
        assert (await spoken.request()).add_target.target_id == target_id
        monkeypatch.setattr(listen, "ANSWER_SECONDS", LONG_SECONDS)

        async def answer_every_stream() -> None:
            while True:  # the one open now may just have been given up
                say_consistent(spoken, target_id, 1)
                await spoken.request()

        answering = asyncio.create_task(answer_every_stream())
        await until(watch, anything)
        answering.cancel()
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
