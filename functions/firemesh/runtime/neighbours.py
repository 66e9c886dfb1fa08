"""The manager processes of one mesh on one machine hear at once when one of them has ended, however it ended.

Each listens on a Unix socket in a folder that they share, and is connected to all others. When a process ends, be it by
SIGKILL, the kernel closes its connections, and the others read their end: no beat, no wait, nobody who supervises. Each says
which incarnation it runs, so the others know who has ended. This is a hint, never more: docs/decisions/word-of-an-end.md.
"""

import asyncio
import logging
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path

from firemesh.errors import InvalidParameters
from firemesh.ids import INCARNATION_PATTERN

log = logging.getLogger(__name__)

NEIGHBOURS_MAX = 32
"""Connections of one process. A mesh has at most 7 managers; to further ones nothing is said and nothing is heard of them."""
SOCKET_PATH_MAX = 100
"""Bytes. Systems allow 103 at the least; until it listens, a socket has a name that is longer by two."""
_INCARNATION = re.compile(INCARNATION_PATTERN)
_RECEIVE_BYTES = 4096


class Neighbours:
    """One process among those of its mesh on this machine. `on_end` is called with the incarnation of each one that ends."""

    def __init__(self, folder: Path, inc: str, on_end: Callable[[str], None]) -> None:
        """Listen in `folder`, and connect to those that were there before. To be called in the loop that is to hear.

        Raises:
            InvalidParameters: no sockets can be kept in this folder; the message says why.
        """
        self._folder = folder
        self._path = folder / inc
        self._inc = inc
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._listening = socket.socket(socket.AF_UNIX)
        self._lines: dict[socket.socket, str] = {}
        """By connection, the incarnation of the other process; empty until it has said it."""
        try:
            self._listen()
            self._connect_to_all()
        except InvalidParameters:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise InvalidParameters(f"neighbours: {folder} cannot hold sockets: {error}") from error

    def announce(self, inc: str) -> None:
        """This process goes on under a new incarnation."""
        self._inc = inc
        for line in tuple(self._lines):
            self._introduce(line)

    def close(self) -> None:
        """Leave. To the others this is the end of the process. Idempotent."""
        if self._listening.fileno() >= 0:
            self._loop.remove_reader(self._listening)
            self._listening.close()
        for line in tuple(self._lines):
            self._hang_up(line)
        if self._folder.is_dir():
            self._path.unlink(missing_ok=True)

    # --- meeting ----------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        """The socket gets its name when it listens: whoever finds one that does not, knows that it is left over."""
        if len(os.fsencode(self._path)) > SOCKET_PATH_MAX:
            raise InvalidParameters(f"neighbours: a socket in {self._folder} has a longer path than {SOCKET_PATH_MAX} bytes")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._folder.stat().st_uid != os.getuid():
            raise InvalidParameters(f"neighbours: {self._folder} belongs to another user, who could say what is not so")
        unready = self._path.with_suffix(".n")
        self._listening.setblocking(False)
        self._listening.bind(str(unready))
        self._listening.listen(NEIGHBOURS_MAX)
        unready.rename(self._path)
        self._loop.add_reader(self._listening, self._accept)

    def _connect_to_all(self) -> None:
        """Two that start at once find each other: each has its name before it looks, so at least one sees the other."""
        for other in sorted(self._folder.iterdir()):
            if other == self._path or not _INCARNATION.fullmatch(other.name):
                continue
            line = socket.socket(socket.AF_UNIX)
            try:
                line.setblocking(False)
                line.connect(str(other))
            except OSError as error:
                line.close()
                self._pass_over(other, error)
            else:
                self._take(line, other.name)

    def _pass_over(self, other: Path, error: OSError) -> None:
        if isinstance(error, ConnectionRefusedError):
            other.unlink(missing_ok=True)  # left by a process that was killed; no other will ever have this name
        elif not isinstance(error, FileNotFoundError):
            log.warning("no word will come from neighbour %s: %s", other.name, error)

    def _accept(self) -> None:
        try:
            line, _ = self._listening.accept()
        except (BlockingIOError, ConnectionError):
            return
        line.setblocking(False)
        self._take(line, "")

    def _take(self, line: socket.socket, inc: str) -> None:
        """Keep a connection; whoever was called upon is known by the name of its socket."""
        if len(self._lines) >= NEIGHBOURS_MAX:
            log.warning("more than %s neighbours in %s: one is turned away", NEIGHBOURS_MAX, self._folder)
            line.close()
            return
        self._lines[line] = inc
        self._loop.add_reader(line, self._hear, line)
        self._introduce(line)

    # --- talking ----------------------------------------------------------------------------------------------------

    def _introduce(self, line: socket.socket) -> None:
        try:
            line.send(f"{self._inc}\n".encode())
        except OSError as error:
            log.info("a neighbour does not hear which incarnation this is: %s", error)

    def _hear(self, line: socket.socket) -> None:
        try:
            said = line.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            said = b""  # it has ended with something unread
        if not said:
            self._end(line)
        elif (inc := _last_incarnation(said)) is not None:
            self._lines[line] = inc
        else:
            log.warning("a neighbour in %s says what is no incarnation", self._folder)
            self._hang_up(line)

    def _end(self, line: socket.socket) -> None:
        inc = self._lines[line]
        self._hang_up(line)
        if inc:
            log.info("the process with incarnation %s has ended", inc)
            self._on_end(inc)

    def _hang_up(self, line: socket.socket) -> None:
        self._loop.remove_reader(line)
        del self._lines[line]
        line.close()


def _last_incarnation(said: bytes) -> str | None:
    """What was said last, of what came at once; a line is short enough never to be cut. None when that is no incarnation."""
    last = said.decode("ascii", "replace").removesuffix("\n").rsplit("\n", 1)[-1]
    return last if said.endswith(b"\n") and _INCARNATION.fullmatch(last) else None
