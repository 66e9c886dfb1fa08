"""Cut connections and foreign documents on the emulator: who is cut off stops by itself, nobody else is disturbed."""

import asyncio
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest

from firemesh.core.effects import ManagerRole
from firemesh.core.health import HealthPolicy
from firemesh.core.membership import MEMBER_DEAD
from firemesh.runtime.manager_agent import ManagerAgent
from firemesh.store.base import CollectionTarget, Put
from firemesh.store.firestore import protos
from firemesh.store.firestore.channel import bearer, database_metadata, open_channel
from tests.contract.wires import Wire
from tests.integration.crew import BEAT, PATIENCE_SECONDS, PROJECT, Crew
from tests.support.patient import commit

LENIENT = HealthPolicy(dead_after_floor_ms=4500, outage_grace_ms=6000)
"""Who was cut off needs up to two seconds before it tries to connect again, and more on a busy machine."""


async def three_managers(crew: Crew, *hosts: str, **options: Any) -> list[ManagerAgent]:
    """m1, m2, m3 in this process, each over the way it is given."""
    managers = []
    for number, host in enumerate(hosts, start=1):
        managers.append(await (await crew.process(f"pm{number}", host=host, **options)).add_manager(f"m{number}"))
    await crew.until(lambda: crew.observer.head.voters.managers == ("m1", "m2", "m3"))
    return managers


async def until_leading(crew: Crew, managers: list[ManagerAgent]) -> int:
    """Wait until one of them leads; its place among them."""
    await crew.until(lambda: any(manager.role is ManagerRole.LEADER for manager in managers))
    return [manager.role for manager in managers].index(ManagerRole.LEADER)


async def until_role(manager: ManagerAgent, role: ManagerRole) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while manager.role is not role:
            manager.driver.stepped.clear()
            await manager.driver.stepped.wait()


async def until_caught_up(crew: Crew, manager: ManagerAgent) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while manager.driver.manager.state.replica.index < crew.observer.head.last_index:
            manager.driver.stepped.clear()
            await manager.driver.stepped.wait()


@pytest.mark.parametrize("how", ["cut", "mute"])
async def test_a_leader_without_firestore_stops_by_itself_the_rest_go_on_and_it_follows_on_return(
    how: str, firestore_host: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as wires, Crew.aboard(firestore_host, tmp_path) as crew:
        ways = [await wires.enter_async_context(Wire.to(firestore_host)) for _ in range(3)]
        managers = await three_managers(crew, *(host for _, host in ways))
        hand = await crew.hand()
        number = await until_leading(crew, managers)
        wire, lone = ways[number][0], managers.pop(number)
        getattr(wire, how)()
        await until_role(lone, ManagerRole.FOLLOWER)
        heirs = [manager.agent_id for manager in managers]
        await crew.until(lambda: crew.leader in heirs)
        term = crew.observer.head.term
        for _ in range(5):
            await hand.send_to_manager("counter.add", {"n": 1})
        await crew.until(lambda: crew.total() == 5)
        if how == "mute":
            wire.cut()
        wire.mend()
        await until_caught_up(crew, lone)
        await hand.send_to_manager("counter.add", {"n": 1})
        await crew.until(lambda: crew.total() == 6)
        await until_caught_up(crew, lone)
        assert lone.role is not ManagerRole.LEADER or lone.driver.manager.state.head.term > term


async def test_an_outage_for_all_kills_nobody_and_loses_nothing(firestore_host: str, tmp_path: Path) -> None:
    async with Wire.to(firestore_host) as (wire, wired), Crew.aboard(firestore_host, tmp_path) as crew:
        quick: dict[str, Any] = {"beat": BEAT, "health": LENIENT}
        await three_managers(crew, wired, wired, wired, **quick)
        workers = [await (await crew.process(f"pw{n}", host=wired, **quick)).add_worker(f"w{n}") for n in range(3)]
        await asyncio.gather(*(worker.send_to_manager("counter.add", {"n": 1}) for worker in workers))
        names = {"pm1", "pm2", "pm3", "pw0", "pw1", "pw2"}
        await crew.until(lambda: crew.observer.beat_times_ns.keys() == names)
        wire.cut()
        sending = [asyncio.create_task(worker.send_to_manager("counter.add", {"n": 1})) for worker in workers]
        await asyncio.sleep(5)  # by now everybody's sign of life is long overdue
        assert not any(task.done() for task in sending)
        wire.mend()
        await asyncio.gather(*sending)
        await crew.until(lambda: crew.total() == 6)
        judged_ns = (crew.observer.clock.now_ms() + LENIENT.outage_grace_ms) * 1_000_000  # a verdict on the silence is due
        await crew.until(lambda: all(crew.observer.beat_times_ns[name] > judged_ns for name in names))
        await crew.until(lambda: list(crew.observer.health.values()) == ["healthy"] * (len(names) - 1))  # but its own
        head, _, _ = await crew.documents.read_head()
        entries = await crew.documents.read_entries(1, head.last_index)
        assert not any(command.kind == MEMBER_DEAD for entry in entries for command in entry.batch)


async def put_raw(crew: Crew, request_id: str, **fields: Any) -> None:
    """A document with values that no agent of ours could write."""
    database = f"projects/{PROJECT}/databases/(default)"
    request = protos.CommitRequest(database=database)
    update = request.writes.add().update
    update.name = f"{database}/documents/meshes/{crew.mesh_id}/inbox/{request_id}"
    for name, value in fields.items():
        for kind, content in value.items():
            if kind == "timestamp_value":
                update.fields[name].timestamp_value.seconds = content
            else:
                setattr(update.fields[name], kind, content)
    channel = open_channel(crew.host)
    call = channel.unary_unary(
        protos.SERVICE + "Commit",
        request_serializer=protos.CommitRequest.SerializeToString,
        response_deserializer=protos.CommitResponse.FromString,
    )
    for _ in range(10):  # the emulator may answer CANCELLED to a commit; see `commit`
        with suppress(grpc.aio.AioRpcError):
            await call(request, timeout=PATIENCE_SECONDS, metadata=database_metadata(database) + bearer("owner"))
            break
    await channel.close()


async def test_foreign_documents_in_the_inbox_are_refused_and_kept_and_disturb_nobody(
    firestore_host: str, tmp_path: Path
) -> None:
    async with Crew.aboard(firestore_host, tmp_path) as crew:
        await (await crew.process("pm1")).add_manager("m1")
        hand = await crew.hand()
        inbox = f"meshes/{crew.mesh_id}/inbox"
        await hand.send_to_manager("counter.add", {"n": 1})
        own = {"agent_id": "hand", "inc": hand.inc, "kind": "counter.add", "payload": '{"n":1000}'}
        await crew.until(lambda: crew.total() == 1)
        await put_raw(
            crew, "odd", at={"timestamp_value": 5}, blob={"bytes_value": b"\xff\x00"}, x={"double_value": float("nan")}
        )
        await commit(
            crew.store,
            Put(f"{inbox}/nothing", {}),
            Put(f"{inbox}/{'é' * 600}", {"seq": "one"}),
            Put(f"{inbox}/hand_{hand.inc}_00000002", {**own, "seq": 2}),
            Put(f"{inbox}/hand_{hand.inc}_00000009", {**own, "seq": 9}),
        )
        refusals = {
            request_id: await crew.until_stored(f"refused/{request_id}", lambda fields: fields["reason"])
            for request_id in ("odd", "nothing", "é" * 600, f"hand_{hand.inc}_00000009")
        }
        assert [refusal["reason"] for refusal in refusals.values()] == ["MALFORMED"] * 3 + ["SEQUENCE_GAP"]
        assert "1970-01-01T00:00:05Z" in refusals["odd"]["sent"]
        assert "send 3 first" in refusals[f"hand_{hand.inc}_00000009"]["detail"]
        await hand.send_to_manager("counter.add", {"n": 1})
        await crew.until(lambda: crew.total() == 2)
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for snapshot in crew.store.watch(CollectionTarget(inbox)):
                if not snapshot.documents:
                    break
