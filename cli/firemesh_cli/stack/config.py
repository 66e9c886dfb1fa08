"""The configuration one stack gives to firebase-tools: firebase.json on ports of its own."""

import copy
import json
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firemesh.errors import LocalStackError

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """The TCP ports of one stack on 127.0.0.1."""

    firestore: int
    websocket: int
    hub: int
    logging: int


def free_ports() -> Ports:
    """Four ports nobody listens on now. Another program may take one before the emulators do: then start again."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(4)]
    try:
        for each in sockets:
            each.bind((HOST, 0))
        return Ports(*(each.getsockname()[1] for each in sockets))
    finally:
        for each in sockets:
            each.close()


def emulator_config(base: Mapping[str, Any], ports: Ports, python: Sequence[int]) -> dict[str, Any]:
    """`base` (the content of firebase.json) on `ports`, for functions of interpreter `python` (major, minor)."""
    config: dict[str, Any] = copy.deepcopy(dict(base))
    functions = config.get("functions", [])
    for source in functions if isinstance(functions, list) else [functions]:
        source["runtime"] = f"python{python[0]}{python[1]}"
    emulators = {
        "firestore": {"host": HOST, "port": ports.firestore, "websocketPort": ports.websocket},
        "hub": {"host": HOST, "port": ports.hub},
        "logging": {"host": HOST, "port": ports.logging},
        # The user interface is a separate download.
        "ui": {"enabled": False},
    }
    config["emulators"] = {**config.get("emulators", {}), **emulators}
    return config


def write_config(root: Path, name: str, ports: Ports) -> Path:
    """Write one stack's configuration beside firebase.json, so that the relative paths in it hold.

    Raises:
        LocalStackError: firebase.json is missing or not JSON, or the rules it names are missing: without them the
            emulator would start all the same and allow everything.
    """
    source = root / "firebase.json"
    try:
        base = json.loads(source.read_text())
    except (OSError, ValueError) as error:
        raise LocalStackError(f"{source} cannot be read: {error}") from error
    rules = base.get("firestore", {}).get("rules", "firestore.rules")
    if not (root / rules).is_file():
        raise LocalStackError(f"firebase.json names the security rules {rules}, and {root / rules} is missing")
    path = root / f".firemesh-stack-{name}.json"
    path.write_text(json.dumps(emulator_config(base, ports, sys.version_info[:2]), indent=2) + "\n")
    return path
