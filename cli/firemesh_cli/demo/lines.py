"""Lines of text of an exact width: what every block of the screen is made of."""

import unicodedata
from collections.abc import Sequence
from itertools import zip_longest

from rich.cells import cell_len
from rich.text import Text

ROWS_OF_ONE_LINE_MAX = 6
_BLANK = Text("")


def safe(text: object) -> str:
    """Somebody else's text for a terminal: no line breaks, no control or formatting characters, no surrogates."""
    spaced = " ".join(str(text).split())
    return "".join("?" if unicodedata.category(each).startswith("C") else each for each in spaced)


def fit(line: Text, width: int) -> Text:
    """A copy of exactly `width` cells: padded, or cut with an ellipsis."""
    fitted = line.copy()
    if width < 1:
        return Text("")
    fitted.truncate(width, overflow="ellipsis", pad=True)
    return fitted


def cell(text: str, width: int, style: str = "", *, right: bool = False) -> Text:
    """One column of a row. `right` pads on the left."""
    pad = max(0, width - cell_len(text)) if right else 0
    return fit(Text(" " * pad + text, style=style), width)


def joined(*parts: Text) -> Text:
    """Parts in one line."""
    return Text.assemble(*parts)


def spread(left: Text, right: Text, width: int) -> Text:
    """A line with one part at either end; the right part wins when they do not fit."""
    right_width = min(right.cell_len, width)
    return joined(fit(left, width - right_width), fit(right, right_width))


def wrapped(line: Text, width: int, *, indent: int = 2) -> list[Text]:
    """The line broken at spaces into rows of at most `width` cells; rows after the first are indented.

    At most ROWS_OF_ONE_LINE_MAX rows; the last one may be too long, for `fit` to cut.
    """
    rows: list[Text] = []
    rest, margin = line, ""
    while rest.cell_len > (room := max(1, width - len(margin))) and len(rows) < ROWS_OF_ONE_LINE_MAX - 1:
        first, rest = rest.divide([_break(rest.plain, room)])
        first.rstrip()
        rows.append(joined(Text(margin), first))
        margin = " " * min(indent, width // 2)
    return [*rows, joined(Text(margin), rest)]


def _break(text: str, width: int) -> int:
    """Where to cut a text wider than `width` so that the first part fits, a space at the cut aside."""
    place, used = 0, cell_len(text[0])
    while used <= width:
        place += 1
        used += cell_len(text[place])
    space = text.rfind(" ", 0, place + 1)
    return space + 1 if space > 0 else max(1, place)


def block(rows: Sequence[Text], width: int, height: int) -> list[Text]:
    """Exactly `height` rows of exactly `width` cells."""
    chosen = [fit(row, width) for row in rows[:height]]
    return chosen + [fit(_BLANK, width)] * (height - len(chosen))


def beside(left: Sequence[Text], right: Sequence[Text], gap: int = 2) -> list[Text]:
    """Two blocks side by side."""
    space = Text(" " * gap)
    return [joined(a, space, b) for a, b in zip_longest(left, right, fillvalue=_BLANK)]


def clock(seconds: float) -> str:
    """A duration as minutes and seconds: 1:05."""
    whole = max(0, int(seconds))
    return f"{whole // 60}:{whole % 60:02d}"
