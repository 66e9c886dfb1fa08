"""Each section is measured in a process of its own.

gRPC does not outlive an event loop: in a second one of the same process it goes on about the first (and takes as long as what
is measured). Nor should a section inherit the threads and the garbage of another.
"""

import multiprocessing
import os
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from firemesh.errors import LocalStackError, MeshError
from firemesh_cli.bench.section import Section

Measure = Callable[[Path, int], Section]


def measured_apart(measure: Measure, root: Path, repeats: int) -> Section:
    """What `measure(root, repeats)` finds. Its process ends with this call, however that ends, and with this process.

    Raises LocalStackError with what went wrong there.
    """
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sending, measure, root, repeats))
    process.start()
    sending.close()
    try:
        found = receiving.recv()
    except EOFError:
        found = "its process ended without a word"
    finally:
        process.terminate()
        process.join()
    if isinstance(found, Section):
        return found
    raise LocalStackError(str(found))


def _work(sending: "Connection[Section | str, None]", measure: Measure, root: Path, repeats: int) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        sending.send(measure(root, repeats))
    except MeshError as error:
        sending.send(str(error))
    except Exception as error:
        traceback.print_exc()
        sending.send(repr(error))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
