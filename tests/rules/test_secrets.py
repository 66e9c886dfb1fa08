"""A game under the real rules: what each token reads, however it asks, depends on no secret of the others."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from firemesh.errors import PermissionDenied
from firemesh.game.mafia.offline import INC
from firemesh.store.base import Put
from firemesh.store.firestore import FirestoreStore
from firemesh_cli.stack.supervisor import LocalStack
from tests.rules.actors import KEYS, Actor, bearer, token
from tests.support.secrecy import WATCHER, Documents, StoredGame, leaks, readable

RULES = (Path(__file__).resolve().parents[2] / "firestore.rules").read_text()
ALWAYS = {"audit/head": {"number": 1}, "views/health": {"processes": {}}, "views/spectator": {"view": {"seed": 1}}}
OUTSIDERS: Mapping[str, Actor | None] = {
    "operator": Actor(access_role="operator", type=""),
    "observer": Actor(access_role="observer", type=""),
    "stranger": None,
    "newcomer": Actor("w9", "9" * 12),
    "player of another mesh": Actor("p00", INC, mesh="elsewhere"),
}
PATIENCE_SECONDS = 60.0
STEPS_BETWEEN_LOOKS = 4
LOG_ASKED_FOR = 2
"""Of the entries of the log, the newest are asked for one by one; all of them by list."""
QUERIED = ("views", "log", "inbox", "refused", "states", "snapshots", "consensus", "meshes")


def install(host: str, project: str, rules: str) -> None:
    """Let a project of its own have other rules."""
    body = {"rules": {"files": [{"name": "firestore.rules", "content": rules}]}}
    url = f"http://{host}/emulator/v1/projects/{project}:securityRules"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="PUT")
    urllib.request.urlopen(request).close()


class Reading:
    """Reads all there is with one token; keeps what it was shown."""

    def __init__(self, host: str, project: str, mesh: str, actor: Actor | None) -> None:
        self._root = f"meshes/{mesh}"
        self._url = f"http://{host}/v1/projects/{project}/databases/(default)/documents:runQuery"
        self._token = token(actor, project, mesh)
        self.store = FirestoreStore(project, host=host, token=bearer(self._token))

    async def everything(self, paths: set[str]) -> dict[str, Mapping[str, Any]]:
        """What gets and lists give, by path below the mesh."""
        collections = {path.rpartition("/")[0] for path in paths if path}
        lists = ["meshes", "apiKeys", *(f"{self._root}/{each}" for each in collections)]
        asked = [
            self.store.get_all([f"{self._root}/{path}".rstrip("/")], timeout_seconds=PATIENCE_SECONDS) for path in paths
        ] + [self.store.list_documents(each, timeout_seconds=PATIENCE_SECONDS) for each in lists]
        seen: dict[str, Mapping[str, Any]] = {}
        for answer in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(answer, PermissionDenied):
                continue
            assert not isinstance(answer, BaseException), answer
            for path, document in answer.documents.items():
                seen[path.removeprefix(self._root).lstrip("/")] = document.fields
        return seen

    async def query(self, query: Mapping[str, Any]) -> int:
        """How many documents a query shows; none when it is denied."""
        return await asyncio.to_thread(self._query, query)

    def _query(self, query: Mapping[str, Any]) -> int:
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(self._url, json.dumps({"structuredQuery": query}).encode(), headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return sum("document" in row for row in json.load(answer))
        except urllib.error.HTTPError as error:
            with error:
                assert error.code == HTTPStatus.FORBIDDEN, error.read()
            return 0


class Hall:
    """A game, its documents in the emulator, and a reader for each viewer."""

    def __init__(self, stack: LocalStack, project: str, mesh: str) -> None:
        self.game = StoredGame(5, 5)
        self._mesh = mesh
        self._door = stack.firestore_host, project, mesh
        self._hand = FirestoreStore(project, host=stack.firestore_host)
        self._shown: dict[str, Mapping[str, Any]] = {}
        actors = {agent: Actor(agent, INC) for agent in self.game.members} | OUTSIDERS
        self.readers = {name: Reading(*self._door, actor) for name, actor in actors.items()}

    async def show(self) -> Documents:
        """Bring the emulator to where the game is."""
        documents = {**self.game.documents(), **ALWAYS}
        changed = {path: fields for path, fields in documents.items() if self._shown.get(path) != fields}
        writes = [Put(f"meshes/{self._mesh}/{path}".rstrip("/"), fields) for path, fields in changed.items()]
        writes += [] if self._shown else [Put(f"apiKeys/{key}", fields) for key, fields in KEYS.items()]
        await self._hand.commit(writes, timeout_seconds=PATIENCE_SECONDS)
        self._shown = documents
        return documents

    async def play(self) -> None:
        """Go on until it is time to look again, or to the end."""
        for _ in range(STEPS_BETWEEN_LOOKS):
            if not self.game.over:
                await self.game.step()

    async def close(self) -> None:
        for store in (self._hand, *(reader.store for reader in self.readers.values())):
            await store.close()

    async def leaked(self, *viewers: str) -> dict[str, list[str]]:
        """By viewer, what it has read and must not have. Without names all viewers look."""
        documents = await self.show()
        newest = sorted(path for path in documents if path.startswith("log/"))[-LOG_ASKED_FOR:]
        paths = {path for path in documents if not path.startswith("log/")} | set(newest)
        found = {}
        for name in viewers or self.readers:
            viewer = name if name in self.game.members else ""
            found[name] = leaks(self.game, viewer, await self.readers[name].everything(paths))
        return {name: paths for name, paths in found.items() if paths}


@asynccontextmanager
async def hall(stack: LocalStack, mesh: str, rules: str = RULES) -> AsyncIterator[Hall]:
    """A mesh in a project of its own, so that what these games evaluate is not counted as tests of single rules."""
    project = f"demo-{mesh}"
    await asyncio.to_thread(install, stack.firestore_host, project, rules)
    opened = Hall(stack, project, mesh)
    try:
        await opened.game.begin()
        await opened.game.keep_snapshot()
        yield opened
    finally:
        await opened.close()


def queries(collection: str) -> list[dict[str, Any]]:
    """All documents of one kind in every mesh, and those of them that say "doctor"."""
    everywhere = {"from": [{"collectionId": collection, "allDescendants": True}]}
    is_doctor = {"field": {"fieldPath": "view.you.role"}, "op": "EQUAL", "value": {"stringValue": "Doctor"}}
    return [everywhere, {**everywhere, "where": {"fieldFilter": is_doctor}}]


async def test_through_a_whole_game_nobody_reads_what_depends_on_the_secrets_of_others(local_stack: LocalStack) -> None:
    async with hall(local_stack, "secrets") as room:
        looks = 0
        while not room.game.over:
            assert await room.leaked() == {}, f"at index {room.game.replica.index}"
            await room.play()
            looks += 1
        assert looks >= 6


async def test_the_rules_show_an_agent_what_the_games_without_them_take_for_readable(local_stack: LocalStack) -> None:
    async with hall(local_stack, "readable") as room:
        await room.play()
        documents = await room.show()
        for agent in room.game.members:
            seen = await room.readers[agent].everything(set(documents))
            assert seen.keys() == readable(agent, documents).keys()
        assert (await room.readers["operator"].everything(set(documents))).keys() == readable("", documents).keys()
        assert (await room.readers["observer"].everything(set(documents))).keys() == {"views/public", "views/topology"}
        for name in ("stranger", "player of another mesh"):
            assert await room.readers[name].everything(set(documents)) == {}


async def test_no_query_shows_a_document_of_the_game(local_stack: LocalStack) -> None:
    async with hall(local_stack, "queried") as room:
        await room.play()
        await room.show()
        asked = [reader.query(query) for name in QUERIED for query in queries(name) for reader in room.readers.values()]
        assert sum(await asyncio.gather(*asked)) == 0


LEAKY = {
    "any member gets any view": ("['public', 'topology', 'agent_' + claim().agent]", "[audience]", "p00", "views/agent_p01"),
    "views may be listed": ("match /views/{audience} {", "match /views/{audience} { allow list: if isAlive(mesh);", "p00", ""),
    "the mesh document": ("match /meshes/{mesh} {", "match /meshes/{mesh} { allow get: if true;", "stranger", ""),
    "the log": (
        "match /audit/{record} {",
        "match /log/{index} { allow list: if true; } match /audit/{record} {",
        "stranger",
        "",
    ),
}


@pytest.mark.parametrize("kind", LEAKY)
async def test_rules_that_show_too_much_are_found_out(local_stack: LocalStack, kind: str) -> None:
    before, after, viewer, path = LEAKY[kind]
    assert before in RULES
    mesh = f"leaky-{list(LEAKY).index(kind)}"
    async with hall(local_stack, mesh, RULES.replace(before, after)) as room:
        await room.play()
        await room.play()
        found = await room.leaked(viewer)
    assert path in found[viewer] or (path == "" and found[viewer])


def test_a_member_without_a_seat_is_among_the_viewers() -> None:
    assert WATCHER in StoredGame(5, 5).members
