"""What is loaded into firebase-tools, in a program that asks as it does."""

import json
import subprocess
from pathlib import Path

from firemesh_cli.stack import emulator_tools

ROOT = Path(__file__).resolve().parents[3]
ASK = """
const http = require("node:http");
const portfinder = require("portfinder");
const asked = Array.from({ length: 20 }, () => portfinder.getPortPromise({ port: 8081 }));
Promise.all(asked).then((ports) => console.log(JSON.stringify({ ports, keeps: http.globalAgent.keepAlive })));
"""


def test_functions_that_start_at_once_get_ports_of_their_own_and_calls_connections_of_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    (folder / "ask.cjs").write_text(ASK)
    command = ["node", f"--require={emulator_tools.PRELOAD}", str(folder / "ask.cjs")]
    said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert len(set(said["ports"])) == 20
    assert said["keeps"] is False
