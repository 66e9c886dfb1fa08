"""Brings programs and clients of other systems here, below the checkout: nothing is installed, no service is started.

Programs come from Debian: `apt-get download` and `dpkg -x`, which need no privileges. Clients come from PyPI, as pinned in
requirements-peers.txt, into a folder that only measured clients have on their path.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from firemesh.errors import LocalStackError

FETCH_SECONDS_MAX = 120
PINS = "requirements-peers.txt"
VERSION = "firemesh-version"
"""A file beside the unpacked packages."""


def program(root: Path, name: str, packages: Sequence[str]) -> Path:
    """The path of a program out of Debian packages. Raises LocalStackError as `unpacked` does, or when they lack it."""
    folder = unpacked(root, packages)
    here = shutil.which(name, path=os.pathsep.join(str(folder / each) for each in ("usr/bin", "usr/sbin")))
    if here is None:
        raise LocalStackError(f"there is no {name} in the Debian packages {', '.join(packages)}")
    return Path(here)


def version(root: Path, packages: Sequence[str]) -> str:
    """The version of the first of these packages, which have been unpacked."""
    return (_folder(root) / packages[0] / VERSION).read_text()


def unpacked(root: Path, packages: Sequence[str]) -> Path:
    """A folder with the content of these Debian packages, downloaded once.

    Raises:
        LocalStackError: this is no Debian, or it cannot download them.
    """
    folder = _folder(root) / packages[0]
    if folder.is_dir():
        return folder
    draft = folder.with_name(f"{folder.name}.{os.getpid()}")
    archives = draft / "archives"
    archives.mkdir(parents=True)
    try:
        _run(["apt-get", "download", "-qq", *packages], archives)
        for archive in sorted(archives.glob("*.deb")):
            _run(["dpkg", "-x", archive.name, str(draft)], archives)
            if archive.name.startswith(f"{packages[0]}_"):
                (draft / VERSION).write_text(upstream_version(archive.name))
        shutil.rmtree(archives)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def upstream_version(archive: str) -> str:
    """Of the name of a package's file: `redis-server_5%3a7.0.15-1~deb12u10_amd64.deb` has 7.0.15."""
    return archive.split("_")[1].rpartition("%3a")[2].partition("-")[0].partition("+")[0]


def library_path(program_path: Path) -> str:
    """Where an unpacked program finds its libraries; for LD_LIBRARY_PATH."""
    return os.pathsep.join(map(str, program_path.parent.parent.glob("lib/*-linux-gnu")))


def python_clients(root: Path) -> Path:
    """A folder for PYTHONPATH with the pinned clients, installed once.

    Raises:
        LocalStackError: pip could not install them.
    """
    pins = root / PINS
    stamp = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = _folder(root) / f"python-{stamp}"
    if not folder.is_dir():
        draft = folder.with_name(f"{folder.name}.{os.getpid()}")
        pip = [sys.executable, "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        try:
            _run([*pip, "--require-hashes", "--target", str(draft), "-r", str(pins)], root)
            draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return folder


def _folder(root: Path) -> Path:
    folder = root / ".firemesh" / "peers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _run(command: Sequence[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=FETCH_SECONDS_MAX, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LocalStackError(f"{command[0]}: {error}") from error
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise LocalStackError(f"{' '.join(command[:2])} failed: {words[-1] if words else done.returncode}")
