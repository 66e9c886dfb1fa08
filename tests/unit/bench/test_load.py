"""The load of others is what neither this process nor its children have used."""

import os
import subprocess
import sys

from firemesh_cli.bench import load

SPIN = "import time\nwhile time.process_time() < 0.3: pass"


def test_the_time_of_a_child_is_ours_while_it_runs_and_when_it_has_ended() -> None:
    before = load._ticks_of_tree(os.getpid())
    child = subprocess.Popen([sys.executable, "-c", f"{SPIN}\nprint(flush=True)\ninput()"], stdin=-1, stdout=-1)
    assert child.stdout is not None
    child.stdout.readline()
    running = load._ticks_of_tree(os.getpid())
    child.communicate(b"\n")
    ended = load._ticks_of_tree(os.getpid())
    assert running - before > 0.2 * load.TICKS_PER_SECOND
    assert ended >= running


def test_what_others_do_is_never_less_than_nothing() -> None:
    assert load.ForeignLoad().cores() >= 0
