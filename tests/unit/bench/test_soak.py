"""The long run finds what was lost and what was ordered twice, whatever else the log holds."""

from collections import Counter

from firemesh_cli.bench.soak import WRONG, Outcome, _judged


def test_nothing_is_wrong_where_each_command_was_ordered_once() -> None:
    found = _judged(Outcome(Counter("abc"), Counter("abcd"), members_lost=0, takeovers=0))  # `d` was never acknowledged
    assert found["commands sent"] == 3
    assert [found[name] for name in WRONG] == [0, 0, 0, 0]


def test_what_is_lost_is_not_made_good_by_what_is_there_twice() -> None:
    found = _judged(Outcome(Counter("abc"), Counter("aab"), members_lost=1, takeovers=2))
    assert [found[name] for name in WRONG] == [1, 1, 1, 2]
