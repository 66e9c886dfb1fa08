"""Meshes that functions manage, in the real functions emulator: a whole game, lost tasks, silence, managers that come back."""

import asyncio
import contextlib
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from firemesh.core.params import TEST
from firemesh.ids import is_program
from firemesh.runtime.scripted_behaviour import scripted_behaviour
from firemesh.runtime.worker_agent import WorkerAgent
from firemesh.store.mesh_store import Hosting
from firemesh_cli.__main__ import main
from firemesh_cli.stack.supervisor import LocalStack
from tests.integration.crew import BEAT, PATIENCE_SECONDS, STEADY, Crew
from tests.support.identity import bearer_for

SHORT = {"lobby": 600_000, "reveal": 200, "night": 10_000, "dawn": 200, "discussion": 1500, "ballot": 10_000, "dusk": 200}
"""Lobby, night and ballot end when everybody has come, or chosen."""
GAME = {"seats": 5, "seed": 7, "durations_ms": SHORT, "night_floor_ms": 500}
PACE = 0.1
LOSING_SECONDS = 0.02
NO_ANSWER = 503
TRIES = 10


@asynccontextmanager
async def hosted(stack: LocalStack, folder: Path, **options: Any) -> AsyncIterator[Crew]:
    """A mesh that functions manage."""
    options = {"project": stack.project, "hosting": Hosting.FUNCTIONS, "params": STEADY, **options}
    async with Crew.aboard(stack.firestore_host, folder, **options) as crew:
        yield crew


async def seat_all(crew: Crew) -> None:
    """Five players in one process."""
    process = await crew.process("players")
    for number in range(5):
        agent = f"p{number + 1}"
        await process.add_worker(agent, scripted_behaviour("mafia", agent, seed=7, number=number, pace=PACE))


async def keep_adding(worker: WorkerAgent, commands: int) -> None:
    for _ in range(commands):
        await worker.send_to_manager("counter.add", {"n": 1})


def post(url: str, body: Any, headers: Mapping[str, str]) -> int:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=PATIENCE_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except (OSError, http.client.HTTPException):
        return NO_ANSWER


def insist(url: str, body: Any, headers: Mapping[str, str]) -> int:
    """The answer to a call that is made again, as queue and schedule do, when the function could not answer it."""
    for _ in range(TRIES):
        if (answer := post(url, body, headers)) < 500:
            break
    return answer


def wake(stack: LocalStack, mesh_id: str, due_ms: int, *, caller: str = "firemesh-tasks") -> int:
    """Call the watchdog as the queue does."""
    url = stack.function_url("watchdog")
    token = bearer_for(url, f"{caller}@{stack.project}.iam.gserviceaccount.com")
    return insist(url, {"data": {"mesh": mesh_id, "due_ms": due_ms}}, {"Authorization": token})


def rearm(stack: LocalStack) -> int:
    """Call what the schedule calls."""
    return insist(stack.function_url("rearm-0"), {}, {})


@asynccontextmanager
async def every_task_lost(stack: LocalStack, mesh_id: str) -> AsyncIterator[None]:
    """Within the block no task of the mesh is kept."""

    async def lose() -> None:
        while True:
            for task in stack.tasks.queue.waiting(f"projects/{stack.project}/locations/us-central1/queues/watchdog"):
                if f"-{mesh_id}-" in task.name:
                    stack.tasks.queue.remove(task.name)
            await asyncio.sleep(LOSING_SECONDS)

    losing = asyncio.create_task(lose())
    try:
        yield
    finally:
        losing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await losing


async def test_a_whole_game_is_played_with_no_manager_process(functions_stack: LocalStack, tmp_path: Path) -> None:
    setup = {**GAME, "seats": 7, "programs": 2}
    async with hosted(functions_stack, tmp_path, machine="mafia", setup=setup) as crew:
        await seat_all(crew)
        await crew.until(lambda: crew.observer.phase == "over")
        assert crew.observer.public["winner"] in ("town", "mafia")
        assert crew.observer.head.voters.managers == ()
        entries = await crew.documents.read_entries(1, crew.observer.head.last_index)
        assert any(is_program(command.agent_id) for entry in entries for command in entry.batch)


async def test_functions_carry_on_when_all_manager_processes_die_until_one_comes_back(
    functions_stack: LocalStack, tmp_path: Path
) -> None:
    async with hosted(functions_stack, tmp_path, params=TEST) as crew:
        managers = await crew.managers()
        hand = await crew.hand()
        await keep_adding(hand, 5)
        await crew.until(lambda: crew.total() == 5 and crew.leader in ("m1", "m2", "m3"))
        for member in managers:
            await member.kill()
        await keep_adding(hand, 5)
        await crew.until(lambda: crew.total() == 10 and crew.leader not in ("m1", "m2", "m3"))
        await (await crew.run("pm1", "m1")).ready()
        await crew.until(lambda: crew.leader == "m1")
        await keep_adding(hand, 5)
        await crew.until(lambda: crew.total() == 15)


async def test_five_wakes_at_once_too_late_and_too_early_do_no_harm(functions_stack: LocalStack, tmp_path: Path) -> None:
    async with hosted(functions_stack, tmp_path) as crew:
        hand = await crew.hand()
        calls = [asyncio.to_thread(wake, functions_stack, crew.mesh_id, due_ms) for due_ms in (1, 1, 1, 2**42, 2**42)]
        answers, _ = await asyncio.gather(asyncio.gather(*calls), keep_adding(hand, 10))
        assert answers == [200] * 5
        await crew.until(lambda: crew.total() == 10)
        assert (await crew.documents.read_head())[0].term == 1


def test_the_command_line_makes_a_hosted_mesh(functions_stack: LocalStack, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--project", functions_stack.project, "--host", functions_stack.firestore_host)
    assert main(["mesh", "create", "by-hand", "--machine", "counter", "--hosting", "functions", *where]) == 0
    assert capsys.readouterr().out == "mesh by-hand created\n"
    assert wake(functions_stack, "by-hand", 1) == 200
    assert main(["mesh", "status", "by-hand", "--json", *where]) == 0
    assert json.loads(capsys.readouterr().out)["leader"] == "@functions"


async def test_nobody_but_the_queue_wakes_a_mesh(functions_stack: LocalStack, tmp_path: Path) -> None:
    assert wake(functions_stack, "nowhere", 1) == 200
    assert wake(functions_stack, "nowhere", 1, caller="somebody") == 403
    assert insist(functions_stack.function_url("watchdog"), {"data": {"mesh": "nowhere"}}, {}) == 401
    assert wake(functions_stack, "../nowhere", 1) == 400


async def test_the_schedule_makes_good_a_lost_task(functions_stack: LocalStack, tmp_path: Path) -> None:
    setup = {**GAME, "durations_ms": {**SHORT, "lobby": 2500}}
    async with hosted(functions_stack, tmp_path, machine="mafia", setup=setup) as crew:
        async with every_task_lost(functions_stack, crew.mesh_id):
            await crew.hand()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while crew.observer.phase != "over":
                    assert await asyncio.to_thread(rearm, functions_stack) == 200
        assert crew.observer.public["winner"] == "nobody"


async def test_a_silent_agent_is_found_dead_with_no_manager_process(functions_stack: LocalStack, tmp_path: Path) -> None:
    async with hosted(functions_stack, tmp_path) as crew:
        await crew.hand()
        process = await crew.process("pw", beat=BEAT)
        await process.add_worker("w1")
        await process.abandon()
        await crew.until_stored("agents/w1", lambda row: row["status"] == "dead")
        assert (await crew.until_stored("agents/hand", lambda _: True))["status"] == "alive"
