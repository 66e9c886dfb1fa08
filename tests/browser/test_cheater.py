"""Somebody who opens the browser's console in the middle of a game, takes the token there, and talks to the store directly."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from firemesh_cli.stack.supervisor import LocalStack
from tests.support.browser import Browser, Tab
from tests.support.player_page import CONNECTED, SEATED, at_table, sit

DENIED = (403, "PERMISSION_DENIED")
DONE = (200, "")
# Authentication keeps the token where any script of the page can read it.
TOKEN = """
    const opened = indexedDB.open("firebaseLocalStorageDb");
    const database = await new Promise((resolve) => (opened.onsuccess = () => resolve(opened.result)));
    const asked = database.transaction("firebaseLocalStorage").objectStore("firebaseLocalStorage").getAll();
    const rows = await new Promise((resolve) => (asked.onsuccess = () => resolve(asked.result)));
    database.close();
    return rows[0].value.stsTokenManager.accessToken;
"""
CALLS = """
    const attempts = {attempts};
    const headers = { Authorization: "Bearer {token}", "Content-Type": "application/json" };
    const ask = async ([method, path, body]) => {
      const answer = await fetch("{base}" + path, { method, headers, body: body && JSON.stringify(body) });
      const found = await answer.json().catch(() => ({}));
      return [answer.status, ([found].flat()[0]?.error ?? {}).status ?? ""];
    };
    const answers = [];
    for (const attempt of attempts) answers.push(await ask(attempt));
    return answers;
"""
Attempt = tuple[str, str, Any]
SECRET = tuple("log snapshots votes consensus inbox liveness views states refused audit meshes apiKeys".split())


class Console:
    """The console of a tab, with its agent's own token."""

    def __init__(self, stack: LocalStack, tab: Tab) -> None:
        self._tab = tab
        self._root = f"projects/{stack.project}/databases/(default)/documents"
        self._base = f"http://{stack.firestore_host}/v1/{self._root}"
        self._token = tab.until(TOKEN)
        payload = self._token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        self.mesh, self.agent, self.inc = claims["mesh"], claims["agent"], claims["inc"]

    def tries(self, attempts: Mapping[str, Attempt]) -> dict[str, tuple[int, str]]:
        """What the store answers to each attempt, as status and code."""
        script = CALLS.replace("{attempts}", json.dumps(list(attempts.values())))
        answers = self._tab.run(script.replace("{token}", self._token).replace("{base}", self._base))
        return {name: (answer[0], answer[1]) for name, answer in zip(attempts, answers, strict=True)}

    def get(self, path: str) -> Attempt:
        return "GET", f"/meshes/{self.mesh}/{path}".rstrip("/"), None

    def put(self, path: str, fields: Mapping[str, Any], *, stamped: bool = False) -> Attempt:
        """Write a document whole; `stamped` with the store's time in `at`."""
        write = {"update": {"name": self._name(path), "fields": {name: _value(value) for name, value in fields.items()}}}
        stamp = {"updateTransforms": [{"fieldPath": "at", "setToServerValue": "REQUEST_TIME"}]}
        return self._commit(write | stamp if stamped else write)

    def delete(self, path: str) -> Attempt:
        return self._commit({"delete": self._name(path)})

    def query(self, collection: str) -> Attempt:
        """All documents of a kind, in every mesh."""
        return "POST", ":runQuery", {"structuredQuery": {"from": [{"collectionId": collection, "allDescendants": True}]}}

    def _commit(self, write: Mapping[str, Any]) -> Attempt:
        return "POST", ":commit", {"writes": [write]}

    def _name(self, path: str) -> str:
        return f"{self._root}/{path[1:] if path.startswith('/') else f'meshes/{self.mesh}/{path}'.rstrip('/')}"


def _value(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"booleanValue": value}
        case int():
            return {"integerValue": str(value)}
        case dict():
            return {"mapValue": {"fields": {name: _value(each) for name, each in value.items()}}}
        case _:
            return {"stringValue": value}


def reads(console: Console, other: str) -> dict[str, Attempt]:
    """All that a player would like to see."""
    documents = ["", "consensus/head", "log/000000000001", "snapshots/000000000001", "views/health", "audit/head"]
    documents += [f"views/agent_{other}", f"states/{other}", f"liveness/client-{other}", f"inbox/{other}_{'0' * 12}_00000002"]
    lists = ["views", "log", "inbox", "liveness", "states", "refused", "audit", "snapshots"]
    return {
        **{f"get {path or 'the mesh'}": console.get(path) for path in documents},
        **{f"list {path}": console.get(path) for path in lists},
        **{f"query all {kind}": console.query(kind) for kind in (*SECRET, "agents")},
        "get the key of the seats": ("GET", "/apiKeys/000000000000", None),
        "get another mesh": ("GET", "/meshes/elsewhere/views/public", None),
        "list the meshes": ("GET", "/meshes", None),
    }


def writes(console: Console, other: str) -> dict[str, Attempt]:
    """All that would win a game."""
    command = {"agent_id": console.agent, "inc": console.inc, "seq": 3, "kind": "mafia.say", "payload": "{}"}
    own = f"inbox/{console.agent}_{console.inc}_00000003"
    row = {"agent": console.agent, "inc": console.inc, "status": "alive", "type": "manager"}
    beat = {"process": f"client-{other}", "inc": console.inc, "seq": 1, "interval_ms": 300_000, "lateness": 0}
    beat |= {"agents": {other: "running"}, "applied": {}}
    return {
        "lead": console.put("consensus/head", {"term": 99, "leader": console.agent}),
        "end the consensus": console.delete("consensus/head"),
        "write history": console.put("log/000000000099", {"index": 99}),
        "erase history": console.delete("log/000000000001"),
        "vote": console.put("votes/000000000002_m1", {"term": 2}),
        "restore another state": console.put("snapshots/000000000001", {"state": "{}"}),
        "another setup": console.put("", {"setup": {"seed": 1}}),
        "the public view": console.put("views/public", {"view": {"winner": "mafia"}}),
        "one's own view": console.put(f"views/agent_{console.agent}", {"view": {}}),
        "another's view": console.put(f"views/agent_{other}", {"view": {}}),
        "one's own row": console.put(f"agents/{console.agent}", row),
        "end another": console.delete(f"agents/{other}"),
        "another's silence": console.delete(f"liveness/client-{other}"),
        "another's life": console.put(f"liveness/client-{other}", beat, stamped=True),
        "speak as another": console.put(f"inbox/{other}_{console.inc}_00000003", command | {"agent_id": other}),
        "speak as another in one's own name": console.put(own, command | {"agent_id": other}),
        "an order of the operator": console.put(own, command | {"kind": "mesh.close"}),
        "another number": console.put(own, command | {"seq": 4}),
        "another's state": console.put(f"states/{other}", {"version": 1, "inc": console.inc, "values": {}}, stamped=True),
        "another mesh": console.put(f"/meshes/elsewhere/{own}", command),
        "a mesh": console.put("/meshes/mine", {"machine": "mafia"}),
        "a key": console.put("/apiKeys/000000000000", {"role": "admin"}),
        "a document of one's own": console.put("/notes/mine", {"text": "hello"}),
        "take one's command back": console.delete(own),
    }


def test_whoever_talks_to_the_store_directly_can_do_there_what_the_page_does_and_nothing_else(
    functions_stack: LocalStack, browser: Browser
) -> None:
    ada = browser.open("ada", functions_stack.site_url, profile="ada")
    ada.until("return document.querySelector('#seats') !== null")
    sit(ada, "Ada")
    ben = browser.open("ben", ada.run("return document.querySelector('input.link').value"), profile="ben")
    sit(ben, "Ben")
    ada.until(SEATED, at_table("Ada", "Ben"))
    ada.until(CONNECTED)
    console, other = Console(functions_stack, ada), Console(functions_stack, ben).agent

    command = {"agent_id": console.agent, "inc": console.inc, "seq": 3, "kind": "mafia.leave", "payload": "{}"}
    allowed = {
        "the public view": console.get("views/public"),
        "one's own view": console.get(f"views/agent_{console.agent}"),
        "a state": console.put(f"states/{console.agent}", {"version": 1, "inc": console.inc, "values": {}}, stamped=True),
    }
    assert set(console.tries(allowed).values()) == {DONE}
    tried = console.tries(reads(console, other) | writes(console, other))
    assert {name: answer for name, answer in tried.items() if answer != DENIED} == {}
    leave = {"a command": console.put(f"inbox/{console.agent}_{console.inc}_00000003", command)}
    assert console.tries(leave) == {"a command": DONE}
    ben.until(SEATED, at_table("Ben"))
