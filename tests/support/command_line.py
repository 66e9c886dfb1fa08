"""The command line as an operator of the local stack uses it."""

import subprocess
import sys

from firemesh_cli.stack.supervisor import LocalStack


def firemesh(stack: LocalStack, *arguments: str) -> str:
    """What a command prints, on the credentials of this machine."""
    command = [sys.executable, "-m", "firemesh_cli", *arguments]
    return subprocess.run(command, env=stack.environment(), capture_output=True, text=True, check=True).stdout.strip()
