"""The live screen: one picture drawn to fill a terminal of any size, legible from 80 x 24."""

from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from firemesh_cli.demo import screen_parts as parts
from firemesh_cli.demo import screen_players
from firemesh_cli.demo.lines import beside, block
from firemesh_cli.demo.picture import Picture

FRAME_ROWS = 3
"""Header, phase and cost."""
ADDRESSES_FROM_HEIGHT = 18
"""A terminal lower than this has no rows for addresses."""
UPPER_ROWS_MIN = 7
NOTE_ROWS_MIN = 4
TWO_BLOCKS_FROM_WIDTH = 60
COLUMN_WIDTH_MAX = 48


def compose(picture: Picture, width: int, height: int) -> list[Text]:
    """At most `height` lines of exactly `width` cells: players and talk above, processes and notes below."""
    where = parts.addresses(picture, width) if height >= ADDRESSES_FROM_HEIGHT else []
    body = max(0, height - FRAME_ROWS - len(where))
    lower = min(1 + max(len(picture.processes), NOTE_ROWS_MIN, body // 4), max(0, body - UPPER_ROWS_MIN))
    upper = body - lower
    rows = [
        parts.header(picture, width),
        parts.phase_bar(picture, width),
        *_upper(picture, width, upper),
        *_lower(picture, width, lower),
        *where,
        parts.cost_line(picture, width),
    ]
    return block(rows, width, height) if height < FRAME_ROWS else rows


def _upper(picture: Picture, width: int, height: int) -> list[Text]:
    if height < 1:
        return []
    public, ink, rows = picture.public, parts.tint_of(picture.public).ink, height - 1
    columns = screen_players.player_columns(len(public.get("seats", ())), rows)
    share = (0.48, 0.62, 0.7)[min(columns, 3) - 1]
    left = min(int(width * share), COLUMN_WIDTH_MAX * columns) if width >= TWO_BLOCKS_FROM_WIDTH else width
    seats = [screen_players.players_title(public, left), *screen_players.players(public, left, rows)]
    right = width - left - 2
    if right < 1:
        return seats
    said = [parts.title("At the table", "", right, ink), *parts.talk(public, right, rows)]
    return beside(seats, said)


def _lower(picture: Picture, width: int, height: int) -> list[Text]:
    if height < 1:
        return []
    ink, rows = parts.tint_of(picture.public).ink, height - 1
    left = min(int(width * 0.58), 90) if width >= TWO_BLOCKS_FROM_WIDTH else width
    running = [parts.title("Processes", "pid, last sign of life", left, ink), *parts.processes(picture.processes, left, rows)]
    right = width - left - 2
    if right < 1:
        return running
    noted = [parts.title("In the mesh", "", right, ink), *parts.notes(picture, right, rows)]
    return beside(running, noted)


class Drawn:
    """One picture as something that rich can print: it fills the console."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """See rich."""
        height = options.height or options.max_height
        yield Text("\n").join(compose(self._picture, options.max_width, height))


class LiveScreen:
    """Draws each picture in place, on the terminal's second screen; the first one is back when the context ends."""

    def __init__(self, console: Console) -> None:
        self._live = Live(Text(""), console=console, screen=True, auto_refresh=False)

    def show(self, picture: Picture) -> None:
        """Draw it. Call this a few times a second, so that countdowns run."""
        self._live.update(Drawn(picture), refresh=True)

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._live.stop()
