"""One picture of the live screen as an SVG file, for a page that shows the demo."""

import io
from pathlib import Path

from rich.console import Console

from firemesh_cli.demo.picture import Picture
from firemesh_cli.demo.screen_live import Drawn

# The placeholders are rich's. The fonts are the reader's own: an SVG in a page loads none.
SVG_FORMAT = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="the running demo">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px;
}}
.{unique_id}-title {{ font-family: system-ui, sans-serif; font-size: 18px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def export_svg(picture: Picture, path: Path, *, width: int = 100, height: int = 30) -> None:
    """Draw the picture as on a terminal of `width` x `height` cells and write it to `path`."""
    console = Console(
        record=True,
        file=io.StringIO(),
        width=width,
        height=height,
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
        _environ={},
    )
    console.print(Drawn(picture), end="")
    console.save_svg(str(path), title="make demo", code_format=SVG_FORMAT, unique_id="firemesh")
