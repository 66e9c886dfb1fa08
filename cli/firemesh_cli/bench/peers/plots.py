"""The pictures of a record: who leads again when, how long messages take, what an hour costs."""

import math
from collections.abc import Mapping, Sequence

from firemesh_cli.bench.peers.record import Deliveries, Record, quantile
from firemesh_cli.bench.svg import Axis, Drawing

WIDTH = 760
ROW = 34


def drawn(record: Record) -> Mapping[str, str]:
    """By file name, every picture as SVG text."""
    pictures = {
        "failover.svg": (record.failover, failover),
        "latency.svg": (record.messages, latency),
        "cost.svg": (record.cost, cost),
    }
    return {name: draw(record) for name, (found, draw) in pictures.items() if found}


def failover(record: Record) -> str:
    """A row of dots for each system: one for each kill, on a logarithmic axis of multiples of the ttl."""
    systems = list(record.failover.items())
    top, bottom = 62, 62 + ROW * len(systems)
    middles = {name: quantile(each.seconds, 0.5) for name, each in systems}
    about = "; ".join(f"{name}: half of all within {seconds:.3g} s" for name, seconds in middles.items())
    drawing = Drawing(WIDTH, bottom + 62, f"Without a leader after its SIGKILL (ttl {record.ttl_seconds:g} s)", about)
    drawing.words(WIDTH - 16, 50, "median", kind="soft", anchor="end")
    axis = Axis((0.002, 3), (170, WIDTH - 110), log=True)
    for tick in (0.003, 0.01, 0.03, 0.1, 0.3, 1, 3):
        drawing.line(axis(tick), top, axis(tick), bottom, kind="mark" if tick == 1 else "rule")
        drawing.words(axis(tick), bottom + 18, f"{tick:g}", kind="soft", anchor="middle")
    drawing.words(
        axis(0.08), bottom + 40, "multiples of the ttl, logarithmic; one dot for each kill", kind="soft", anchor="middle"
    )
    for row, (name, each) in enumerate(systems):
        y = top + ROW * (row + 0.5)
        drawing.words(16, y + 4, name)
        for seconds in each.seconds:
            drawing.dot(axis(seconds / record.ttl_seconds), y, row)
        drawing.bar(axis(middles[name] / record.ttl_seconds), y, row)
        drawing.words(WIDTH - 16, y + 4, _time(middles[name]), anchor="end")
    return drawing.text


def latency(record: Record) -> str:
    """Two panels, to one listener and to thirty: which share of the messages had arrived after how long."""
    systems = list(record.messages.items())
    top, bottom = 76, 320
    medians = {name: (each.to_one.milliseconds[50], each.to_thirty.milliseconds[50]) for name, each in systems}
    about = "; ".join(
        f"{name}: half of all in {one:.2g} ms to one, {thirty:.2g} ms to thirty" for name, (one, thirty) in medians.items()
    )
    height = bottom + 66 + 22 * ((len(systems) + 1) // 2)
    drawing = Drawing(WIDTH, height, "From sender to listener: 200 characters, 40 a second", about)
    panels = (
        ("to one listener", 56, {name: each.to_one for name, each in systems}),
        ("to each of thirty", 416, {name: each.to_thirty for name, each in systems}),
    )
    for title, left, curves in panels:
        drawing.words(left, 60, title)
        _panel(drawing, Axis((0.2, 200), (left, left + 320), log=True), Axis((0, 100), (bottom, top)), curves)
    _legend(drawing, [name for name, _ in systems], bottom + 66)
    return drawing.text


def _panel(drawing: Drawing, x: Axis, y: Axis, curves: Mapping[str, Deliveries]) -> None:
    for share in (0, 50, 90, 100):
        drawing.line(x(0.2), y(share), x(200), y(share))
        drawing.words(x(0.2) - 6, y(share) + 4, f"{share} %", kind="soft", anchor="end")
    for tick in (0.3, 1, 3, 10, 30, 100):
        drawing.line(x(tick), y(0), x(tick), y(100))
        drawing.words(x(tick), y(0) + 18, f"{tick:g}", kind="soft", anchor="middle")
    drawing.words(x(6), y(0) + 38, "milliseconds, logarithmic", kind="soft", anchor="middle")
    for number, deliveries in enumerate(curves.values()):
        drawing.curve([(x(value), y(percent)) for percent, value in enumerate(deliveries.milliseconds)], number)


def cost(record: Record) -> str:
    """A line for each way to live: dollars for an hour, on a logarithmic axis, against the number of agents."""
    top, bottom = 56, 300
    lives = list(record.cost.items())
    sizes = sorted({agents for _, each in lives for agents in each})
    powers = _powers([dollars for _, each in lives for dollars in each.values()])
    about = "; ".join(f"{name}: {each[sizes[0]]:.2g} to {each[sizes[-1]]:.2g} dollars an hour" for name, each in lives)
    title = f"Dollars for an hour of a mesh with {sizes[0]} to {sizes[-1]} agents"
    drawing = Drawing(WIDTH, bottom + 66 + 22 * ((len(lives) + 1) // 2), title, about)
    x, y = Axis((0, sizes[-1]), (56, WIDTH - 110)), Axis((powers[0], powers[-1]), (bottom, top), log=True)
    for agents in sizes:
        drawing.line(x(agents), top, x(agents), bottom)
        drawing.words(x(agents), bottom + 18, str(agents), kind="soft", anchor="middle")
    for dollars in powers:
        drawing.line(x(0), y(dollars), x(sizes[-1]), y(dollars))
        drawing.words(x(0) - 6, y(dollars) + 4, f"{dollars:g}", kind="soft", anchor="end")
    unit = "agents, each in a process of its own; dollars are logarithmic"
    drawing.words(x(sizes[-1] / 2), bottom + 40, unit, kind="soft", anchor="middle")
    for number, (_, each) in enumerate(lives):
        drawing.curve([(x(agents), y(each[agents])) for agents in sizes], number)
        drawing.words(x(sizes[-1]) + 8, y(each[sizes[-1]]) + 4, f"{each[sizes[-1]]:.4f}")
    _legend(drawing, [name for name, _ in lives], bottom + 66)
    return drawing.text


def _powers(values: Sequence[float]) -> list[float]:
    """The powers of ten between which these values lie, and those two."""
    first, last = math.floor(math.log10(min(values))), math.floor(math.log10(max(values))) + 1
    return [float(f"1e{power}") for power in range(first, last + 1)]


def _legend(drawing: Drawing, names: Sequence[str], top: int) -> None:
    for number, name in enumerate(names):
        x, y = 56 + 360 * (number % 2), top + 22 * (number // 2)
        drawing.curve([(x, y - 4), (x + 44, y - 4)], number)
        drawing.words(x + 54, y, name)


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"
