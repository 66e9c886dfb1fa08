"""Watching a mesh: what is shown, when, and how it ends."""

import asyncio
import io
from contextlib import aclosing
from typing import Any

import pytest
from rich.console import Console

from firemesh.errors import MeshNotFound
from firemesh_cli.actions.mesh_watch import drawn, pictures
from tests.support.meshes import LocalMesh, in_virtual_time, until


async def follow(local: LocalMesh, seen: list[dict[str, Any]]) -> None:
    async with aclosing(pictures(local.operator, "m1")) as following:
        async for picture in following:
            if not seen or picture.facts() != seen[-1]:
                seen.append(picture.facts())


@in_virtual_time
async def test_every_change_is_shown_and_a_renewal_of_the_lease_is_none() -> None:
    local = await LocalMesh().create()
    seen: list[dict[str, Any]] = []
    watching = asyncio.create_task(follow(local, seen))
    await local.managers(1)
    await until(lambda: seen and seen[-1]["leader"] == "m1" and seen[-1]["members"])
    quiet = len(seen)
    await asyncio.sleep(20)
    assert len(seen) == quiet
    await local.mesh.drain()
    await until(lambda: seen[-1]["status"] == "draining")
    await local.mesh.close()
    await until(lambda: seen[-1]["status"] == "closed" and seen[-1]["members"][0]["status"] == "left")
    assert (seen[0]["leader"], seen[0]["members"]) == ("", [])
    while not (await local.mesh.delete()).done:
        pass
    with pytest.raises(MeshNotFound, match="any more"):
        await asyncio.wait_for(watching, 30)
    await local.processes["pm1"].abandon()


@in_virtual_time
async def test_a_mesh_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(MeshNotFound, match=r"there is no mesh 'm1'$"):
        await follow(LocalMesh(), [])


@in_virtual_time
async def test_the_health_of_a_silent_member_is_shown() -> None:
    local = await LocalMesh().create()
    await local.managers(2)
    seen: list[dict[str, Any]] = []
    watching = asyncio.create_task(follow(local, seen))
    local.hosts["pm2"].stop()
    await until(lambda: any(row["health"] == "suspect" for facts in seen for row in facts["members"]))
    await until(lambda: seen[-1]["members"][1]["status"] == "dead")
    assert [(row["agent"], row["health"]) for row in seen[-1]["members"]] == [("m1", "healthy"), ("m2", "")]
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await local.end()


def test_a_picture_is_a_line_and_a_table() -> None:
    row = {"agent": "m1", "type": "manager", "status": "alive", "process": "p[1]", "health": "healthy"}
    facts = {"mesh_id": "m1", "status": "open", "leader": "m1", "term": 3, "last_index": 9, "members": [row]}
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(drawn(facts))
    text = console.export_text()
    assert "mesh m1 is open: m1 leads, term 3, 9 entries" in text
    assert "m1 *" in text
    assert "p[1]" in text


def test_members_named_by_the_program_have_a_line_each_in_a_narrow_terminal() -> None:
    row = {"agent": "managers-06180ef733c7-1", "process": "managers-06180ef733c7"}
    row |= {"type": "manager", "status": "alive", "health": "suspect"}
    facts = {"mesh_id": "m1", "status": "open", "leader": row["agent"], "term": 3, "last_index": 9, "members": [row]}
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(drawn(facts))
    assert len(console.export_text().splitlines()) == 6
