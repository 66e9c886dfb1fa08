"""What a stack starts with: the tools found on this machine, and the environment they run in."""

import os
from dataclasses import dataclass
from pathlib import Path

from firemesh.errors import LocalStackError
from firemesh_cli.stack import locate

FUNCTION_WORKERS_MAX = 12
"""Calls of functions at once, each in a process of about 135 MB that starts when it is needed; further calls wait.

An event stream is a call of up to a minute.
"""
FUNCTIONS_LOADED_SECONDS_MAX = 120
"""For the functions to tell what they are, and for each process of one to answer. Left alone firebase-tools gives up after 10
and 30: too few for a busy machine."""

PRELOAD = Path(__file__).with_name("firebase_preload.cjs")

# Quick to start, few threads; each was measured (2.1 s to 1.7 s until ready, on two cores).
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData"


@dataclass(frozen=True, slots=True)
class EmulatorTools:
    """What has been found on this machine, below the checkout at `root` and elsewhere."""

    root: Path
    node: Path
    firebase: Path
    java: Path
    emulator_jar: Path


def find_tools(root: Path | None) -> EmulatorTools:
    """All that the emulators need. Raises LocalStackError naming the first thing that is missing, and how to mend it."""
    if root is None:
        raise LocalStackError("there is no Firemesh checkout here; run this inside one")
    node = locate.find_node()
    if node is None or node.major < locate.NODE_MAJOR_MIN:
        raise LocalStackError(f"Node >= {locate.NODE_MAJOR_MIN} is missing; `make doctor` says how to mend it")
    firebase = locate.find_firebase(root)
    if firebase is None:
        raise LocalStackError("firebase-tools is not installed; run `make setup`")
    java = locate.find_java(root)
    if java is None:
        raise LocalStackError(f"Java >= {locate.JAVA_MAJOR_MIN} is missing; run `make setup`")
    emulator = locate.find_emulator()
    if emulator is None:
        named = os.environ.get("FIRESTORE_EMULATOR_BINARY_PATH")
        missing = f"FIRESTORE_EMULATOR_BINARY_PATH names {named}, which" if named else "the Firestore emulator"
        raise LocalStackError(f"{missing} is missing; `make doctor` says how to mend it")
    return EmulatorTools(root, node.path, firebase, java.path, locate.runnable_jar(emulator, root / ".firemesh" / "emulator"))


def emulator_environment(tools: EmulatorTools, scratch: Path) -> dict[str, str]:
    """The environment of firebase-tools and all it starts; temporary files go to `scratch`."""
    environ = dict(os.environ)
    # A stack inside a stack's environment must not inherit the outer one's emulators.
    for name in ("FIRESTORE_EMULATOR_HOST", "FIREBASE_AUTH_EMULATOR_HOST", "FIREBASE_EMULATOR_HUB", "FIREBASE_CONFIG"):
        environ.pop(name, None)
    options = [os.environ.get("JDK_JAVA_OPTIONS", ""), JAVA_OPTIONS, f'"-Djava.io.tmpdir={scratch}"']
    return environ | {
        "PATH": f"{tools.java.parent}{os.pathsep}{environ.get('PATH', '')}",
        "JAVA_HOME": str(tools.java.resolve().parent.parent),
        "JDK_JAVA_OPTIONS": " ".join(filter(None, options)),
        "FIRESTORE_EMULATOR_BINARY_PATH": str(tools.emulator_jar),
        # firebase-tools registers each suite by project in the temporary folder; two of one project would quarrel.
        "TMPDIR": str(scratch),
        "FUNCTIONS_EMULATOR_PARALLEL": str(FUNCTION_WORKERS_MAX),
        "FUNCTIONS_DISCOVERY_TIMEOUT": environ.get("FUNCTIONS_DISCOVERY_TIMEOUT", str(FUNCTIONS_LOADED_SECONDS_MAX)),
        "NODE_OPTIONS": f'{environ.get("NODE_OPTIONS", "")} --require="{PRELOAD}"'.strip(),
        # Ask nothing, and fetch no message of the day.
        "CI": "1",
        # Nor ask Google's cloud for credentials: not every network answers such a question soon.
        "METADATA_SERVER_DETECTION": "none",
    }
