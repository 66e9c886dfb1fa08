"""Whether what a tab's network has brought depends on secrets of others: every answer, as it came over the wire.

Of the game the network may bring but a few documents. Each names the entry of the log it follows from, so it is held against
what the same tab would have been shown then in a world that differs in every secret (see `tests.support.secrecy`). Text that
is no document of the game must not name a role, but for the program itself.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from firemesh.core.machine import Machine, agent_audience
from firemesh.core.replica import Replica, apply_entry, initial_replica
from firemesh.game.mafia.roles import ROLES
from firemesh_cli.demo.evidence import Stored
from tests.support import secrecy
from tests.support.browser import Answer

STREAM = "/google.firestore.v1.Firestore/"
PROGRAM = re.compile(r"\.(js|css|svg)$")
"""The same for everybody; it knows all roles by name."""
DOCUMENT = re.compile(r'"document": ?(?=\{)')
DOCUMENT_NAME = re.compile(r'"name": ?"projects/[^"]+/documents/[^"]+"')


@dataclass(frozen=True)
class Truth:
    """A game that is over, as its log tells it, and who looked at it."""

    machine: Machine[Any]
    setup: Mapping[str, Any]
    stored: Stored
    viewer: str

    @cached_property
    def replicas(self) -> Mapping[int, Replica[Any]]:
        """The state after each entry."""
        replica = initial_replica(self.machine, self.setup)
        found = {replica.index: replica}
        for entry in self.stored.entries:
            replica = found[entry.index] = apply_entry(replica, self.machine, entry)
        return found


def leaks(truth: Truth, kept: Sequence[Answer]) -> list[str]:
    """What the answers tell that the viewer may not know, as sentences."""
    found = [fault for answer in kept for fault in _faults(truth, answer)]
    seen = {path for answer in kept if STREAM in answer.url for path, _ in documents(answer.text)}
    own = f"views/{agent_audience(truth.viewer)}"
    assert {"views/public", own} <= seen, "the tab has seen no game: nothing was searched"
    return found


def planted(kept: Sequence[Answer]) -> Iterator[list[Answer]]:
    """What was kept, and one leak each: a card in the public view, somebody else's own view, a role in another answer."""
    streams = [(answer, each) for answer in kept if STREAM in answer.url for each in _raw(answer.text)]
    [(stream, shown), *_] = [(one, each) for one, each in streams if _is_public(each) and "ballots" in str(each)]
    told = json.loads(json.dumps(shown))
    told["fields"]["view"]["mapValue"]["fields"]["cards"] = {"mapValue": {"fields": {"p2": {"stringValue": "Doctor"}}}}
    yield [*kept, replace(stream, text=_as_stream(told))]
    yield [*kept, replace(stream, text=_as_stream(shown | {"name": shown["name"].replace("public", "agent_p1")}))]
    yield [*kept, Answer("http://site/api/v1/games", '{"you": "Doctor"}')]


def documents(stream: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every document in a stream, by its path below the mesh, as often as it came."""
    for each in _raw(stream):
        yield each["name"].split("/documents/")[1].split("/", 2)[2], _fields(each.get("fields", {}))


def _raw(stream: str) -> Iterator[dict[str, Any]]:
    for found in DOCUMENT.finditer(stream):
        yield json.JSONDecoder().raw_decode(stream, found.end())[0]


def _is_public(document: Mapping[str, Any]) -> bool:
    return str(document["name"]).endswith("views/public")


def _as_stream(document: Mapping[str, Any]) -> str:
    return f'"document": {json.dumps(document)}'


def _fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in fields.items()}


def _value(value: Mapping[str, Any]) -> Any:
    [(kind, content)] = value.items()
    match kind:
        case "mapValue":
            return _fields(content.get("fields", {}))
        case "arrayValue":
            return [_value(each) for each in content.get("values", [])]
        case "integerValue":
            return int(content)
        case _:
            return content


def _faults(truth: Truth, answer: Answer) -> Iterator[str]:
    if PROGRAM.search(answer.url):
        return
    if STREAM not in answer.url:
        yield from (f"{answer.url} names a {role}" for role in ROLES if role in answer.text)
        return
    seen = list(documents(answer.text))
    if len(seen) != len(DOCUMENT_NAME.findall(answer.text)):
        yield f"{answer.url} holds a document that was not searched"
    for path, fields in seen:
        yield from (f"{leak} at {fields.get('applied_index')}" for leak in _leaks(truth, path, fields))


def _leaks(truth: Truth, path: str, fields: Mapping[str, Any]) -> list[str]:
    if not secrecy.readable(truth.viewer, {path: fields}) and not path.startswith(f"liveness/client-{truth.viewer}"):
        return [f"{path} is not for {truth.viewer}"]
    replica = truth.replicas.get(fields.get("applied_index", 0))
    if replica is None:
        return [f"{path} follows from no entry"]
    return secrecy.leaks_of(replica, truth.machine, truth.setup, truth.stored.head, truth.viewer, {path: fields})
