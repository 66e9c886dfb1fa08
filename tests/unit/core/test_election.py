"""When a lease has expired, and what votes mean."""

import pytest

from firemesh.core.election import Tally, count_votes, has_expired
from firemesh.core.messages import Head, Vote, Voters

HELD = Head(term=1, leader="m1", leader_inc="0" * 12, ttl_ms=1000)
THREE = Voters(version=3, managers=("m1", "m2", "m3"))
VERSION = 77


def votes(*cast: str, version: int = VERSION) -> tuple[Vote, ...]:
    """`m1>m2`: m1 votes for m2."""
    pairs = [each.split(">") for each in cast]
    return tuple(Vote(term=2, voter=v, candidate=c, applied=0, head_version=version) for v, c in pairs)


@pytest.mark.parametrize("age_ms, expired", [(0, False), (1199, False), (1200, True), (9999, True)])
def test_lease_expires_after_ttl_and_grace_by_the_stores_clock(age_ms: int, expired: bool) -> None:
    assert has_expired(HELD, VERSION, VERSION + age_ms * 1_000_000, grace_ms=200) is expired


def test_released_lease_needs_no_expiry() -> None:
    assert not has_expired(Head(), VERSION, VERSION + 10**12, grace_ms=200)


@pytest.mark.parametrize(
    "cast, tally",
    [
        ((), Tally.OPEN),
        (("m1>m1",), Tally.OPEN),
        (("m1>m1", "m2>m1"), Tally.WON),
        (("m1>m1", "m2>m2"), Tally.OPEN),
        (("m1>m1", "m2>m2", "m3>m3"), Tally.SPLIT),
        (("m1>m2", "m2>m2"), Tally.OPEN),
    ],
)
def test_tally_for_the_first_manager(cast: tuple[str, ...], tally: Tally) -> None:
    assert count_votes("m1", THREE, VERSION, votes(*cast)).tally is tally


def test_favourite_is_who_leads_the_count() -> None:
    assert count_votes("m3", THREE, VERSION, votes("m1>m2", "m2>m2")).favourite == "m2"


def test_favourite_of_a_tie_is_the_lowest_id() -> None:
    assert count_votes("m3", THREE, VERSION, votes("m2>m2", "m1>m1")).favourite == "m1"


def test_favourite_without_votes_is_oneself() -> None:
    assert count_votes("m3", THREE, VERSION, ()).favourite == "m3"


def test_own_vote_is_known() -> None:
    assert count_votes("m1", THREE, VERSION, votes("m1>m2")).voted
    assert not count_votes("m3", THREE, VERSION, votes("m1>m2")).voted


def test_stale_votes_are_spent_but_do_not_count() -> None:
    stale = votes("m1>m1", "m2>m1", version=VERSION - 1)
    count = count_votes("m1", THREE, VERSION, stale)
    assert (count.tally, count.voted) == (Tally.SPLIT, True)


def test_votes_of_strangers_do_not_count() -> None:
    assert count_votes("m1", THREE, VERSION, votes("m1>m1", "m9>m1")).tally is Tally.OPEN


@pytest.mark.parametrize("managers, majority", [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_majority_is_more_than_half(managers: int, majority: int) -> None:
    assert Voters(managers=tuple(f"m{n}" for n in range(managers))).majority == majority


@pytest.mark.parametrize("cast, unrivalled", [((), True), (("m1>m1",), True), (("m1>m1", "m2>m2"), False), (("m1>m2",), False)])
def test_candidate_is_unrivalled_until_somebody_else_has_a_vote(cast: tuple[str, ...], unrivalled: bool) -> None:
    assert count_votes("m1", THREE, VERSION, votes(*cast)).unrivalled is unrivalled
