"""From a key to a whole game: agents in processes of their own that know nothing but the address of the API and a key."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from firemesh.core.health import HealthPolicy
from firemesh.core.messages import Command
from firemesh.runtime.scripted_behaviour import scripted_behaviour
from firemesh_cli.demo.options import DemoOptions
from firemesh_cli.stack.supervisor import LocalStack
from tests.integration.crew import STEADY, Crew

GAME = DemoOptions(seats=5, seed=7, speed=8)
GAME_SECONDS_MAX = 250
WAITS = dict.fromkeys(("lobby", "night", "ballot", "revote"), 1000 * GAME_SECONDS_MAX)
SETUP = {**GAME.setup, "durations_ms": {**GAME.setup["durations_ms"], **WAITS}}
"""These phases end when all have sat down, acted or voted; on a busy machine that takes a while."""
PACE = 0.005
"""They think for a share of a phase, and these are long."""
TRANSPORTS = {"w2": "rest", "w3": "rest", "w4": "firestore", "w5": "firestore"}
"""How each agent with a key takes part."""
PATIENT = HealthPolicy(dead_after_floor_ms=1_000_000)
"""On a busy machine a function that has to be started may hold a sign of life up for seconds."""
NOT_OVER_REST = ("FIRESTORE_EMULATOR_HOST", "FIREBASE_AUTH_EMULATOR_HOST")


def make_key(stack: LocalStack, mesh_id: str) -> str:
    command = [sys.executable, "-m", "firemesh_cli", "key", "create", "--role", "worker", "--mesh", mesh_id]
    environment = {**os.environ, **stack.environment()}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def known_to_clients(stack: LocalStack, transport: str) -> dict[str, str]:
    """No pepper: a client must not need it. Over REST no more than the site's address."""
    known = {name: value for name, value in stack.environment().items() if name != "API_KEY_PEPPER"}
    if transport == "rest":
        known = {name: value for name, value in known.items() if name not in NOT_OVER_REST}
        known["FIREMESH_API_URL"] = f"{stack.site_url}/api"
    return known


async def test_a_whole_game_with_players_that_have_a_key_alone(functions_stack: LocalStack, tmp_path: Path) -> None:
    stack = functions_stack
    async with Crew.aboard(
        stack.firestore_host, tmp_path, machine="mafia", setup=SETUP, project=stack.project, params=STEADY
    ) as crew:
        servers = await crew.process("servers", health=PATIENT)
        for number in (1, 2, 3):
            await servers.add_manager(f"m{number}")
        key_file = tmp_path / "key"
        key_file.write_text(await asyncio.to_thread(make_key, stack, crew.mesh_id) + "\n")
        clients = [
            await crew.run_admitted(
                agent,
                *("--key-file", str(key_file), "--journal", str(tmp_path / agent), "--state-folder", str(tmp_path / "state")),
                *("--seed", str(GAME.seed), "--seat", agent[1:], "--pace", str(PACE), "--transport", transport),
                environment=known_to_clients(stack, transport),
            )
            for agent, transport in TRANSPORTS.items()
        ]
        await servers.add_worker("w1", scripted_behaviour("mafia", "w1", seed=GAME.seed, number=1, pace=PACE))
        await asyncio.gather(*(client.ready(GAME_SECONDS_MAX) for client in clients))
        async with asyncio.timeout(GAME_SECONDS_MAX):
            await crew.observer.until(lambda: bool(crew.observer.public.get("winner")))
        assert crew.observer.public["winner"] != "nobody"
        rows = (await crew.documents.read_fields(f"agents/{agent}") for agent in TRANSPORTS)
        assert [row["process"] async for row in rows if row] == [f"client-{agent}" for agent in TRANSPORTS]
        for agent, client in zip(TRANSPORTS, clients, strict=True):
            client.child.terminate()
            assert await client.ended() == 0, client.text
            sent = [Command.model_validate(json.loads(line)) for line in (tmp_path / agent).read_text().splitlines()]
            assert {command.kind for command in sent} >= {"mesh.join", "mafia.sit", "mesh.leave"}
            crew.sent.extend(sent)
        await crew.until_stored("agents/w5", lambda row: row["status"] == "left")
