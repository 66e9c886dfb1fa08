"""The console kills the process of whoever leads the demo, once, and no other."""

import asyncio
import signal
from pathlib import Path

import pytest

from firemesh.core.invariants import Checker
from firemesh.core.messages import Head
from firemesh.errors import LocalStackError
from firemesh.game.counter import CounterMachine
from firemesh.store.memory import MemoryStore
from firemesh.store.mesh_store import MeshStore
from firemesh_cli.demo.desk import kill_leader
from firemesh_cli.demo.fleet import Fleet, Member
from firemesh_cli.demo.observer import Observer
from firemesh_cli.demo.options import DemoOptions


async def sleeper(name: str, agent: str, folder: Path) -> Member:
    child = await asyncio.create_subprocess_exec("sleep", "600")
    return Member(name, (agent,), True, child, folder / f"{name}.sent")


async def test_who_leads_dies_and_nobody_is_killed_when_nobody_leads(tmp_path: Path) -> None:
    observer = Observer(MeshStore(MemoryStore().client("observer"), "m1"), Checker(CounterMachine(), {}))
    fleet = Fleet("m1", "nowhere", {}, tmp_path, DemoOptions())
    fleet.members += [await sleeper("managers-1", "m1", tmp_path), await sleeper("managers-2", "m2", tmp_path)]
    first, second = fleet.members
    try:
        with pytest.raises(LocalStackError, match="no process of this demo leads"):
            await kill_leader(observer, fleet)
        observer.head = Head(term=1, leader="m2", leader_inc="0" * 12)
        assert await kill_leader(observer, fleet) == "m2"
        assert await second.child.wait() == -signal.SIGKILL
        assert [member.state for member in fleet.members] == ["running", "killed"]
        assert "managers-2" in observer.notes[-1][1]
        with pytest.raises(LocalStackError, match="no process of this demo leads"):
            await kill_leader(observer, fleet)
        assert first.child.returncode is None
    finally:
        await fleet.stop()
