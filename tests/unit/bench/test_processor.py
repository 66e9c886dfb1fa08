"""Processor time is judged by ratios to the floor, Python calls by their number."""

from typing import Any

from firemesh_cli.bench.processor import FLOOR, OURS, STOCK, _section


def found(send: float, message: float, calls: float) -> dict[str, Any]:
    return {
        "send": {FLOOR: 100.0, OURS: send, STOCK: 200.0},
        "message": {FLOOR: 100.0, OURS: message, STOCK: 260.0},
        "delivery alone": {FLOOR: 100.0, OURS: 300.0, STOCK: 500.0},
        "Python calls of a send": {FLOOR: 44.0, OURS: calls, STOCK: 401.0},
    }


def test_figures_within_their_goals_are_not_missed() -> None:
    section = _section(found(139.0, 120.0, 90.0), 3, 0.0)
    assert section.missed == ()
    assert section.headline == {"cpu_ratio": {"send": 1.39, "deliver": 1.2}}


def test_each_goal_can_be_missed() -> None:
    section = _section(found(141.0, 150.0, 91.0), 3, 0.1)
    assert section.missed == ("send", "message", "Python calls of a send")


def test_beyond_its_goal_a_ratio_is_not_judged_on_a_busy_machine() -> None:
    section = _section(found(141.0, 139.0, 91.0), 3, 1.5)
    assert section.missed == ("Python calls of a send",)
    assert section.not_judged == ("send",)
    assert section.headline == {"cpu_ratio": {"deliver": 1.39}}
    assert section.rows["send"][-1] == 1.5
