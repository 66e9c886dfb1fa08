"""The unit tests of the browser's part, which Vitest runs."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_unit_tests_of_the_browsers_part_pass() -> None:
    command = [str(ROOT / "node_modules/.bin/vitest"), "run", "--reporter=dot"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
