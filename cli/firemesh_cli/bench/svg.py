"""Drawings for the documents, as SVG text: legible on light and on dark pages, without a script, a font or a picture.

Colours are chosen by the reader's device; series also differ by their dashes, so that none is told by colour alone.
"""

import math
from collections.abc import Sequence
from html import escape

SERIES_MAX = 6
DASHES = ("", "7 3", "3 3", "9 3 2 3", "14 3", "6 2 2 2 2 2")

_LIGHT = ("#0b62a4", "#c2410c", "#047857", "#a21caf", "#6d5a00", "#4b5563")
_DARK = ("#6cb6ff", "#ff9d5c", "#4ade9f", "#f0a6ff", "#e3c94a", "#b6bfc9")
_STYLE = """\
svg { --paper: #ffffff; --ink: #1f2328; --soft: #57606a; --rule: #d8dee4; %s }
@media (prefers-color-scheme: dark) { svg { --paper: #0d1117; --ink: #e6edf3; --soft: #9da7b1; --rule: #30363d; %s } }
text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.title { font-size: 15px; font-weight: 600; }
.soft { fill: var(--soft); font-size: 12px; }
.paper { fill: var(--paper); }
.rule { stroke: var(--rule); }
.mark { stroke: var(--soft); stroke-dasharray: 3 3; }
path { fill: none; stroke-width: 2; }
"""


class Axis:
    """Where a value lies between two pixels. Logarithmic when `log` says so; then no end is 0."""

    def __init__(self, ends: tuple[float, float], pixels: tuple[float, float], *, log: bool = False) -> None:
        self._scale = math.log10 if log else float
        self._low, self._high = (self._scale(end) for end in ends)
        self._ends = ends
        self._pixels = pixels

    def __call__(self, value: float) -> float:
        """The pixel; what lies beyond an end is shown at the end."""
        held = min(max(value, self._ends[0]), self._ends[1])
        share = (self._scale(held) - self._low) / (self._high - self._low)
        return round(self._pixels[0] + share * (self._pixels[1] - self._pixels[0]), 1)


class Drawing:
    """Collects shapes; `text` is the whole file. `about` is what the picture says, for those who do not see it."""

    def __init__(self, width: int, height: int, title: str, about: str) -> None:
        self._head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(about)}">'
        )
        self._shapes = [f'<rect class="paper" width="{width}" height="{height}"/>']
        self.words(16, 26, title, kind="title")

    @property
    def text(self) -> str:
        """The file."""
        light, dark = (" ".join(f"--s{n}: {colour};" for n, colour in enumerate(colours)) for colours in (_LIGHT, _DARK))
        style = _STYLE % (light, dark)
        return "\n".join([self._head, f"<style>\n{style}</style>", *self._shapes, "</svg>"]) + "\n"

    def words(self, x: float, y: float, text: str, *, kind: str = "", anchor: str = "start") -> None:
        """A line of text; `anchor` is start, middle or end."""
        self._shapes.append(f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>')

    def line(self, x1: float, y1: float, x2: float, y2: float, *, kind: str = "rule") -> None:
        """A straight line: a rule of the grid, or a mark."""
        self._shapes.append(f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" class="{kind}"/>')

    def dot(self, x: float, y: float, series: int) -> None:
        """One observation. Where several lie together, it is darker."""
        self._shapes.append(f'<circle cx="{x:g}" cy="{y:g}" r="5" fill="var(--s{series})" fill-opacity="0.55"/>')

    def bar(self, x: float, y: float, series: int) -> None:
        """A short upright stroke: the middle of some dots."""
        self._shapes.append(f'<path d="M{x:g} {y - 11:g}V{y + 11:g}" stroke="var(--s{series})"/>')

    def curve(self, points: Sequence[tuple[float, float]], series: int) -> None:
        """A line through points."""
        way = "L".join(f"{x:g} {y:g}" for x, y in points)
        self._shapes.append(f'<path d="M{way}" stroke="var(--s{series})" stroke-dasharray="{DASHES[series]}"/>')
