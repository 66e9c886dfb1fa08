"""One agent's commands: in order, each surely in the inbox before the next, none twice, none lost."""

import asyncio
from typing import Any

import pytest

from firemesh.core.messages import Command
from firemesh.errors import InboxFull, InvalidMessage
from firemesh.runtime.session import OUTSTANDING_MAX, Session
from firemesh.store import paths
from firemesh.store.base import Delete
from firemesh.store.memory import ABORTED, ACK_LOST, LANDS, LOST, CommitFate, MemoryStore, late
from firemesh.store.mesh_store import MeshStore
from tests.support.meshes import in_virtual_time, store_now_ns, until

INC = "0123456789ab"


class Desk:
    """A session over an in-memory store whose commits meet the given fates, one after the other."""

    def __init__(self, *fates: CommitFate) -> None:
        self.memory = MemoryStore(store_now_ns)
        self.client = self.memory.client("w")
        self.fates = list(fates)
        self.client.faults.commit_fate = lambda _: self.fates.pop(0) if self.fates else LANDS
        self.sent: list[Command] = []
        self.session = Session(MeshStore(self.client, "m1"), "w1", INC, on_sent=self.sent.append)

    @property
    def inbox(self) -> list[dict[str, Any]]:
        return [dict(doc.fields) for path, doc in sorted(self.memory.documents().items()) if "/inbox/" in path]

    def take(self, *seqs: int) -> None:
        """What a leader does: requests disappear from the inbox."""
        self.memory.apply("leader", [Delete(paths.request("m1", self.session.request_id(seq))) for seq in seqs])


@in_virtual_time
async def test_commands_are_numbered_from_one_and_lie_under_their_number() -> None:
    desk = Desk()
    assert [await desk.session.send("counter.add", {"n": n}) for n in (5, 6)] == [1, 2]
    assert [(row["seq"], row["payload"]) for row in desk.inbox] == [(1, '{"n":5}'), (2, '{"n":6}')]
    assert set(desk.memory.documents()) == {f"meshes/m1/inbox/w1_{INC}_{seq:08d}" for seq in (1, 2)}


@in_virtual_time
async def test_commands_sent_at_once_go_one_after_the_other() -> None:
    desk = Desk()
    desk.client.faults.latency_seconds = lambda _: 0.05
    sending = asyncio.gather(*(desk.session.send("counter.add", {"n": n}) for n in range(5)))
    await until(lambda: desk.inbox)
    assert [row["seq"] for row in desk.inbox] == [1]
    assert await sending == [1, 2, 3, 4, 5]
    assert [row["payload"] for row in desk.inbox] == [f'{{"n":{n}}}' for n in range(5)]


@pytest.mark.parametrize("fate", [LOST, ACK_LOST, late(3.0), ABORTED], ids=["lost", "answer lost", "late", "aborted"])
def test_a_command_without_an_answer_is_sent_again_under_the_same_number(fate: CommitFate) -> None:
    @in_virtual_time
    async def check() -> None:
        desk = Desk(fate, fate)
        assert await desk.session.send("counter.add", {"n": 1}) == 1
        assert await desk.session.send("counter.add", {"n": 2}) == 2
        await asyncio.sleep(10)
        assert [row["payload"] for row in desk.inbox] == ['{"n":1}', '{"n":2}']
        assert [command.seq for command in desk.sent] == [1, 2]

    check()


@in_virtual_time
async def test_a_command_waits_out_an_outage_however_long() -> None:
    desk = Desk()
    desk.client.disconnect()
    sending = asyncio.create_task(desk.session.send("counter.add", {"n": 1}))
    await asyncio.sleep(3600)
    assert not sending.done()
    desk.client.reconnect()
    assert await sending == 1


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("nonsense", {}),
        ("Counter.Add", {}),
        ("counter.add", {"n": "x" * 4096}),
        ("counter.add", {"n": {1, 2}}),
        ("counter.add", {"text": "\ud800"}),
        ("counter.add", ["n"]),
    ],
    ids=["kind", "case", "size", "set", "surrogate", "list"],
)
def test_an_impossible_command_is_refused_and_uses_no_number(kind: str, body: Any) -> None:
    @in_virtual_time
    async def check() -> None:
        desk = Desk()
        with pytest.raises(InvalidMessage):
            await desk.session.send(kind, body)
        assert await desk.session.send("counter.add", {"n": 1}) == 1
        assert len(desk.inbox) == 1

    check()


@in_virtual_time
async def test_the_number_of_an_interrupted_send_stays_with_its_command() -> None:
    desk = Desk(ACK_LOST)
    sending = asyncio.create_task(desk.session.send("counter.add", {"n": 1}))
    await until(lambda: desk.inbox)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    assert await desk.session.send("mesh.leave", {}) == 2
    assert [(row["seq"], row["kind"]) for row in desk.inbox] == [(1, "counter.add"), (2, "mesh.leave")]
    assert [command.seq for command in desk.sent] == [1, 2]


@in_virtual_time
async def test_with_nobody_leading_the_inbox_of_an_agent_fills_and_is_said_to_be_full() -> None:
    desk = Desk()
    for n in range(OUTSTANDING_MAX):
        await desk.session.send("counter.add", {"n": n})
    with pytest.raises(InboxFull, match="w1"):
        await desk.session.send("counter.add", {"n": 99})
    assert len(desk.inbox) == OUTSTANDING_MAX


@in_virtual_time
async def test_a_full_inbox_takes_commands_again_once_a_leader_has_taken_some() -> None:
    desk = Desk()
    for n in range(OUTSTANDING_MAX):
        await desk.session.send("counter.add", {"n": n})
    desk.take(*range(1, OUTSTANDING_MAX // 2 + 1))
    assert await desk.session.send("counter.add", {"n": 99}) == OUTSTANDING_MAX + 1


@in_virtual_time
async def test_looking_for_room_costs_one_read_per_thirty_two_commands() -> None:
    desk = Desk()
    for seq in range(1, 321):
        await desk.session.send("counter.add", {"n": 1})
        desk.take(seq)
    assert desk.memory.counts[("w", "inbox", "reads")] == (320 - OUTSTANDING_MAX) // (OUTSTANDING_MAX // 2)
