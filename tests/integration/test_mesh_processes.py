"""A mesh of real processes on the emulator, struck with real signals."""

import asyncio
import signal
import tempfile
from pathlib import Path

from firemesh.core.params import FAST
from firemesh.runtime.worker_agent import WorkerAgent
from firemesh_cli.stack.meter import Meter
from firemesh_cli.stack.reading import Billed
from tests.integration.crew import BEAT, PATIENCE_SECONDS, STEADY, Crew

SETUP = {"seats": 12, "seed": 1}


async def keep_adding(worker: WorkerAgent, commands: int) -> None:
    for _ in range(commands):
        await worker.send_to_manager("counter.add", {"n": 1})
        await asyncio.sleep(0.05)


async def votes(crew: Crew) -> set[str]:
    """The paths of all votes that were cast so far."""
    found = await crew.store.list_documents(f"meshes/{crew.mesh_id}/votes", timeout_seconds=PATIENCE_SECONDS)
    return set(found.documents)


async def test_the_mesh_survives_the_death_of_its_leader_and_then_of_all_its_managers(
    firestore_host: str, tmp_path: Path
) -> None:
    async with Crew.aboard(firestore_host, tmp_path) as crew:
        await crew.managers()
        hand = await crew.hand()
        adding = asyncio.create_task(keep_adding(hand, 40))
        await crew.until(lambda: crew.total() >= 10)
        first = crew.leader
        await crew.members[f"p{first}"].kill()
        await adding
        await crew.until(lambda: crew.total() == 40 and crew.leader not in ("", first))
        term = crew.observer.head.term

        for member in crew.members.values():
            await member.kill()
        await keep_adding(hand, 5)
        await crew.managers()
        await crew.until(lambda: crew.total() == 45 and crew.observer.head.term > term)


async def test_a_leader_killed_among_neighbours_is_succeeded_on_their_word_alone(firestore_host: str, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="fm", dir="/tmp") as folder:
        async with Crew.aboard(firestore_host, tmp_path, params=STEADY) as crew:
            crew.neighbours = Path(folder)
            await crew.managers()
            hand = await crew.hand()
            await keep_adding(hand, 5)
            before, cast = crew.observer.head, await votes(crew)
            await crew.members[f"p{before.leader}"].kill()
            await crew.until(lambda: crew.observer.head.term > before.term)
            assert crew.observer.head.deposed_inc == before.leader_inc
            assert await votes(crew) == cast
            await keep_adding(hand, 5)
            await crew.until(lambda: crew.total() == 10)


async def test_managers_killed_and_started_anew_without_their_state_take_the_mesh_up_again(
    firestore_host: str, tmp_path: Path
) -> None:
    async with Crew.aboard(firestore_host, tmp_path, params=FAST) as crew:
        killed = await crew.managers(state=False, beat=BEAT)
        hand = await crew.hand()
        await keep_adding(hand, 5)
        await crew.until(lambda: crew.total() == 5)
        for member in killed:
            await member.kill()
        before = {agent: await crew.until_stored(f"agents/{agent}", lambda _: True) for agent in ("m1", "m2", "m3")}
        await keep_adding(hand, 5)
        await crew.managers(state=False, beat=BEAT)
        await crew.until(lambda: crew.total() == 10)
        for agent, row in before.items():
            now = await crew.until_stored(f"agents/{agent}", lambda row: row["status"] == "alive")
            assert now["inc"] != row["inc"]


async def test_a_second_process_is_refused_the_state_folder_of_a_living_one_and_gets_that_of_a_killed_one(
    firestore_host: str, tmp_path: Path
) -> None:
    async with Crew.aboard(firestore_host, tmp_path, machine="mafia", setup=SETUP, params=STEADY) as crew:
        await crew.managers()
        first = await crew.run("pw", "w1", kind="worker")
        await first.ready()
        row = await crew.until_stored("agents/w1", lambda row: row["status"] == "alive")
        second = await crew.run("pv", "w1", kind="worker")
        assert await second.ended() == 1
        assert "another process on this machine runs agent 'w1'" in second.text
        assert (await crew.until_stored("agents/w1", lambda _: True))["inc"] == row["inc"]
        await first.kill()
        third = await crew.run("pv", "w1", kind="worker")
        await third.ready()
        assert (await crew.until_stored("agents/w1", lambda now: now["inc"] != row["inc"]))["status"] == "alive"


async def test_a_leader_that_is_stopped_for_two_leases_and_woken_does_no_harm(firestore_host: str, tmp_path: Path) -> None:
    async with Meter(firestore_host) as meter, Crew.aboard(meter.host, tmp_path) as crew:
        await crew.managers(beat=BEAT)
        hand = await crew.hand()
        paused = crew.leader
        member = crew.members[f"p{paused}"]
        await member.stop()
        before = meter.counts()
        adding = asyncio.create_task(keep_adding(hand, 40))
        await asyncio.sleep(3.0)
        await crew.until(lambda: crew.leader not in ("", paused))
        member.send(signal.SIGCONT)
        await adding
        await crew.until(lambda: crew.total() == 40)
        last = crew.observer.head.last_index
        await crew.until_stored(f"liveness/p{paused}", lambda beat: beat["applied"][paused] >= last)
        spent = (meter.counts() - before).by_client_kind
        if (f"p{paused}", "votes") not in spent:  # else the machine stood still, and it has stood for election since
            commits = spent.get((f"p{paused}", "head"), Billed())
            assert commits.writes + commits.failed_writes <= 2  # one on its way when it was stopped, the first after it woke


async def test_a_leader_that_is_asked_to_stop_hands_over_without_an_election(firestore_host: str, tmp_path: Path) -> None:
    async with Crew.aboard(firestore_host, tmp_path, params=STEADY) as crew:
        await crew.managers()
        first, term, cast = crew.leader, crew.observer.head.term, await votes(crew)
        crew.members[f"p{first}"].send(signal.SIGTERM)
        await crew.until(lambda: crew.observer.head.term > term)
        assert crew.observer.head.term == term + 1
        assert await votes(crew) == cast
        assert await crew.members[f"p{first}"].ended() == 0
        await crew.until(lambda: first not in crew.observer.head.voters.managers)
        await crew.until_stored(f"agents/{first}", lambda row: row["status"] == "left")


async def test_workers_whose_process_is_killed_die_and_come_back_with_their_process(
    firestore_host: str, tmp_path: Path
) -> None:
    async with Crew.aboard(firestore_host, tmp_path, machine="mafia", setup=SETUP, params=STEADY) as crew:
        await crew.managers()
        first = await crew.run("pw", "w1", "w2", kind="worker", beat=BEAT)
        await first.ready()
        rows = [await crew.until_stored(f"agents/{agent}", lambda row: row["status"] == "alive") for agent in ("w1", "w2")]
        await first.kill()
        for agent in ("w1", "w2"):
            await crew.until_stored(f"agents/{agent}", lambda row: row["status"] == "dead")
        second = await crew.run("pw", "w1", "w2", kind="worker")
        await second.ready()
        again = [await crew.until_stored(f"agents/{agent}", lambda row: row["status"] == "alive") for agent in ("w1", "w2")]
        assert again[0]["inc"] == again[1]["inc"] != rows[0]["inc"]

        await second.kill()
        third = await crew.run("pw", "w1", "w2", kind="worker")
        await third.ready()
        row = await crew.until_stored("agents/w1", lambda row: row["inc"] != again[0]["inc"])
        assert row["status"] == "alive"


async def test_bad_input_on_the_command_line_is_said_in_one_sentence(firestore_host: str, tmp_path: Path) -> None:
    async with Crew.aboard(firestore_host, tmp_path, params=STEADY) as crew:
        await (await crew.process("pm1")).add_manager("m1")
        await crew.hand()
        claimant = await crew.run("p2", "hand", kind="manager")
        known, crew.mesh_id = crew.mesh_id, "no-such-mesh"
        stranger = await crew.run("p3", "m3")
        crew.mesh_id = known
        assert await claimant.ended() == 1
        assert f"firemesh: agent 'hand' may not join mesh '{known}': AGENT_ID_IN_USE" in claimant.lines
        assert await stranger.ended() == 1
        assert any(line.startswith("firemesh: there is no mesh 'no-such-mesh'; create it with") for line in stranger.lines)
        assert not any("Traceback" in line for member in (claimant, stranger) for line in member.lines)


async def test_a_process_told_to_stop_while_it_starts_leaves_no_seat_taken(firestore_host: str, tmp_path: Path) -> None:
    async with Crew.aboard(firestore_host, tmp_path) as crew:
        starting = await crew.run("pm1", "m1", "m2", "m3")
        await crew.until_stored("agents/m1", lambda row: row["status"] == "alive")
        starting.send(signal.SIGTERM)
        assert await starting.ended() == 0
        await (await crew.process("pm4")).add_manager("m4")
        await crew.until(lambda: crew.observer.head.voters.managers == ("m4",))
