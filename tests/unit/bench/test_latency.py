"""Latencies are judged by what was measured while others left the machine alone."""

from firemesh_cli.bench.latency import RATIO_MAX, ROW, Block, summary

GOOD = Block(command_ms=5.0, raw_ms=4.0, work_ms=4.5, document_ms=4.2, foreign_cores=0.1)
BAD = Block(command_ms=40.0, raw_ms=4.0, work_ms=4.5, document_ms=4.2, foreign_cores=0.1)
DISTURBED = Block(command_ms=40.0, raw_ms=4.0, work_ms=4.5, document_ms=4.2, foreign_cores=1.2)


def test_disturbed_blocks_do_not_count_where_enough_others_are() -> None:
    section = summary([DISTURBED, GOOD, DISTURBED, GOOD], wanted=2)
    assert section.headline == {"command_to_view_ratio": 1.25}
    assert (section.missed, section.not_judged) == ((), ())


def test_a_ratio_above_the_goal_is_missed() -> None:
    section = summary([BAD, BAD], wanted=2)
    assert section.headline["command_to_view_ratio"] > RATIO_MAX
    assert section.missed == (ROW,)


def test_on_a_busy_machine_nothing_is_judged() -> None:
    section = summary([DISTURBED, DISTURBED, GOOD], wanted=2)
    assert (section.missed, section.not_judged) == ((), (ROW,))
    assert section.headline == {}
    assert section.rows[ROW][3] == DISTURBED.foreign_cores
