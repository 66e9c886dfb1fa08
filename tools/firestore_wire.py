"""Write down the wire format of the Firestore API as the installed SDK has it: what `store/firestore/protos.py` reads.

    .venv/bin/python tools/firestore_wire.py

Importing the SDK takes longer than all the rest of an agent's start, and all that is needed of it are these descriptors.
A test compares the file with the SDK, so a newer SDK with another format is noticed when the packages are pinned anew.
"""

from pathlib import Path
from typing import Any

from google.cloud.firestore_v1.types import firestore
from google.protobuf.descriptor_pb2 import FileDescriptorSet

WIRE = Path(__file__).resolve().parents[1] / "functions" / "firemesh" / "store" / "firestore" / "firestore_v1.binpb"


def descriptors() -> bytes:
    """The files that define the API's messages, each after those it builds on, as a serialized FileDescriptorSet."""
    whole = FileDescriptorSet()
    _add(firestore.CommitRequest.pb().DESCRIPTOR.file, whole, set())
    return whole.SerializeToString(deterministic=True)


def _add(file: Any, whole: FileDescriptorSet, seen: set[str]) -> None:
    """Add a file after what it builds on, in the order of their names: the SDK's own order varies from run to run."""
    if file.name in seen:
        return
    seen.add(file.name)
    needed = sorted(file.dependencies, key=lambda each: str(each.name))
    for each in needed:
        _add(each, whole, seen)
    copy = whole.file.add()
    file.CopyToProto(copy)
    del copy.dependency[:]
    copy.dependency.extend(each.name for each in needed)


if __name__ == "__main__":
    WIRE.write_bytes(descriptors())
    print(f"{WIRE}: {WIRE.stat().st_size} bytes")
