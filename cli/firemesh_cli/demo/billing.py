"""The billing meter of a demo, as a process between the emulator and all who use it."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

from firemesh.errors import LocalStackError
from firemesh_cli.stack.supervisor import LocalStack


@contextlib.contextmanager
def metered(stack: LocalStack) -> Iterator[str]:
    """A meter that runs as long as the block; gives its address. Raises LocalStackError when it does not start."""
    child = subprocess.Popen(
        [
            *(sys.executable, "-m", "firemesh_cli.stack.meter"),
            *("--upstream", stack.firestore_host, "--port", str(stack.meter_port)),
        ],
        env={**os.environ, **stack.owned_environment()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stdout is not None
    try:
        word, _, host = child.stdout.readline().strip().partition(" ")
        if word != "METER":
            raise LocalStackError("the billing meter did not start")
        yield host
    finally:
        child.terminate()
        child.wait()
        child.stdout.close()
