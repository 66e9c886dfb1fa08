"""The section of the browser: what it makes of the samples that the program in Chromium prints."""

from firemesh_cli.bench.browser import summary

VIEW = {"first_paint_ms": 100.0, "first_view_ms": 400.0, "requests": 15, "kilobytes": 230.25}
WATCHED = {"watchers": 30, "changes": 50, "targets": 60, "reads_to_begin": 30, "reads": 1500, "processor_ms": 2.0}
FOUND = {
    "slow": [VIEW, {**VIEW, "first_view_ms": 600.0}],
    "free": [VIEW],
    "painted": {"view": [float(ms) for ms in range(1, 102)], "nothing": [5.0, 5.0]},
    "watched": {**WATCHED, "idle_core_percent": 1.5},
}


def test_rows_are_medians_between_the_tenth_and_the_ninetieth_percentile() -> None:
    rows = summary(FOUND).rows
    assert rows["snapshot to paint, ms"] == (51, 11, 91)
    assert rows["slow network and processor: first_view_ms"] == (500, 420, 580)
    assert rows["as fast as it goes: first_view_ms"] == (400, 400, 400)


def test_what_thirty_who_watch_cost_is_told_for_one_change() -> None:
    section = summary(FOUND)
    assert section.rows["30 watching: reads per change"] == (30, 30, 30)
