"""One stack's configuration: firebase.json, elsewhere."""

import json
import socket
import sys
from dataclasses import astuple
from pathlib import Path

import pytest

from firemesh.errors import LocalStackError
from firemesh_cli.stack.config import (
    HOST,
    Ports,
    emulator_config,
    functions_environment,
    local_pepper,
    reserved_ports,
    write_config,
)

PORTS = Ports(firestore=1, websocket=2, hub=3, logging=4, functions=5, auth=6, hosting=7, tasks=8, eventarc=9, meter=10)


def can_listen(port: int, *, naming_it: bool) -> bool:
    """Whether a server gets a port: one that names it, as the emulators do, or one that would take any."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(naming_it))
        try:
            server.bind((HOST, port))
            server.listen()
        except OSError:
            return False
        return True


def test_ports_of_one_stack_differ_and_are_kept_for_whoever_names_them() -> None:
    with reserved_ports() as ports:
        assert len(set(astuple(ports))) == 10
        assert all(can_listen(port, naming_it=True) for port in astuple(ports))
        if sys.platform == "linux":
            assert not any(can_listen(port, naming_it=False) for port in astuple(ports))


def test_config_keeps_the_rest_of_firebase_json_and_does_not_change_it() -> None:
    base = {"functions": [{"source": "functions", "runtime": "python313"}], "firestore": {"rules": "r"}, "emulators": {}}
    before = json.dumps(base)
    config = emulator_config(base, PORTS, (3, 11))
    assert json.dumps(base) == before
    assert config["firestore"] == {"rules": "r"}
    assert config["functions"] == [{"source": "functions", "runtime": "python311"}]


def test_every_emulator_listens_on_this_machine_alone() -> None:
    config = emulator_config({"emulators": {"singleProjectMode": True}}, PORTS, (3, 13))
    assert config["emulators"]["singleProjectMode"] is True
    assert config["emulators"]["ui"] == {"enabled": False}
    hosts = {name: row["host"] for name, row in config["emulators"].items() if isinstance(row, dict) and name != "ui"}
    assert set(hosts.values()) == {"127.0.0.1"}
    assert hosts.keys() == {"firestore", "hub", "logging", "functions", "auth", "hosting", "tasks", "eventarc"}


def test_functions_find_the_task_queue_and_the_meter_where_one_counts() -> None:
    plain = functions_environment(PORTS, "demo-p", "127.0.0.1:70", metered=False)
    assert plain["FIREMESH_TASKS_HOST"] == "127.0.0.1:70"
    assert plain["FIREMESH_WATCHDOG_URL"] == "http://127.0.0.1:5/demo-p/us-central1/watchdog"
    assert "FIREMESH_FIRESTORE_HOST" not in plain
    metered = functions_environment(PORTS, "demo-p", "127.0.0.1:70", metered=True)
    assert metered["FIREMESH_FIRESTORE_HOST"] == "127.0.0.1:10"


def test_local_pepper_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    (tmp_path / "functions").mkdir()
    made = local_pepper(tmp_path)
    assert len(made) == 64
    assert local_pepper(tmp_path) == made
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "functions").iterdir()] == [0o600]


def test_a_secret_file_without_a_pepper_is_named(tmp_path: Path) -> None:
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / ".secret.local").write_text("OTHER=1\n")
    with pytest.raises(LocalStackError, match="API_KEY_PEPPER"):
        local_pepper(tmp_path)


def test_config_lies_beside_firebase_json_so_that_relative_paths_hold(tmp_path: Path) -> None:
    (tmp_path / "firebase.json").write_text('{"firestore": {"rules": "x.rules"}}')
    (tmp_path / "x.rules").write_text("")
    assert write_config(tmp_path, "one", PORTS).parent == tmp_path


@pytest.mark.parametrize("content", [None, "{"])
def test_a_missing_or_broken_firebase_json_is_named(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "firebase.json").write_text(content)
    with pytest.raises(LocalStackError, match=r"firebase\.json cannot be read"):
        write_config(tmp_path, "one", PORTS)
