"""What a cold start loads, against the bare SDKs that this takes.

Every entry point starts by importing main.py, whatever it is; that has the goal. What its first request imports besides is
loaded while the caller waits, once per process, and has a row of its own.

Both sides are imported in processes of their own, in turns, so that whatever else the machine does hits both; the figures
are medians of processor time. The bare SDKs are exactly the modules of others that our code has loaded, in the same order,
so the ratio says what our own code adds.
"""

import ast
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from firemesh_cli.bench.section import Section

RATIO_MAX = 1.15
"""The goal for main.py."""

MAIN = "main"
EVERY_START = "start of any function"
ENVIRONMENT = {"GCLOUD_PROJECT": "demo-firemesh", "FIREBASE_CONFIG": '{"projectId": "demo-firemesh"}'}
IMPORT_SECONDS_MAX = 60
LIGHT = ("firemesh.errors",)
"""Loaded by everything else in any case."""

_PROGRAM = """
import importlib, json, sys, time
started = time.process_time()
for name in sys.argv[1:]:
    importlib.import_module(name)
took = time.process_time() - started
origins = {n: getattr(getattr(m, "__spec__", None), "origin", None) or "" for n, m in list(sys.modules.items())}
print(json.dumps([took, [name for name, origin in origins.items() if "site-packages" in origin]]))
"""


def measure(root: Path, repeats: int) -> Section:
    """Measure main.py by itself, then with what each entry point loads late. Raises CalledProcessError when that fails."""
    functions = root / "functions"
    late = entry_points(functions / "main.py")
    together: dict[tuple[str, ...], list[str]] = {}  # entry points that load the same are measured once
    for name, modules in late.items():
        together.setdefault((MAIN, *(each for each in modules if each not in LIGHT)), []).append(name)
    rows = {EVERY_START: _row(functions, (MAIN,), repeats)}
    for loaded, names in together.items():
        rows[f"{', '.join(names)}: with its first request"] = _row(functions, loaded, repeats)
    return Section(
        title="cold start",
        about=f"processor time of imports, median of {repeats}; goal: any start takes at most {RATIO_MAX} x the bare SDKs",
        columns=("imports_ms", "bare_sdks_ms", "ratio"),
        rows=rows,
        missed=(EVERY_START,) if rows[EVERY_START][2] > RATIO_MAX else (),
    )


def entry_points(main: Path) -> dict[str, list[str]]:
    """By entry point, our modules that its first request imports late: those named in it and in the functions it names."""
    defined = {each.name: each for each in ast.parse(main.read_text()).body if isinstance(each, ast.FunctionDef)}
    return {name: sorted(_late_imports(name, defined)) for name, each in defined.items() if each.decorator_list}


def _late_imports(name: str, defined: dict[str, ast.FunctionDef]) -> set[str]:
    waiting, seen, modules = [name], {name}, set()
    while waiting:
        body = defined[waiting.pop()]
        modules |= set(_imported(body))
        named = {node.id for node in ast.walk(body) if isinstance(node, ast.Name)} & defined.keys()
        waiting += named - seen
        seen |= named
    return modules


def _imported(body: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(body):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _row(functions: Path, modules: Sequence[str], repeats: int) -> tuple[float, float, float]:
    _, vendors = _import(functions, modules)  # the first time compiles
    ours, bare = [], []
    for _ in range(repeats):
        ours.append(_import(functions, modules)[0])
        bare.append(_import(functions, vendors)[0])
    loaded_ms, bare_ms = statistics.median(ours) * 1000, statistics.median(bare) * 1000
    return round(loaded_ms), round(bare_ms), round(loaded_ms / bare_ms, 2)


def _import(functions: Path, modules: Sequence[str]) -> tuple[float, list[str]]:
    """Seconds that the imports took in a fresh process, and the modules of others that are loaded then, in order."""
    command = [sys.executable, "-c", _PROGRAM, *modules]
    done = subprocess.run(
        command, cwd=functions, env=ENVIRONMENT, capture_output=True, text=True, timeout=IMPORT_SECONDS_MAX, check=True
    )
    took, vendors = json.loads(done.stdout)
    return took, vendors
