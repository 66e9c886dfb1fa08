"""Pictures of the page's main screens, for docs/screens. Looked at by people; no test compares them.

.venv/bin/python tools/screenshots.py
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from firemesh_cli.stack import checks, locate

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "screens"
SHOWN = {
    "phone": ("home", "night-mafioso", "dawn-death", "ballot", "discussion"),
    "desk": ("ballot", "night-villager", "over-mafia", "console-failover"),
}
SAVED_AS = {"console-failover": "console"}


def main() -> int:
    """Take them all anew; gives the exit status."""
    chromium = locate.find_chromium()
    if chromium is None:
        print(f"no browser on this machine: {checks.CHROMIUM_MEND}", file=sys.stderr)
        return 1
    shutil.rmtree(FOLDER, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        site = f"{folder}/site"
        build = ["node", "web_worker/build.mjs", "--development", "--out", site]
        subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        for size, names in SHOWN.items():
            wanted = ["--screenshots", f"{folder}/pictures", "--sizes", size, "--only", ",".join(names)]
            command = ["node", "tests/browser/page_fixtures.mjs", site, *wanted]
            environment = {**os.environ, "CHROMIUM": str(chromium)}
            subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
            FOLDER.mkdir(parents=True, exist_ok=True)
            for name in names:
                shutil.copy(f"{folder}/pictures/{name}-{size}.png", FOLDER / f"{SAVED_AS.get(name, name)}-{size}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
