"""What Firemesh needs from a machine, what is there, and how to mend the rest.

Standard library only: the bootstrap uses this module before any package is installed.
"""

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from firemesh_cli.stack import locate

NODE_MEND = f"install Node >= {locate.NODE_MAJOR_MIN} with npm (your system's packages, nvm, or nodejs.org)"
JAVA_MEND = f"run `make setup`, which brings one, or install any Java >= {locate.JAVA_MAJOR_MIN} (JRE suffices)"
EMULATOR_MEND = (
    "run `make setup` once with access to the network, or `gcloud components install cloud-firestore-emulator`, "
    "or name its JAR in FIRESTORE_EMULATOR_BINARY_PATH"
)
CHROMIUM_MEND = "install Chromium or Chrome (your system's packages), or name one in FIREMESH_CHROMIUM"
SETUP_MEND = "run `make setup`"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing needed: whether it is there, what was found, and how to mend it."""

    name: str
    ok: bool
    found: str
    mend: str


def machine_checks(root: Path) -> Iterator[Check]:
    """Every check, in the order in which one would mend them."""
    yield _python(root)
    yield _node()
    npm = shutil.which("npm")
    yield Check("npm", npm is not None, npm or "missing", NODE_MEND)
    yield _stamped(root, "Python packages", "requirements-dev.txt", python_packages_are_current(root))
    yield _stamped(root, "this project in .venv", "pyproject.toml", project_is_current(root))
    yield _functions_venv(root)
    yield _stamped(root, "firebase-tools", "package-lock.json", node_packages_are_current(root))
    java = locate.find_java(root)
    yield Check("Java", java is not None, f"{java.version}, {java.path}" if java else "missing", JAVA_MEND)
    yield _emulator()
    chromium = locate.find_chromium()
    yield Check("Chromium, for the tests", chromium is not None, str(chromium or "missing"), CHROMIUM_MEND)


def venv_python(root: Path) -> tuple[int, ...] | None:
    """The version of the interpreter in .venv; None when there is none that could run.

    A .venv made elsewhere and moved counts as none: its programs name the old place.
    """
    settings = root / ".venv" / "pyvenv.cfg"
    if not settings.is_file() or not (root / ".venv" / "bin" / "python").exists():
        return None
    text = settings.read_text()
    made_by = re.search(r"^command = (.*)$", text, re.MULTILINE)
    if made_by and not made_by[1].rstrip().endswith(str(root / ".venv")):
        return None
    match = re.search(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)\.(\d+)", text, re.MULTILINE)
    return tuple(int(number) for number in match.groups()) if match else None


def python_packages_stamp(root: Path) -> str:
    """Changes with the pinned Python packages and with the interpreter they are installed for."""
    return _digest(root / "requirements-dev.txt", str(venv_python(root)))


def project_stamp(root: Path) -> str:
    """Changes with pyproject.toml and with the place of the checkout, which the editable install records."""
    return _digest(root / "pyproject.toml", str(root), str(venv_python(root)))


def node_packages_stamp(root: Path) -> str:
    """Changes with the pinned npm packages."""
    return _digest(root / "package-lock.json")


def python_packages_are_current(root: Path) -> bool:
    """Whether .venv holds the pinned packages."""
    return _read(python_packages_mark(root)) == python_packages_stamp(root)


def project_is_current(root: Path) -> bool:
    """Whether .venv holds this project, installed in place."""
    return (root / ".venv/bin/firemesh").exists() and _read(project_mark(root)) == project_stamp(root)


def node_packages_are_current(root: Path) -> bool:
    """Whether node_modules holds the pinned packages."""
    return locate.find_firebase(root) is not None and _read(node_packages_mark(root)) == node_packages_stamp(root)


def python_packages_mark(root: Path) -> Path:
    """The file that says which packages .venv holds."""
    return root / ".venv" / "firemesh-packages"


def project_mark(root: Path) -> Path:
    """The file that says which pyproject.toml is installed in .venv."""
    return root / ".venv" / "firemesh-project"


def node_packages_mark(root: Path) -> Path:
    """The file that says which packages node_modules holds."""
    return root / "node_modules" / ".firemesh-packages"


def _python(root: Path) -> Check:
    version = venv_python(root)
    if version is None:
        return Check("Python in .venv", False, "missing", SETUP_MEND)
    text = f"{'.'.join(map(str, version))}, {(root / '.venv/bin/python').resolve()}"
    return Check("Python in .venv", version >= (3, 11), text, "run `make clean setup`")


def _node() -> Check:
    node = locate.find_node()
    if node is None:
        return Check("Node", False, "missing", NODE_MEND)
    return Check("Node", node.major >= locate.NODE_MAJOR_MIN, f"{node.version}, {node.path}", NODE_MEND)


def _stamped(root: Path, name: str, lock: str, current: bool) -> Check:
    found = f"as pinned in {lock}" if current else f"missing, or other than {root.name}/{lock} says"
    return Check(name, current, found, SETUP_MEND)


def _functions_venv(root: Path) -> Check:
    link = root / "functions" / "venv"
    ok = (link / "bin" / "python").exists()
    return Check("functions/venv", ok, f"-> {os.readlink(link)}" if link.is_symlink() else "missing", SETUP_MEND)


def _emulator() -> Check:
    emulator = locate.find_emulator()
    if emulator is not None:
        return Check("Firestore emulator", True, f"from {emulator.origin}, {emulator.jar}", EMULATOR_MEND)
    named = os.environ.get("FIRESTORE_EMULATOR_BINARY_PATH")
    found = f"FIRESTORE_EMULATOR_BINARY_PATH names {named}, which is no file" if named else "missing"
    return Check("Firestore emulator", False, found, EMULATOR_MEND)


def report(root: Path) -> int:
    """Print every check as a table. Returns 0 when all is there, else 1."""
    checks = list(machine_checks(root))
    width = max(len(check.name) for check in checks)
    for check in checks:
        print(f"{'ok     ' if check.ok else 'MISSING'}  {check.name:<{width}}  {check.found}")
        if not check.ok:
            print(f"{'':9}{'':{width}}  mend: {check.mend}")
    missing = sum(not check.ok for check in checks)
    print(f"\n{missing} of {len(checks)} to mend" if missing else "\nall is there", file=sys.stdout)
    return 1 if missing else 0


def _digest(path: Path, *words: str) -> str:
    digest = hashlib.sha256(path.read_bytes() if path.is_file() else b"")
    for word in words:
        digest.update(b"\0" + word.encode())
    return digest.hexdigest()


def _read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
