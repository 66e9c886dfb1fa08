"""Where the demo is shown: drawn live on a terminal that can, else as plain lines."""

import os
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console

from firemesh_cli.demo.picture import Picture
from firemesh_cli.demo.screen_live import LiveScreen
from firemesh_cli.demo.screen_plain import PlainScreen


class Screen(Protocol):
    """A context that shows one picture after the other."""

    def show(self, picture: Picture) -> None:
        """Show what the demo knows now."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


def demo_console(*, as_json: bool) -> Console:
    """Where people read: standard error when standard output is for the JSON object."""
    return Console(stderr=as_json, highlight=False)


def screen_for(console: Console, *, as_json: bool = False) -> Screen:
    """The live screen where the terminal can draw it; plain lines for pipes, --json, NO_COLOR and dumb terminals."""
    drawable = console.is_terminal and not console.is_dumb_terminal and console.encoding.lower().startswith("utf")
    if drawable and not as_json and not os.environ.get("NO_COLOR"):
        return live_screen(console)
    return plain_screen(console)


def live_screen(console: Console) -> LiveScreen:
    """The drawn screen, a context like every screen."""
    return LiveScreen(console)


def plain_screen(console: Console) -> PlainScreen:
    """The same in plain lines."""
    return PlainScreen(console)
