"""`firemesh mesh watch`: a mesh as it changes, by listeners to its head, its roster and its health."""

import argparse
import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from firemesh_cli.actions.running import EXAMPLES, until_interrupted
from firemesh_cli.operator import add_operator_options

if TYPE_CHECKING:
    from rich.console import RenderableType

    from firemesh.errors import MeshError
    from firemesh.store.base import Document, Store, Target
    from firemesh_cli.commands import Subparsers

NEWS_MAX = 100
STATUS_COLOURS = {"open": "green", "draining": "yellow", "closed": "red", "alive": "green", "dead": "red", "left": "dim"}


@dataclass(slots=True)
class Picture:
    """All that is shown of a mesh at one moment."""

    mesh_id: str
    status: str = ""
    leader: str = ""
    term: int = 0
    last_index: int = 0
    rows: Sequence[Mapping[str, Any]] = ()
    processes: Mapping[str, str] = field(default_factory=dict)
    """The leader's opinion of every process but its own."""

    def health_of(self, row: Mapping[str, Any]) -> str:
        """How a living member is, as far as its leader says."""
        return self.processes.get(row["process"], "healthy") if row["status"] == "alive" else ""

    def facts(self) -> dict[str, Any]:
        """What is shown, as one JSON object. That the leader has renewed its lease is no change of it."""
        members = [
            {name: row[name] for name in ("agent", "type", "status", "process")} | {"health": self.health_of(row)}
            for row in self.rows
        ]
        return {name: getattr(self, name) for name in ("mesh_id", "status", "leader", "term", "last_index")} | {
            "members": members
        }


def register(actions: "Subparsers") -> None:
    """Add the action."""
    watch = actions.add_parser(
        "watch",
        help="watch a mesh live until Ctrl-C",
        description=(
            "Watch a mesh live until Ctrl-C: who leads, who is in it, how they are. Listens to the store with this machine's\n"
            "credentials, and is billed one read for each renewal of the lease and for each change."
        ),
        formatter_class=EXAMPLES,
    )
    watch.epilog = "examples:\n  firemesh mesh watch m1\n  firemesh mesh watch m1 --json | jq -c '[.term, .leader]'"
    watch.add_argument("mesh_id")
    watch.add_argument("--json", action="store_true", help="print one JSON object for each change, one a line")
    add_operator_options(watch)
    watch.set_defaults(handler=lambda args: asyncio.run(_run(args)))


async def _run(args: argparse.Namespace) -> int:
    from firemesh.errors import InvalidParameters
    from firemesh_cli.connection import connect

    if args.api:
        raise InvalidParameters(
            "mesh watch listens to the store, which no API key opens: leave out --api, or ask with firemesh mesh status"
        )
    store = connect(args, "operator")
    try:
        return await until_interrupted(_watch(store, args))
    finally:
        await store.close()


async def _watch(store: "Store", args: argparse.Namespace) -> int:
    if args.json:
        async for facts in _changes(store, args.mesh_id):
            print(json.dumps(facts), flush=True)
        return 0
    from rich.console import Console
    from rich.live import Live

    console = Console()
    with Live(console=console, auto_refresh=False, transient=False) as live:
        async for facts in _changes(store, args.mesh_id):
            live.update(drawn(facts), refresh=True)
    return 0


async def _changes(store: "Store", mesh_id: str) -> AsyncGenerator[dict[str, Any], None]:
    """What is shown, whenever it has changed."""
    before: dict[str, Any] = {}
    async with aclosing(pictures(store, mesh_id)) as seen:
        async for picture in seen:
            if (facts := picture.facts()) != before:
                before = facts
                yield facts


async def pictures(store: "Store", mesh_id: str) -> AsyncGenerator[Picture, None]:
    """The mesh after each thing heard of it, from the moment when all parts have been heard.

    Raises:
        MeshNotFound: it is not there, or not any more.
        What ends a listener.
    """
    from firemesh.errors import MeshError

    picture = Picture(mesh_id)
    parts = _parts(mesh_id)
    missing = set(parts)
    news: asyncio.Queue[tuple[str, list[Document]] | MeshError] = asyncio.Queue(NEWS_MAX)
    listening = [asyncio.create_task(_listen(store, name, target, news)) for name, (target, _) in parts.items()]
    try:
        while True:
            heard = await news.get()
            if isinstance(heard, MeshError):
                raise heard
            name, found = heard
            parts[name][1](picture, found)
            missing.discard(name)
            if not missing:
                yield picture
    finally:
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)


def _parts(mesh_id: str) -> "dict[str, tuple[Target, Callable[[Picture, list[Document]], None]]]":
    """What is listened to, and how it is taken into the picture."""
    from firemesh.core.membership import ROSTER_MAX
    from firemesh.store import paths
    from firemesh.store.base import CollectionTarget, DocumentTarget

    return {
        "head": (DocumentTarget(paths.head(mesh_id)), _take_head),
        "roster": (CollectionTarget(paths.agents(mesh_id), limit=ROSTER_MAX), _take_roster),
        "health": (DocumentTarget(paths.view(mesh_id, "health")), _take_health),
    }


async def _listen(
    store: "Store", name: str, target: "Target", news: "asyncio.Queue[tuple[str, list[Document]] | MeshError]"
) -> None:
    from firemesh.errors import MeshError
    from firemesh.runtime.watch_supervisor import supervised

    try:
        async for snapshot in supervised(lambda: store.watch(target)):
            await news.put((name, [snapshot.documents[path] for path in sorted(snapshot.documents)]))
    except MeshError as error:
        await news.put(error)


def _take_head(picture: Picture, found: "list[Document]") -> None:
    from firemesh.core.messages import Head
    from firemesh.errors import MeshNotFound

    if not found:
        raise MeshNotFound(f"there is no mesh {picture.mesh_id!r}" + (" any more" if picture.status else ""))
    head = Head.model_validate(dict(found[0].fields))
    picture.status, picture.leader = head.status.value, head.leader
    picture.term, picture.last_index = head.term, head.last_index


def _take_roster(picture: Picture, found: "list[Document]") -> None:
    picture.rows = [document.fields for document in found]


def _take_health(picture: Picture, found: "list[Document]") -> None:
    picture.processes = found[0].fields["processes"] if found else {}


def drawn(facts: Mapping[str, Any]) -> "RenderableType":
    """The picture as a table under a line."""
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    status = f"[{STATUS_COLOURS[facts['status']]}]{facts['status']}[/]"
    leads = f"[bold]{escape(facts['leader'])}[/] leads" if facts["leader"] else "[yellow]nobody leads[/]"
    line = f"mesh [bold]{escape(facts['mesh_id'])}[/] is {status}: {leads}, term {facts['term']}, {facts['last_index']} entries"
    table = Table("agent", "type", "status", "health", "process", pad_edge=False)  # names that we give fit 80 columns
    for row in facts["members"]:
        table.add_row(
            escape(row["agent"]) + (" [bold]*[/]" if row["agent"] == facts["leader"] else ""),
            row["type"],
            f"[{STATUS_COLOURS[row['status']]}]{row['status']}[/]",
            f"[yellow]{row['health']}[/]" if row["health"] == "suspect" else row["health"],
            escape(row["process"]),
        )
    return Group(Text.from_markup(line), table)
