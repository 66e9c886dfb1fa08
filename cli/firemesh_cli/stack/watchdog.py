"""The process that owns the emulators and ends them, whatever becomes of the program that wanted them.

Run as a script with one argument, a JSON object:

    command   list of strings: what to run
    cwd       its working folder; also takes its output, in the file `output`
    output    path of the file for its output
    mark      "NAME=value", already in the environment, which every descendant inherits
    remove    list of paths to delete at the end

Standard input is a pipe held open by the parent. It closes when the parent closes it or dies, also by SIGKILL; then
every process that carries the mark is killed. A process group is not enough: firebase-tools gives each emulator a group
of its own and leaves function workers behind. SIGKILL at once, because the emulators keep their data in memory and have
nothing to save.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

SWEEP_SECONDS_MAX = 30.0
SWEEP_PAUSE_SECONDS = 0.02


def main() -> int:
    """Run the command until it ends or the parent lets go; leave nothing behind. Returns the command's exit status."""
    task = json.loads(sys.argv[1])
    mark = task["mark"].encode()
    # The terminal's Ctrl-C and hang-up are the parent's business; it answers by closing the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with open(task["output"], "wb") as output:
        child = subprocess.Popen(
            task["command"],
            cwd=task["cwd"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    signal.signal(signal.SIGTERM, lambda *_: _kill(child.pid))
    threading.Thread(target=_await_parent, args=(child.pid,), daemon=True).start()
    status = child.wait()
    sweep(mark)
    for path in map(Path, task["remove"]):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return status if status >= 0 else 128 - status


def _await_parent(pid: int) -> None:
    sys.stdin.buffer.read()
    _kill(pid)


def sweep(mark: bytes) -> None:
    """Kill every process with the mark until none is left: one may start another while it dies.

    Looks once more when none was found: a program that is just being loaded has no environment for a moment.
    """
    deadline = time.monotonic() + SWEEP_SECONDS_MAX
    found_none = 0
    while found_none < 2 and time.monotonic() < deadline:
        living = [pid for pid in marked(mark) if pid != os.getpid()]
        found_none = 0 if living else found_none + 1
        for pid in living:
            _kill(pid)
        time.sleep(SWEEP_PAUSE_SECONDS)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def marked(mark: bytes) -> Iterator[int]:
    """Living processes of this user whose environment holds the mark."""
    processes = Path("/proc")
    if not (processes / "self" / "environ").exists():
        yield from _marked_by_ps(mark)
        return
    for folder in processes.iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    yield int(folder.name)


def _marked_by_ps(mark: bytes) -> Iterator[int]:
    """The same where there is no /proc (macOS)."""
    listing = subprocess.run(["ps", "-A", "-E", "-ww", "-o", "pid=,command="], capture_output=True, check=False).stdout
    for line in listing.splitlines():
        pid, _, command = line.strip().partition(b" ")
        if pid.isdigit() and mark in command.split():
            yield int(pid)


if __name__ == "__main__":
    sys.exit(main())
