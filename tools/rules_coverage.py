"""Say which expressions of firestore.rules the tests have seen evaluated, and seen both true and false.

Runs tests/rules, which ends with a gate that tells what is missing. The last line is one JSON object: {"expressions": n,
"unevaluated": n, "one_sided": n}. Exit status 1 when a test fails, the gate among them.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the tests, then say what the gate has counted."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "coverage.json"
        command = [sys.executable, "-m", "pytest", "-q", "tests/rules"]
        status = subprocess.run(command, cwd=ROOT, env={**os.environ, "RULES_COVERAGE": str(kept)}, check=False).returncode
        print(kept.read_text() if kept.exists() else "the gate was not reached")
    return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main())
