"""How fast the page is in Chromium, and what it costs when thirty watch one game.

A game of thirty stands at the vote; its public view is written as a leader would write it, so that nothing but the browser's
part is measured. First views are taken in turns through a slow network with a slow processor, and as fast as it goes; each in
a browser that has kept nothing. The slow network is a proxy (150 ms before each answer, 1.6 Mbit/s for all), which holds for
workers too; the slow processor (a fourth) is the page's own thread alone.

Snapshot to paint begins in the call in which the SDK gives a view to the worker, and ends when the frame is over that shows
it. Beside it goes a message about nothing, to the end of a frame in which nothing has changed.
"""

import json
import os
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firemesh.errors import LocalStackError
from firemesh_cli.bench.section import Section

if TYPE_CHECKING:
    from firemesh_cli.stack.supervisor import LocalStack

PROJECT = "demo-browser"
PROGRAM = Path(__file__).parent / "chromium" / "measure.mjs"
VOTE = Path("web_worker/page/fixtures/ballot-thirty.json")
SECONDS_MAX = 480
Row = tuple[float, float, float]


def measure(root: Path, repeats: int) -> Section:
    """Measure. Raises LocalStackError when the stack, the browser or the program in it fails."""
    from firemesh_cli.stack.supervisor import LocalStack

    with LocalStack(root, project=PROJECT, functions=True) as stack:
        found = _samples(root, stack, repeats)
    return summary(found)


def summary(found: Mapping[str, Any]) -> Section:
    """The section, of the samples that the program has printed."""
    painted, watched = found["painted"], found["watched"]
    rows = {
        **{f"slow network and processor: {name}": _row(_column(found["slow"], name)) for name in found["slow"][0]},
        **{f"as fast as it goes: {name}": _row(_column(found["free"], name)) for name in ("first_paint_ms", "first_view_ms")},
        "snapshot to paint, ms": _row(painted["view"]),
        "nothing to paint, ms": _row(painted["nothing"]),
        **{f"{watched['watchers']} watching: {name}": _row([watched[name]]) for name in ("targets", "reads_to_begin")},
        f"{watched['watchers']} watching: reads per change": _row([watched["reads"] / watched["changes"]]),
        f"{watched['watchers']} watching: processor ms per change and watcher": _row([watched["processor_ms"]]),
        f"{watched['watchers']} watching: percent of a core when nothing happens": _row([watched["idle_core_percent"]]),
    }
    return Section(
        title="browser",
        about="medians with the 10th and 90th percentile; times say something only where the machine does nothing else",
        columns=("median", "p10", "p90"),
        rows=rows,
    )


def _samples(root: Path, stack: "LocalStack", repeats: int) -> Mapping[str, Any]:
    from firemesh_cli.stack import locate

    node, chromium = locate.find_node(), locate.find_chromium()
    if node is None or chromium is None:
        raise LocalStackError("the browser's figures need Node and a Chromium; `make doctor` says how to get them")
    asked = {
        **{"site": stack.site_url, "firestore": stack.firestore_host, "project": stack.project},
        **{"repeats": repeats, "view": json.loads((root / VOTE).read_text())["public"]},
    }
    command = [str(node.path), str(PROGRAM), json.dumps(asked)]
    environment = {**os.environ, "CHROMIUM": str(chromium)}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=True)
    except subprocess.CalledProcessError as error:
        raise LocalStackError(f"the measurement in Chromium failed: {error.stderr}") from error
    except subprocess.TimeoutExpired as error:
        raise LocalStackError(f"the measurement in Chromium did not end in {SECONDS_MAX} s") from error
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


def _column(samples: Sequence[Mapping[str, float]], name: str) -> list[float]:
    return [sample[name] for sample in samples]


def _row(samples: Sequence[float]) -> Row:
    """Median, 10th and 90th percentile."""
    if len(samples) == 1:
        [only] = samples
        return round(only, 2), round(only, 2), round(only, 2)
    tenths = statistics.quantiles(samples, n=10, method="inclusive")
    return round(statistics.median(samples), 1), round(tenths[0], 1), round(tenths[-1], 1)
