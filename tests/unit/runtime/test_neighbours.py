"""Processes on one machine: the end of one, however it came, is heard by all others at once, and nothing else is."""

import asyncio
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from firemesh.errors import InvalidParameters
from firemesh.runtime import neighbours
from firemesh.runtime.neighbours import Neighbours
from firemesh.runtime.process import AgentProcess
from tests.support.meshes import LocalMesh

INCS = [f"{number:012x}" for number in range(8)]
PATIENCE_SECONDS = 60


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: pytest's own are too long for a socket."""
    path = Path(tempfile.mkdtemp(prefix="fm", dir="/tmp"))
    (path / "m").mkdir()
    (path / "file").write_text("no folder")
    yield path / "m"
    shutil.rmtree(path)


class Heard:
    """What one process is told."""

    def __init__(self) -> None:
        self.ends: list[str] = []
        self._told = asyncio.Event()

    def __call__(self, inc: str) -> None:
        self.ends.append(inc)
        self._told.set()

    async def next(self) -> str:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self.ends:
                self._told.clear()
                await self._told.wait()
        return self.ends.pop(0)


def met(folder: Path, inc: str, heard: Heard | None = None) -> Neighbours:
    return Neighbours(folder, inc, heard or Heard())


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


async def test_every_other_process_hears_of_an_end_and_the_one_that_ends_hears_nothing(folder: Path) -> None:
    ears = [Heard(), Heard(), Heard()]
    first, second, third = [met(folder, inc, heard) for inc, heard in zip(INCS, ears, strict=False)]
    second.close()
    assert [await ears[0].next(), await ears[2].next()] == [INCS[1], INCS[1]]
    assert ears[1].ends == []
    first.close()
    third.close()


_PROGRAM = """
import asyncio, sys
from pathlib import Path
from firemesh.runtime.neighbours import Neighbours
async def live():
    neighbours = Neighbours(Path(sys.argv[1]), sys.argv[2], print)
    print("here", flush=True)
    await asyncio.Event().wait()
asyncio.run(live())
"""


async def test_a_process_that_is_killed_is_heard_and_what_it_leaves_behind_is_cleared_away(folder: Path) -> None:
    heard = Heard()
    here = met(folder, INCS[0], heard)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PROGRAM, str(folder), INCS[1], stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    assert await child.stdout.readline() == b"here\n"
    child.kill()
    assert await heard.next() == INCS[1]
    await child.wait()
    later = met(folder, INCS[2])
    assert names(folder) == [INCS[0], INCS[2]]
    here.close()
    later.close()
    assert names(folder) == []


async def test_a_process_that_goes_on_under_a_new_incarnation_ends_as_that(folder: Path) -> None:
    heard = Heard()
    here, other = met(folder, INCS[0], heard), met(folder, INCS[1])
    other.announce(INCS[5])
    other.close()
    assert await heard.next() == INCS[5]
    here.close()


async def test_meshes_do_not_hear_of_each_other(folder: Path) -> None:
    heard = Heard()
    here, elsewhere = met(folder / "a", INCS[0], heard), met(folder / "b", INCS[1])
    neighbour = met(folder / "a", INCS[2])
    elsewhere.close()
    neighbour.close()
    assert await heard.next() == INCS[2]
    here.close()


@pytest.mark.parametrize("said", [b"", b"nonsense\n", b"x" * 200], ids=["nothing", "no incarnation", "too much"])
async def test_who_does_not_say_who_it_is_is_not_spoken_of(folder: Path, said: bytes) -> None:
    heard = Heard()
    here = met(folder, INCS[0], heard)
    _, writer = await asyncio.open_unix_connection(str(folder / INCS[0]))
    writer.write(said)
    writer.close()
    neighbour = met(folder, INCS[1])
    neighbour.close()
    assert await heard.next() == INCS[1]
    here.close()


async def test_one_neighbour_too_many_is_turned_away(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "NEIGHBOURS_MAX", 1)
    heard = Heard()
    here, first = met(folder, INCS[0], heard), met(folder, INCS[1])
    reader, writer = await asyncio.open_unix_connection(str(folder / INCS[0]))
    assert await reader.read() == b""
    writer.close()
    first.close()
    assert await heard.next() == INCS[1]
    here.close()


async def test_a_folder_that_cannot_hold_sockets_is_refused_with_the_reason(folder: Path) -> None:
    with pytest.raises(InvalidParameters, match="longer path than 100 bytes"):
        met(folder / ("x" * 100), INCS[0])
    with pytest.raises(InvalidParameters, match="cannot hold sockets"):
        met(folder.parent / "file", INCS[0])


async def test_a_socket_that_does_not_listen_yet_is_left_alone(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as unready:
        unready.bind(str(folder / f"{INCS[7]}.n"))
        here = met(folder, INCS[0])
        assert names(folder) == [INCS[0], f"{INCS[7]}.n"]
        here.close()


async def test_a_process_of_a_mesh_ends_under_the_incarnation_that_it_had_last(folder: Path) -> None:
    local = await LocalMesh().create()
    heard = Heard()
    here = met(folder / "m1", INCS[0], heard)
    process = await AgentProcess.open(local.memory.client("p1"), "m1", "p1", neighbours=folder)
    first = process.inc
    await process.renew_incarnation(first)
    await process.abandon()
    assert await heard.next() == process.inc != first
    here.close()
