"""The local stack on real processes: it answers when it says so, and nothing outlives it."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firemesh.errors import LocalStackError
from firemesh_cli.stack.supervisor import LocalStack

WAIT_SECONDS_MAX = 120.0


def answers(host: str) -> bool:
    connection = http.client.HTTPConnection(host, timeout=WAIT_SECONDS_MAX)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def processes_naming(text: str) -> list[str]:
    """Living processes with `text` in their command line, and not as a part of another name or number."""
    named = re.compile(rf"(?<![\w-]){re.escape(text)}(?![\w-])")
    listing = subprocess.run(["ps", "-Aww", "-o", "pid=,stat=,args="], capture_output=True, text=True, check=True)
    rows = [line.split(None, 2) for line in listing.stdout.splitlines()]
    return [" ".join(row) for row in rows if len(row) == 3 and named.search(row[2]) and not row[1].startswith("Z")]


def kill_processes_naming(text: str) -> None:
    """The first one's end may be that of others."""
    for row in processes_naming(text):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(row.split()[0]), signal.SIGKILL)


def port_of(host: str) -> str:
    return host.rpartition(":")[2]


@pytest.fixture
def up() -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """A `firemesh up --json` in a process of its own, and what it printed."""
    command = [sys.executable, "-m", "firemesh_cli", "up", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_stack_answers_as_soon_as_it_is_entered(firestore_host: str) -> None:
    assert firestore_host.startswith("127.0.0.1:")
    assert answers(firestore_host)


def test_children_get_the_address_and_the_project(local_stack: LocalStack) -> None:
    environment = local_stack.environment()
    assert environment["FIRESTORE_EMULATOR_HOST"] == local_stack.firestore_host
    assert environment["GOOGLE_CLOUD_PROJECT"].startswith("demo-")
    assert "127.0.0.1" in environment["NO_PROXY"]


def test_two_stacks_run_side_by_side_and_end_apart(local_stack: LocalStack) -> None:
    with LocalStack() as second:
        host, logs = second.firestore_host, second.log_folder
        assert host != local_stack.firestore_host
        assert logs != local_stack.log_folder
        assert answers(host)
    assert not answers(host)
    assert processes_naming(port_of(host)) == []
    assert (logs / "emulators.log").stat().st_size > 0
    assert not (logs / "tmp").exists()
    assert answers(local_stack.firestore_host)
    with pytest.raises(LocalStackError, match="not running"):
        _ = second.firestore_host


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_the_parent_however_it_dies(
    up: tuple[subprocess.Popen[str], dict[str, str]], ending: signal.Signals
) -> None:
    process, said = up
    host = said["firestore_host"]
    assert answers(host)
    assert processes_naming(port_of(host)) != []
    process.send_signal(ending)
    status = process.wait(WAIT_SECONDS_MAX)
    assert status == (-signal.SIGKILL if ending is signal.SIGKILL else 130)
    assert eventually(lambda: not processes_naming(port_of(host)))
    assert eventually(lambda: not processes_naming(said["log_folder"])), "the watchdog is still there"
    assert not answers(host)


def test_death_of_the_emulator_is_said_not_ignored(up: tuple[subprocess.Popen[str], dict[str, str]]) -> None:
    process, said = up
    kill_processes_naming(port_of(said["firestore_host"]))
    assert process.wait(WAIT_SECONDS_MAX) == 1


def test_stack_ends_even_when_its_watchdog_was_killed() -> None:
    stack = LocalStack().start()
    host = stack.firestore_host
    kill_processes_naming(str(stack.log_folder))
    stack.stop()
    assert not answers(host)
    assert processes_naming(port_of(host)) == []


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The least that a stack needs of a checkout, in a folder of its own."""
    root = Path(__file__).parents[2]
    (tmp_path / "firebase.json").write_text('{"firestore": {"rules": "firestore.rules"}}')
    (tmp_path / "firestore.rules").write_text("")
    (tmp_path / "node_modules").symlink_to(root / "node_modules")
    (tmp_path / ".venv").symlink_to(root / ".venv")
    return tmp_path


def test_failed_start_gives_one_sentence_and_leaves_nothing(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = checkout / "broken.jar"
    broken.write_text("this is no JAR")
    monkeypatch.setenv("FIRESTORE_EMULATOR_BINARY_PATH", str(broken))
    # What the emulator itself said may be lost when firebase-tools ends; that it ended is always told, with the log.
    with pytest.raises(LocalStackError, match=r"^the emulators ended before they were ready: .*has exited with code.*\(log: "):
        LocalStack(checkout).start()
    assert processes_naming(str(checkout)) == []
    assert list(checkout.glob(".firemesh-stack-*")) == []


def test_missing_rules_are_refused_because_the_emulator_would_allow_everything(checkout: Path) -> None:
    (checkout / "firestore.rules").unlink()
    with pytest.raises(LocalStackError, match=r"security rules firestore\.rules"):
        LocalStack(checkout).start()


def test_missing_tools_are_named_with_the_way_to_mend_them(checkout: Path) -> None:
    (checkout / "node_modules").unlink()
    with pytest.raises(LocalStackError, match=r"firebase-tools is not installed; run `make setup`"):
        LocalStack(checkout).start()
