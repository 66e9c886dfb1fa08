"""Who may import whom, as a table. A new package gets a row before it gets an import."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (ROOT / "functions", ROOT / "cli")
OURS = ("firemesh", "firemesh_cli")
VENDOR = ("google", "grpc", "proto", "firebase_admin", "firebase_functions", "functions_framework")

PURE_IMPORTS = frozenset(
    "abc ast bisect collections copy dataclasses enum functools hashlib heapq importlib itertools json math operator "
    "pkgutil pydantic re string typing types unicodedata".split()
)
"""All that a pure module may import from outside: nothing with a clock, chance, a file, a network or a log."""

IMPURE_CALLS = frozenset({"open", "print", "input", "eval", "exec", "hash", "id"})
"""Builtins that do input or output, or differ from one process to the next."""


@dataclass(frozen=True)
class Layer:
    """What the modules under one name may import of ours, whether they are pure, whether they may see an SDK."""

    ours: tuple[str, ...]
    pure: bool = False
    vendor: bool = False
    stdlib_only: bool = False


LAYERS = {
    "firemesh.errors": Layer((), pure=True),
    "firemesh.ids": Layer(()),
    "firemesh.core": Layer(("firemesh.core", "firemesh.ids", "firemesh.errors"), pure=True),
    "firemesh.game": Layer(
        ("firemesh.game", "firemesh.core.machine", "firemesh.core.messages", "firemesh.ids", "firemesh.errors"),
        pure=True,
    ),
    "firemesh.store": Layer(("firemesh.store", "firemesh.core", "firemesh.ids", "firemesh.errors")),
    "firemesh.store.firestore": Layer(("firemesh.store", "firemesh.core", "firemesh.ids", "firemesh.errors"), vendor=True),
    "firemesh.runtime": Layer(("firemesh",)),
    "firemesh.hosting": Layer(
        (
            "firemesh.hosting",
            "firemesh.runtime",
            "firemesh.store",
            "firemesh.core",
            "firemesh.game",
            "firemesh.ids",
            "firemesh.errors",
        )
    ),
    "firemesh.hosting.service": Layer(("firemesh",)),
    "firemesh.hosting.cloud_tasks": Layer(("firemesh.hosting", "firemesh.errors"), vendor=True),
    "firemesh.client": Layer(
        ("firemesh.client", "firemesh.runtime", "firemesh.store", "firemesh.core", "firemesh.ids", "firemesh.errors")
    ),
    "firemesh.control_plane": Layer(("firemesh",)),
    "firemesh.control_plane.firebase_tokens": Layer(("firemesh.errors",), vendor=True),
    "firemesh": Layer(("firemesh",)),
    "firemesh_cli": Layer(OURS),
    "firemesh_cli.bench.floor": Layer(OURS, vendor=True),
    "firemesh_cli.stack.meter": Layer(OURS, vendor=True),
    # The bootstrap runs these before anything is installed; the watchdog is a script of its own.
    "firemesh_cli.stack.locate": Layer((), stdlib_only=True),
    "firemesh_cli.stack.checks": Layer(("firemesh_cli.stack.locate",), stdlib_only=True),
    "firemesh_cli.stack.watchdog": Layer((), stdlib_only=True),
}
"""The longest matching name rules."""


def within(module: str, names: tuple[str, ...]) -> bool:
    return any(module == name or module.startswith(name + ".") for name in names)


def layer_of(module: str) -> Layer:
    return LAYERS[max((name for name in LAYERS if within(module, (name,))), key=len)]


def imports_of(tree: ast.AST) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Line, module and imported names of every import, also of those inside functions; not those for types alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, ()
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or ""), tuple(alias.name for alias in node.names)
        else:
            yield from imports_of(node)


def import_fault(module: str, imported: str, names: tuple[str, ...]) -> str | None:
    """Why `module` may not have this import; None when it may."""
    layer = layer_of(module)
    top = imported.partition(".")[0]
    if imported.startswith("."):
        return "imports by a relative name; write the whole one"
    if top in OURS:
        # `from package import module` names the module in its second half.
        wholes = [f"{imported}.{name}" for name in names] or [imported]
        if not within(imported, layer.ours) and not all(within(whole, layer.ours) for whole in wholes):
            return f"imports {imported}, which lies outside of what its layer may know: {layer.ours or 'nothing of ours'}"
        if layer.pure and imported == "firemesh.ids" and any(name.startswith("new_") for name in names):
            return "makes names by chance; take them from the caller"
        return None
    if top in VENDOR and not layer.vendor:
        return f"imports {imported}; only firemesh.store.firestore knows the vendor's SDK"
    if layer.pure and top not in PURE_IMPORTS:
        return f"imports {imported}; a pure module has no clock, chance, file, network or log"
    if layer.stdlib_only and top in {"pydantic", "rich", *VENDOR}:
        return f"imports {imported}; the bootstrap runs it before anything is installed"
    return None


def faults(module: str, source: str) -> list[str]:
    """Every breach of the table in one module, each with its line."""
    tree = ast.parse(source)
    found = []
    for line, imported, names in imports_of(tree):
        fault = import_fault(module, imported, names)
        if fault:
            found.append(f"{module}:{line} {fault}")
    if layer_of(module).pure:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS:
                found.append(f"{module}:{node.lineno} calls {node.func.id}(); a pure module must not")
    return found


def modules() -> Iterator[tuple[str, Path]]:
    for base in SOURCES:
        for path in sorted(base.glob("firemesh*/**/*.py")):
            parts = path.relative_to(base).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def test_every_module_keeps_to_its_layer() -> None:
    found = [fault for module, path in modules() for fault in faults(module, path.read_text())]
    assert found == []


def test_the_walk_sees_the_whole_program() -> None:
    seen = {module for module, _ in modules()}
    assert {"firemesh.core.manager", "firemesh.store.base", "firemesh_cli.stack.supervisor"} <= seen


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("firemesh.core.manager", "import time"),
        ("firemesh.core.manager", "import random"),
        ("firemesh.core.manager", "from datetime import datetime"),
        ("firemesh.core.manager", "def f():\n    import logging"),
        ("firemesh.core.manager", "from firemesh.store.base import Create"),
        ("firemesh.core.manager", "from firemesh import store"),
        ("firemesh.core.manager", "from firemesh.ids import new_incarnation"),
        ("firemesh.core.manager", "from . import log"),
        ("firemesh.game.mafia.night", "from firemesh.core.manager import Manager"),
        ("firemesh.game.mafia.night", "print('x')"),
        ("firemesh.game.mafia.night", "seed = hash('x')"),
        ("firemesh.store.memory", "import google.cloud.firestore"),
        ("firemesh.store.memory", "from firemesh.runtime import session"),
        ("firemesh.runtime.session", "import grpc"),
        ("firemesh.runtime.session", "import firemesh_cli"),
        ("firemesh_cli.commands.demo", "from google.cloud import firestore"),
        ("firemesh_cli.stack.locate", "import rich"),
        ("firemesh_cli.stack.watchdog", "from firemesh.errors import MeshError"),
    ],
)
def test_a_breach_is_seen(module: str, source: str) -> None:
    assert len(faults(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("firemesh.core.manager", "from firemesh.core import membership"),
        ("firemesh.core.manager", "from firemesh.ids import AgentId"),
        ("firemesh.game.mafia.night", "from firemesh.core.messages import Command"),
        ("firemesh.store.firestore.store", "import grpc"),
        ("firemesh_cli.commands.up", "from firemesh.errors import MeshError"),
        ("firemesh.store.memory", "if TYPE_CHECKING:\n    import grpc"),
    ],
)
def test_what_the_table_allows_passes(module: str, source: str) -> None:
    assert faults(module, source) == []
