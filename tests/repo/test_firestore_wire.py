"""The description of Firestore's API that the store is built on is the installed SDK's."""

import subprocess
import sys

from tools.firestore_wire import WIRE, descriptors

SDK = ("google.cloud.firestore_v1", "google.api_core", "google.auth", "proto")


def test_the_description_is_what_the_sdk_has() -> None:
    assert descriptors() == WIRE.read_bytes(), "run .venv/bin/python tools/firestore_wire.py"


def test_an_agents_imports_do_not_load_the_sdk() -> None:
    program = (
        "import sys, firemesh.runtime.process, firemesh.store.firestore; "
        f"print([name for name in {SDK!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
