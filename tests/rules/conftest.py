"""Keep what the emulator has counted, for tools/rules_coverage.py."""

import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from firemesh_cli.stack.supervisor import LocalStack


@pytest.fixture(scope="session", autouse=True)
def coverage_kept(local_stack: LocalStack) -> Iterator[None]:
    """After the last test, store the emulator's count of evaluated expressions where RULES_COVERAGE says."""
    yield
    wanted = os.environ.get("RULES_COVERAGE")
    if wanted:
        url = f"http://{local_stack.firestore_host}/emulator/v1/projects/{local_stack.project}:ruleCoverage"
        with urllib.request.urlopen(url) as answer:
            Path(wanted).write_bytes(answer.read())
