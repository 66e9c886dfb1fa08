"""Pin the newest allowed versions of all packages, with hashes and without the address of any package host.

pyproject.toml -> requirements-dev.txt (development), functions/requirements.txt (deployment),
                  requirements-java.txt, requirements-peers.txt
package.json   -> package-lock.json
"""

import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {
    "requirements-dev.txt": ("pyproject.toml", "--all-extras", "--group", "dev"),
    "functions/requirements.txt": ("pyproject.toml", "--extra", "functions", "--constraint", "requirements-dev.txt"),
    "requirements-java.txt": ("--group", "pyproject.toml:java"),
    "requirements-peers.txt": ("--group", "pyproject.toml:peers"),
}
UV_OPTIONS = (
    *("--universal", "--python-version", "3.11", "--generate-hashes", "--upgrade", "--quiet"),
    *("--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate"),
)


def requirements_stamp(root: Path) -> str:
    """A comment line that changes when what pyproject.toml asks for changes."""
    document = tomllib.loads((root / "pyproject.toml").read_text())
    project = document["project"]
    wanted = [
        project["requires-python"],
        project["dependencies"],
        project["optional-dependencies"],
        document["dependency-groups"],
    ]
    digest = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
    return f"# Made by `make lock`; wanted: {digest[:16]}"


def lock_python() -> None:
    """Write the files of pinned Python packages."""
    for name, sources in LOCKS.items():
        uv = [str(ROOT / ".venv/bin/uv"), "pip", "compile", *UV_OPTIONS, "--output-file", name, *sources]
        subprocess.run(uv, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        path = ROOT / name
        pins = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        path.write_text("\n".join([requirements_stamp(ROOT), *pins]) + "\n")


def lock_npm() -> None:
    """Write package-lock.json, then take out what names hosts; versions and hashes remain."""
    npm = ["npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(npm, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    path = ROOT / "package-lock.json"
    document = json.loads(path.read_text())
    for package in document["packages"].values():
        package.pop("resolved", None)
        package.pop("funding", None)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def main() -> int:
    """Pin everything; gives the exit status."""
    try:
        lock_python()
        lock_npm()
    except subprocess.CalledProcessError as error:
        print(f"\n{error.cmd[0]} failed with status {error.returncode}; its message is above", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
