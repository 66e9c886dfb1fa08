"""How a leader keeps the log short."""

from typing import Any

import pytest

from firemesh.core import leading
from firemesh.core.effects import (
    Proposal,
    ProposalKind,
    Timer,
)
from firemesh.core.machine import Machine
from firemesh.core.messages import Snapshot
from firemesh.core.params import Params
from firemesh.core.replica import Replica
from tests.support.scripted import Scripted, ScriptedMesh, command, join


def only(proposals: list[Proposal]) -> Proposal:
    (proposal,) = proposals
    return proposal


SHORT = Params(ttl_ms=1500, renew_ms=500, grace_ms=200, rpc_timeout_ms=375, snapshot_every=4, keep_entries=1)


def test_snapshot_follows_after_enough_entries_and_compaction_after_the_snapshot() -> None:
    mesh = ScriptedMesh("m1", params=SHORT).start()
    leader = mesh["m1"]
    leader.fire(Timer.CAMPAIGN)
    leader.lands()
    leader.sees(join("w"))
    leader.lands()
    for seq in (2, 3):
        leader.sees(command("w", seq))
        leader.lands()
    snapshot, compaction = leader.lands(), leader.lands()
    assert (snapshot.kind, snapshot.head.snapshot_index) == (ProposalKind.SNAPSHOT, 4)
    assert snapshot.snapshot is not None
    assert (compaction.kind, compaction.entries_dropped, compaction.head.first_index) == (ProposalKind.COMPACT, (1, 3), 4)
    assert leader.commits == []


def test_next_snapshot_replaces_the_one_before() -> None:
    mesh = ScriptedMesh("m1", params=SHORT).start()
    leader = mesh["m1"]
    leader.fire(Timer.CAMPAIGN)
    leader.sees_head()
    leader.settle()
    leader.sees(join("w"))
    leader.settle()
    dropped = []
    for seq in range(2, 12):
        leader.sees(command("w", seq))
        while leader.commits:
            landed = leader.lands()
            if landed.kind is ProposalKind.SNAPSHOT:
                dropped.append((landed.snapshot_dropped, landed.head.snapshot_index))
    assert dropped == [(0, 4), (4, 8), (8, 12)]


def test_leader_takes_no_snapshot_that_would_not_fit_a_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leading, "SNAPSHOT_BYTES_MAX", 10)
    mesh = ScriptedMesh("m1", params=SHORT).start()
    leader = mesh["m1"]
    leader.fire(Timer.CAMPAIGN)
    leader.lands()
    leader.sees(join("w"))
    leader.lands()
    for seq in range(2, 8):
        leader.sees(command("w", seq))
        assert leader.lands().kind is ProposalKind.APPEND
    assert leader.commits == []


def test_state_too_large_for_a_snapshot_is_not_written_out_after_every_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    written_out: list[int] = []
    take = leading.take_snapshot

    def taken(replica: Replica[Any], machine: Machine[Any]) -> Snapshot:
        written_out.append(replica.index)
        return take(replica, machine)

    monkeypatch.setattr(leading, "SNAPSHOT_BYTES_MAX", 10)
    monkeypatch.setattr(leading, "take_snapshot", taken)
    mesh = ScriptedMesh("m1", params=SHORT).start()
    leader = mesh["m1"]
    leader.fire(Timer.CAMPAIGN)
    leader.lands()
    leader.sees(join("w"))
    leader.settle()
    for seq in range(2, 12):
        leader.sees(command("w", seq))
        leader.settle()
        leader.fire(Timer.RENEW)
        leader.settle()
    assert written_out == [4, 8, 12]


def test_leader_without_enough_entries_takes_no_snapshot(leader: Scripted) -> None:
    leader.sees(command("w", 2))
    leader.lands()
    assert leader.commits == []
