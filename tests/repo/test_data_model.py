"""docs/data-model.md says what the code does: the same collections, fields, limits and exemptions."""

import json
import re
from pathlib import Path

import pytest

from firemesh.control_plane.api_key import ApiKeyRecord
from firemesh.control_plane.audit import AuditRecord
from firemesh.control_plane.command_door import SentNote
from firemesh.control_plane.idempotency import RememberedAnswer
from firemesh.control_plane.quota import Bucket
from firemesh.core.effects import Refusal
from firemesh.core.health import Beat
from firemesh.core.log import topology
from firemesh.core.membership import Member
from firemesh.core.messages import Command, Entry, Head, Snapshot, Vote
from firemesh.core.params import DEFAULT
from firemesh.core.replica import initial_replica
from firemesh.game.counter import CounterMachine
from firemesh.store.lifetimes import EXPIRES
from firemesh.store.mesh_removal import COLLECTIONS
from firemesh.store.mesh_store import STAMP, MeshRecord

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "data-model.md").read_text()
PATHS = (ROOT / "functions" / "firemesh" / "store" / "paths.py").read_text()
CONSTANT = re.compile(r"^([A-Z][A-Z_]+)(?:: \w+)? = ([\d_]+)$", re.MULTILINE)
LIMIT = re.compile(r"([\d,]+)[^|\d(]*\(`(\w+)`\)")

FIELDS = {
    "meshes/{mesh}": set(MeshRecord.model_fields),
    "meshes/{mesh}/consensus/head": set(Head.model_fields),
    "meshes/{mesh}/log/{index}": set(Entry.model_fields),
    "meshes/{mesh}/votes/{term}_{manager}": set(Vote.model_fields) | {EXPIRES},
    "meshes/{mesh}/snapshots/{index}": set(Snapshot.model_fields),
    "meshes/{mesh}/liveness/{process}": set(Beat.model_fields) | {STAMP, EXPIRES},
    "meshes/{mesh}/inbox/{request}": set(Command.model_fields),
    "meshes/{mesh}/refused/{request}": (set(Refusal.__dataclass_fields__) - {"request_id"}) | {EXPIRES},
    "meshes/{mesh}/sent/{agent}": set(SentNote.model_fields),
    "meshes/{mesh}/agents/{agent}": (set(Member.model_fields) - {"past"}) | {"applied_index"},
    "meshes/{mesh}/views/{audience}": {"applied_index", "at_ms", "view"},
    "views/topology": set(topology(initial_replica(CounterMachine(), {}), Head())),
    "views/health": {"applied_index", "processes"},
    "meshes/{mesh}/states/{agent}": {"version", "inc", "values", STAMP},
    "meshes/{mesh}/audit/{record}": set(AuditRecord.model_fields),
    "apiKeys/{key}": set(ApiKeyRecord.model_fields) | {EXPIRES},
    "idempotency/{call}": set(RememberedAnswer.model_fields) | {EXPIRES},
    "rateLimits/{bucket}": set(Bucket.model_fields) | {EXPIRES},
}

OUTSIDE = ("apiKeys", "idempotency", "rateLimits")
"""Collections that lie below no mesh."""


def sections() -> dict[str, str]:
    """The page's text below each heading that names a document."""
    parts = re.split(r"^#{2,3} `([^`]+)`$", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def overview() -> dict[str, list[str]]:
    """Document -> the cells of its row in the first table."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.partition("\n## ")[0].splitlines()]
    return {row[0].strip("`"): row[1:] for row in rows if len(row) == 7 and row[0].startswith("`")}


def collection(document: str) -> str:
    return document.removeprefix("meshes/{mesh}").lstrip("/").partition("/")[0]


def constants() -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for path in (ROOT / "functions" / "firemesh").rglob("*.py"):
        for name, value in CONSTANT.findall(path.read_text()):
            found.setdefault(name, set()).add(int(value.replace("_", "")))
    return found


def test_every_collection_of_the_program_is_on_the_page_and_no_other() -> None:
    spelt = set(re.findall(r"meshes/\{mesh_id\}/([a-z]+)", PATHS)) | set(OUTSIDE)
    ours = ("meshes/{mesh}/", *(f"{name}/" for name in OUTSIDE))
    assert {collection(document) for document in sections() if document.startswith(ours)} == spelt
    assert {collection(document) for document in overview()} == spelt | {""}


def test_deleting_a_mesh_knows_every_collection_below_it() -> None:
    spelt = set(re.findall(r"meshes/\{mesh_id\}/([a-z]+)", PATHS))
    assert set(COLLECTIONS) == spelt - {"consensus"}


@pytest.mark.parametrize("document", FIELDS)
def test_a_section_lists_every_field_and_no_other(document: str) -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", sections()[document], re.MULTILINE)) == FIELDS[document]


def test_every_section_is_compared() -> None:
    assert sections().keys() == FIELDS.keys()


def test_limits_on_the_page_are_those_of_the_program() -> None:
    known = constants()
    cited = LIMIT.findall(PAGE)
    wrong = [
        (figure, name)
        for figure, name in cited
        if int(figure.replace(",", "")) not in known.get(name, {getattr(DEFAULT, name, None)})
    ]
    assert wrong == []
    assert len(cited) > 15


def test_exemptions_on_the_page_are_those_of_the_index_file() -> None:
    overrides = json.loads((ROOT / "firestore.indexes.json").read_text())["fieldOverrides"]
    exempt = {each["collectionGroup"] for each in overrides if each["fieldPath"] == "*" and each["indexes"] == []}
    unindexed = {collection(document) for document, cells in overview().items() if cells[-1] == "no"}
    assert unindexed == exempt


def test_documents_with_an_end_are_those_of_which_the_index_file_lets_firestore_see_it() -> None:
    overrides = json.loads((ROOT / "firestore.indexes.json").read_text())["fieldOverrides"]
    ending = [each["collectionGroup"] for each in overrides if each.get("ttl") and each["fieldPath"] == EXPIRES]
    assert sorted(collection(document) for document, fields in FIELDS.items() if EXPIRES in fields) == sorted(ending)
    assert [each for each in overrides if each.get("ttl") and each["fieldPath"] != EXPIRES] == []


def test_the_index_file_speaks_of_collections_that_exist() -> None:
    overrides = json.loads((ROOT / "firestore.indexes.json").read_text())["fieldOverrides"]
    assert {each["collectionGroup"] for each in overrides} <= {collection(document) for document in overview()}
