"""The functions where nothing else is: the files of the upload, the pinned packages, an empty environment."""

import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firemesh_cli.deployment.verdict import Verdict

LOAD_SECONDS_MAX = 300
PROCESSES_MAX = 2

DISCOVER = "from firebase_functions.private import serving as s; print(s.functions_as_yaml(s.get_functions()))"
IMPORT_EACH = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except Exception as error:
        print(f"{name}: {type(error).__name__}: {error}")
"""
LOAD = "import sys; from functions_framework import create_app; create_app(sys.argv[1], 'main.py', sys.argv[2])"


@dataclass(frozen=True, slots=True)
class CleanRoom:
    """A folder with an unpacked upload, and the interpreter of an environment made for it."""

    python: Path
    folder: Path

    def discover(self) -> tuple[str, Verdict]:
        """The manifest of the functions, as a deployment asks for it."""
        done = self._run(DISCOVER)
        if done.returncode:
            return "", Verdict("functions", "main.py does not load", (_last_words(done.stderr),))
        return done.stdout, Verdict("functions", "found in main.py, in an empty environment")

    def import_each(self) -> Verdict:
        """Import every module of the upload: most are loaded late, when a request is already waiting."""
        names = sorted(_module_name(path.relative_to(self.folder)) for path in self.folder.rglob("*.py"))
        done = self._run(IMPORT_EACH, *names)
        problems = done.stdout.splitlines() if done.returncode == 0 else [_last_words(done.stderr)]
        return Verdict("modules", f"{len(names)}, each can be imported" if not problems else f"{len(names)}", tuple(problems))

    def load_each(self, endpoints: Sequence[Mapping[str, Any]]) -> Verdict:
        """Load every entry point in a process of its own, as the runtime does."""
        with ThreadPoolExecutor(PROCESSES_MAX) as pool:
            problems = [each for each in pool.map(self._load, endpoints) if each]
        seen = ", ".join(str(each["entryPoint"]) for each in endpoints)
        return Verdict("entry points", seen or "none", tuple(problems) if endpoints else ("there is no function",))

    def _load(self, endpoint: Mapping[str, Any]) -> str:
        """What goes wrong when one entry point is loaded; empty when nothing does."""
        signature = "cloudevent" if endpoint["trigger"] == "eventTrigger" else "http"
        done = self._run(LOAD, endpoint["entryPoint"], signature)
        return f"{endpoint['entryPoint']}: {_last_words(done.stderr)}" if done.returncode else ""

    def _run(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(self.python), "-c", program, *arguments]
        return subprocess.run(
            command, cwd=self.folder, env={}, capture_output=True, text=True, timeout=LOAD_SECONDS_MAX, check=False
        )


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it failed without a word"


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
