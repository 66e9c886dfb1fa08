"""Start the emulators, await their readiness, and be sure that they end."""

import contextlib
import http.client
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from firemesh.errors import LocalStackError
from firemesh_cli.stack import locate
from firemesh_cli.stack.config import (
    HOST,
    Ports,
    function_url,
    functions_environment,
    local_pepper,
    reserved_ports,
    write_config,
)
from firemesh_cli.stack.desk import Desk
from firemesh_cli.stack.emulator_tools import EmulatorTools, emulator_environment, find_tools
from firemesh_cli.stack.reading import MeterReading
from firemesh_cli.stack.site import ensure_site, lay_out_site, publish_desk, publish_guest_key, publish_seats
from firemesh_cli.stack.task_server import TaskServer
from firemesh_cli.stack.watchdog import sweep

PROJECT = "demo-firemesh"
"""A project id that starts with `demo-` keeps firebase-tools away from real projects and from any login."""

START_ATTEMPTS_MAX = 3
LOG_FOLDERS_MAX = 20
STOP_SECONDS_MAX = 60.0
POLL_SECONDS = 0.02
ANSWER_SECONDS_MAX = 10.0
SWITCH_SECONDS_MAX = 60.0
WATCH_SECONDS = 1.0
SILENCES_MAX = 3
ERROR_LINES_MAX = 2
READY = "All emulators ready"
FIRESTORE_READY = "Firestore Emulator was started"
PORT_TAKEN = re.compile("port taken|address already in use", re.IGNORECASE)
FUNCTIONS_LOADED = "Loaded functions definitions"
MARK = "FIREMESH_STACK"


class _PortTaken(Exception):
    """Somebody else took a port between our choice and the emulator's start."""


class LocalStack:
    """The Firebase emulators as one unit: `with LocalStack() as stack: ... stack.firestore_host`.

    Everything listens on 127.0.0.1, on ports of this stack's own, so that several run side by side. The processes end
    with the block, and also when this process dies in any way. Logs stay in `log_folder`.
    """

    def __init__(
        self,
        root: Path | None = None,
        *,
        project: str = PROJECT,
        functions: bool = False,
        metered: bool = False,
        functions_later: bool = False,
        start_timeout_seconds: float = 300.0,
    ) -> None:
        """A stack of the checkout at `root` (default: the one this program belongs to). Nothing is started yet.

        Firestore always runs. With `functions` our functions, the emulators of Authentication and hosting, and a stand-in
        for Cloud Tasks do too. `metered` functions reach Firestore through the billing meter that the caller starts on
        `meter_port`. With `functions_later` the start waits for Firestore alone; `functions_ready` tells of the rest.
        """
        self.project = project
        self._functions = functions
        self._metered = metered
        self._functions_later = functions_later
        self._tasks: TaskServer | None = None
        self._root = root or locate.project_root()
        self._start_timeout_seconds = start_timeout_seconds
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._name = ""
        self._ports: Ports | None = None
        self._reserved = contextlib.ExitStack()
        self._log_folder: Path | None = None
        self._site: Path | None = None
        self._site_open = False

    @property
    def firestore_host(self) -> str:
        """Where the Firestore emulator listens: "127.0.0.1:port".

        Raises:
            LocalStackError: the stack is not running.
        """
        if self._ports is None:
            raise LocalStackError("the local stack is not running; start it with `with LocalStack() as stack:`")
        return f"{HOST}:{self._ports.firestore}"

    @property
    def api_url(self) -> str:
        """Where the REST interface answers: the address before /v1.

        Raises:
            LocalStackError: the stack is not running, or runs without functions.
        """
        return self.function_url("api")

    def function_url(self, function: str) -> str:
        """Where a function answers; a scheduled one under its name and "-0". Raises what `api_url` raises."""
        if self._ports is None or not self._functions:
            raise LocalStackError("no functions are running; start them with `with LocalStack(functions=True) as stack:`")
        return function_url(self._ports, self.project, function)

    @property
    def tasks(self) -> TaskServer:
        """The stand-in for Cloud Tasks. Raises what `api_url` raises."""
        if self._tasks is None:
            raise LocalStackError("no tasks are kept; start them with `with LocalStack(functions=True) as stack:`")
        return self._tasks

    @property
    def meter_port(self) -> int:
        """Where metered functions expect the billing meter; 0, which is any port, when nobody does."""
        return self._ports.meter if self._ports is not None and self._metered else 0

    @property
    def site_url(self) -> str:
        """Where hosting answers, with the REST interface and its event streams below /api. Raises what `api_url` raises."""
        if self._ports is None or not self._functions:
            raise LocalStackError("hosting is not running; start it with `with LocalStack(functions=True) as stack:`")
        return f"http://{HOST}:{self._ports.hosting}"

    @contextlib.contextmanager
    def with_desk(self, *, key: str, bill: Callable[[], MeterReading], kill_leader: Callable[[str], str]) -> Iterator[Desk]:
        """Let pages of the site operate with this key, read the bill, and kill who leads, as long as the block lasts.

        See `Desk`. Raises what `api_url` raises.
        """
        site, folder = self.site_url, self._site
        assert folder is not None
        with Desk(site, bill=bill, kill_leader=kill_leader) as desk:
            publish_desk(folder, {"url": desk.url, "secret": desk.secret, "key": key})
            try:
                yield desk
            finally:
                publish_desk(folder, None)

    @property
    def auth_host(self) -> str:
        """Where the emulator of Authentication listens. Raises what `api_url` raises."""
        if self._ports is None or not self._functions:
            raise LocalStackError("Authentication is not running; start it with `with LocalStack(functions=True) as stack:`")
        return f"{HOST}:{self._ports.auth}"

    @property
    def log_folder(self) -> Path:
        """The folder with the logs of this stack; it remains after the end.

        Raises:
            LocalStackError: the stack was never started.
        """
        if self._log_folder is None:
            raise LocalStackError("the local stack has not been started, so it has no logs")
        return self._log_folder

    @property
    def alive(self) -> bool:
        """Whether the emulators run and answer. firebase-tools stays when its emulator is killed, so both are asked."""
        return self._supervised and self._ports is not None and _answers(self._ports.firestore)

    def environment(self) -> dict[str, str]:
        """What a child process needs in its environment to talk to this stack, and to nothing else."""
        around = [os.environ.get(name, "") for name in ("NO_PROXY", "no_proxy")]
        direct = ",".join(dict.fromkeys(part for part in [*around, HOST, "localhost"] if part))
        return {
            "FIRESTORE_EMULATOR_HOST": self.firestore_host,
            "GCLOUD_PROJECT": self.project,
            "GOOGLE_CLOUD_PROJECT": self.project,
            # gRPC would send even local calls through a configured proxy.
            "NO_PROXY": direct,
            "no_proxy": direct,
            **self._functions_environment(),
        }

    def _functions_environment(self) -> dict[str, str]:
        if not self._functions or self._root is None:
            return {}
        return {
            "FIREBASE_AUTH_EMULATOR_HOST": self.auth_host,
            "FIREMESH_API_URL": self.api_url,
            "FIREMESH_SITE_URL": self.site_url,
            "API_KEY_PEPPER": local_pepper(self._root),
        }

    def owned_environment(self) -> dict[str, str]:
        """The same for a process that must not outlive this stack: it is killed with the emulators at the latest."""
        return {**self.environment(), MARK: self._name}

    def start(self) -> Self:
        """Start the emulators and return when they answer.

        Raises:
            LocalStackError: something is missing, or the emulators did not get ready; the message says what.
        """
        if self._watchdog is not None:
            raise LocalStackError("this local stack was started before; make another one")
        tools = find_tools(self._root)
        if self._functions:
            ensure_site(tools.root, tools.node)
        self._log_folder = _new_log_folder(tools.root)
        for _ in range(START_ATTEMPTS_MAX):
            ports = self._reserved.enter_context(reserved_ports())
            try:
                self._spawn(tools, ports)
                self._await_ready(ports, FIRESTORE_READY if self._functions_later else READY)
                if self._functions and not self._functions_later:
                    self._open_site(ports)
            except _PortTaken:
                self.stop()
                continue
            except BaseException:
                self.stop()
                raise
            self._ports = ports
            return self
        raise LocalStackError(f"{START_ATTEMPTS_MAX} times another program took a port first; see {self._output}")

    def functions_ready(self, within_seconds: float = 0.0) -> bool:
        """Whether functions and hosting answer, too, by then: for a stack that was started with `functions_later`.

        Raises:
            LocalStackError: they never will; the message says why.
        """
        if self._ports is None or not self._functions:
            raise LocalStackError("no functions are running; start them with `with LocalStack(functions=True) as stack:`")
        deadline = time.monotonic() + within_seconds
        try:
            while not self._site_open and not self._has_said(READY):
                if time.monotonic() >= deadline:
                    return False
                time.sleep(POLL_SECONDS)
        except _PortTaken as error:
            raise LocalStackError(f"another program took a port of the functions; see {self._output}") from error
        if not self._site_open:
            self._open_site(self._ports)
        return True

    def publish_seats(self, mesh_id: str, key: str) -> None:
        """Let this stack's pages take over seats of a mesh with this key. Raises what `api_url` raises."""
        if self._site is None:
            raise LocalStackError("hosting is not running; start it with `with LocalStack(functions=True) as stack:`")
        publish_seats(self._site, mesh_id, key)

    def switch_triggers(self, *, on: bool) -> None:
        """Have the functions hear of new documents, as they do from the start, or not. Takes up to some seconds.

        The emulator does not give scheduled functions back: `rearm` stays off once triggers were.

        Raises:
            LocalStackError: the emulators would not.
        """
        ports = self._ports
        verb = "enable" if on else "disable"
        path = f"/functions/{verb}BackgroundTriggers"
        if ports is None or not _answers(ports.hub, "PUT", path, seconds_max=SWITCH_SECONDS_MAX):
            raise LocalStackError(f"the emulators did not {verb} the triggers of the functions; see {self.log_folder}")

    def stop(self) -> None:
        """End every process of this stack. Harmless when it has ended before."""
        watchdog, self._watchdog, self._ports = self._watchdog, None, None
        try:
            if watchdog is not None:
                self._end(watchdog)
        finally:
            self._reserved.close()
            tasks, self._tasks = self._tasks, None
            if tasks is not None:
                tasks.stop()

    def _end(self, watchdog: subprocess.Popen[bytes]) -> None:
        if watchdog.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                watchdog.stdin.close()
        try:
            watchdog.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired as error:
            watchdog.kill()
            watchdog.wait()
            raise LocalStackError(f"the emulators did not end in {STOP_SECONDS_MAX:.0f} s; see {self._output}") from error
        if watchdog.returncode < 0:
            # Somebody killed the watchdog itself, so its work is ours.
            sweep(f"{MARK}={self._name}".encode())

    def wait(self) -> None:
        """Block until the emulators end by themselves, or no longer answer."""
        silences = 0
        while self._watchdog is not None and silences < SILENCES_MAX:
            silences = 0 if self.alive else silences + 1
            try:
                self._watchdog.wait(WATCH_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            return

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def _emulators(self) -> tuple[str, ...]:
        return ("firestore", "functions", "auth", "hosting") if self._functions else ("firestore",)

    @property
    def _supervised(self) -> bool:
        return self._watchdog is not None and self._watchdog.poll() is None

    @property
    def _output(self) -> Path:
        return self.log_folder / "emulators.log"

    def _spawn(self, tools: EmulatorTools, ports: Ports) -> None:
        self._name = name = f"{os.getpid()}-{secrets.token_hex(4)}"
        for log in self.log_folder.glob("*.log"):
            log.unlink()  # of the attempt before
        scratch = self.log_folder / "tmp"
        scratch.mkdir(exist_ok=True)
        self._site = lay_out_site(tools.root, scratch / "site") if self._functions else None
        config = write_config(tools.root, name, ports, self._site)
        environment = emulator_environment(tools, scratch)
        if self._functions:
            local_pepper(tools.root)
            self._tasks = TaskServer().start()
            environment |= functions_environment(ports, self.project, self._tasks.host, metered=self._metered)
        task = {
            "command": [
                str(tools.firebase),
                *("emulators:start", "--only", ",".join(self._emulators), "--project", self.project, "--config", str(config)),
            ],
            "cwd": str(self.log_folder),
            "output": str(self._output),
            "mark": f"{MARK}={name}",
            "remove": [str(config), str(scratch)],
        }
        script = Path(__file__).with_name("watchdog.py")
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", str(script), json.dumps(task)],
            env={**environment, MARK: name},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _await_ready(self, ports: Ports, word: str) -> None:
        """Wait for this word of firebase-tools, then for an answer of Firestore.

        An answer alone proves nothing: on a port taken by another stack, that other stack would answer.
        """
        deadline = time.monotonic() + self._start_timeout_seconds
        while time.monotonic() < deadline:
            if self._has_said(word) and _answers(ports.firestore):
                return
            time.sleep(POLL_SECONDS)
        raise LocalStackError(
            f"the emulators were not ready after {self._start_timeout_seconds:.0f} s: "
            f"{_essence(self.log_folder)} (log: {self._output})"
        )

    def _has_said(self, word: str) -> bool:
        """Whether firebase-tools has said this. Raises when it has ended."""
        ended = not self._supervised
        has_said = word in _text(self._output)
        if ended:
            self._raise_ended()
        return has_said

    def _open_site(self, ports: Ports) -> None:
        """Let guests in. The emulators get ready without the functions, too, when those cannot be loaded."""
        if FUNCTIONS_LOADED not in _text(self._output):
            essence = _essence(self.log_folder)
            raise LocalStackError(f"the functions could not be loaded: {essence} (log: {self._output})")
        if self._site is not None and self._root is not None:
            publish_guest_key(self._site, self.project, f"{HOST}:{ports.firestore}", local_pepper(self._root))
        self._site_open = True

    def _raise_ended(self) -> None:
        if any(PORT_TAKEN.search(_text(log)) for log in self.log_folder.glob("*.log")):
            raise _PortTaken
        raise LocalStackError(f"the emulators ended before they were ready: {_essence(self.log_folder)} (log: {self._output})")


def _new_log_folder(root: Path) -> Path:
    """A fresh folder for one stack's logs; the oldest beyond LOG_FOLDERS_MAX are removed."""
    logs = root / ".firemesh" / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    for old in sorted(logs.iterdir())[: -(LOG_FOLDERS_MAX - 1)]:
        if not (old / "tmp").exists():  # removed by the watchdog at the end, so: still running
            shutil.rmtree(old, ignore_errors=True)
    folder = logs / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{secrets.token_hex(2)}"
    folder.mkdir()
    return folder


def _answers(port: int, method: str = "GET", path: str = "/", *, seconds_max: float = ANSWER_SECONDS_MAX) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=seconds_max)
    try:
        connection.request(method, path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _text(log: Path) -> str:
    return log.read_text(errors="replace") if log.exists() else ""


def _essence(log_folder: Path) -> str:
    """What the logs of a failed start say, on one line: the errors in them, else the last words."""
    text = "\n".join(_text(path) for path in sorted(log_folder.glob("*.log")) if path.name != "firebase-debug.log")
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip(" \t,") for line in text.splitlines()]
    lines = [line for line in lines if line]
    errors = [line for line in lines if re.search(r"^Error|has exited|already in use", line)]
    return "; ".join((errors or lines)[-ERROR_LINES_MAX:]) or "nothing was logged"
