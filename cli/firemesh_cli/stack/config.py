"""The configuration one stack gives to firebase-tools: firebase.json on ports of its own."""

import contextlib
import copy
import json
import os
import re
import secrets
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from firemesh.errors import LocalStackError

HOST = "127.0.0.1"
REGION = "us-central1"


@dataclass(frozen=True, slots=True)
class Ports:
    """The TCP ports of one stack on 127.0.0.1."""

    firestore: int
    websocket: int
    hub: int
    logging: int
    functions: int
    auth: int
    hosting: int
    tasks: int
    eventarc: int
    meter: int


@contextlib.contextmanager
def reserved_ports() -> Iterator[Ports]:
    """Ports that nobody listens on, given to nobody else while the block lasts who takes any.

    On Linux a socket that is bound and does not listen keeps its port so, and hinders nobody who names it. Elsewhere it
    would, so there the ports are only free at first, and another program may take one before the emulators do.
    """
    with contextlib.ExitStack() as sockets:
        bound = [sockets.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) for _ in fields(Ports)]
        for each in bound:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.bind((HOST, 0))
        ports = Ports(*(each.getsockname()[1] for each in bound))
        if sys.platform != "linux":
            sockets.close()
        yield ports


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
        "functions": {"host": HOST, "port": ports.functions},
        "auth": {"host": HOST, "port": ports.auth},
        "hosting": {"host": HOST, "port": ports.hosting},
        # The functions emulator starts these two as well, wanted or not.
        "tasks": {"host": HOST, "port": ports.tasks},
        "eventarc": {"host": HOST, "port": ports.eventarc},
        # The user interface is a separate download.
        "ui": {"enabled": False},
    }
    config["emulators"] = {**config.get("emulators", {}), **emulators}
    _let_pages_reach_emulators(config)
    return config


def _let_pages_reach_emulators(config: dict[str, Any]) -> None:
    """The site's own policy names the addresses of production alone."""
    for rule in config.get("hosting", {}).get("headers", []):
        for header in rule["headers"]:
            if header["key"] == "Content-Security-Policy":
                header["value"] = header["value"].replace("connect-src 'self'", f"connect-src 'self' http://{HOST}:*")


def functions_environment(ports: Ports, project: str, tasks_host: str, *, metered: bool) -> dict[str, str]:
    """What the functions find in their environment besides what the functions emulator gives them."""
    return {
        "FIREMESH_TASKS_HOST": tasks_host,
        "FIREMESH_WATCHDOG_URL": function_url(ports, project, "watchdog"),
        **({"FIREMESH_FIRESTORE_HOST": f"{HOST}:{ports.meter}"} if metered else {}),
        # The client of Cloud Tasks would send even local calls through a configured proxy.
        "NO_PROXY": HOST,
        "no_proxy": HOST,
    }


def function_url(ports: Ports, project: str, function: str) -> str:
    """Where the functions emulator serves a function."""
    return f"http://{HOST}:{ports.functions}/{project}/{REGION}/{function}"


def write_config(root: Path, name: str, ports: Ports, site: Path | None = None) -> Path:
    """Write one stack's configuration beside firebase.json, so that the relative paths in it hold. It serves `site`.

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
    config = emulator_config(base, ports, sys.version_info[:2])
    if site is not None:
        config["hosting"] = {**config.get("hosting", {}), "public": str(site.relative_to(root))}
    path.write_text(json.dumps(config, indent=2) + "\n")
    return path


def local_pepper(root: Path) -> str:
    """The secret API_KEY_PEPPER of this checkout's emulators, made when it is missing. It guards nothing but local keys.

    The functions emulator looks for secrets in this one file, so all stacks of a checkout share it.
    """
    path = root / "functions" / ".secret.local"
    if not path.exists():
        draft = path.with_name(f".secret.{os.getpid()}.local")
        draft.write_text(f"API_KEY_PEPPER={secrets.token_hex(32)}\n")
        draft.chmod(0o600)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    match = re.search(r"^API_KEY_PEPPER=(\S+)$", path.read_text(), re.MULTILINE)
    if match is None:
        raise LocalStackError(f"{path} holds no line API_KEY_PEPPER=...; delete it, and it is made anew")
    return match[1]
