"""The roster: one living incarnation per agent, managers vote, what is gone is remembered within limits."""

import pytest

from firemesh.core import membership
from firemesh.core.membership import EMPTY_ROSTER, MemberStatus, Roster, ended, ends_a_voter, joined
from firemesh.core.messages import mesh_command
from tests.support.scripted import incarnation, join


def roster_of(*joins: object) -> Roster:
    roster = EMPTY_ROSTER
    for index, each in enumerate(joins, 1):
        roster = joined(roster, each, index)  # type: ignore[arg-type]
    return roster


def test_manager_becomes_a_voter_and_a_worker_does_not() -> None:
    roster = roster_of(join("w"), join("m2", "manager"), join("m1", "manager"))
    assert roster.voters.managers == ("m1", "m2")
    assert roster.voters.version == 2


def test_manager_that_restarts_stays_the_same_voter() -> None:
    roster = roster_of(join("m1", "manager"))
    again = joined(roster, join("m1", "manager", run=1, replaces=[incarnation("m1")]), 2)
    assert again.voters == roster.voters


def test_manager_that_comes_back_as_a_worker_is_no_voter_any_more() -> None:
    roster = roster_of(join("m1", "manager"), join("m2", "manager"), join("m1", run=1, replaces=[incarnation("m1")]))
    assert roster.voters.managers == ("m2",)
    assert roster.voters.version == 3


@pytest.mark.parametrize("status", [MemberStatus.DEAD, MemberStatus.LEFT])
def test_voter_that_ends_votes_no_more(status: MemberStatus) -> None:
    roster = ended(roster_of(join("m1", "manager")), "m1", "", status, 2)
    assert roster.voters.managers == ()
    assert roster.members["m1"].status is status
    assert roster.members["m1"].since == 2


def test_ending_another_incarnation_changes_nothing() -> None:
    roster = roster_of(join("w", run=1))
    assert ended(roster, "w", incarnation("w"), MemberStatus.DEAD, 2) is roster


def test_ending_who_has_ended_changes_nothing() -> None:
    roster = ended(roster_of(join("w")), "w", "", MemberStatus.LEFT, 2)
    assert ended(roster, "w", "", MemberStatus.DEAD, 3) is roster


def test_ending_a_stranger_changes_nothing() -> None:
    assert ended(EMPTY_ROSTER, "w", "", MemberStatus.DEAD, 1) is EMPTY_ROSTER


def test_living_members_are_listed_by_id() -> None:
    roster = ended(roster_of(join("c"), join("b"), join("a")), "b", "", MemberStatus.LEFT, 4)
    assert [member.agent for member in roster.living()] == ["a", "c"]


def test_past_incarnations_are_remembered_up_to_the_limit() -> None:
    roster = EMPTY_ROSTER
    for run in range(membership.PAST_INCARNATIONS_MAX + 5):
        roster = ended(joined(roster, join("w", run=run), run), "w", "", MemberStatus.LEFT, run)
    assert len(roster.members["w"].past) == membership.PAST_INCARNATIONS_MAX


def test_longest_gone_member_makes_room() -> None:
    roster = roster_of(join("stays"))
    for number in range(membership.ROSTER_MAX):
        roster = ended(joined(roster, join(f"w{number}"), number + 2), f"w{number}", "", MemberStatus.LEFT, number + 2)
    assert len(roster.members) == membership.ROSTER_MAX
    assert "stays" in roster.members
    assert "w0" not in roster.members


def test_roster_survives_its_encoding() -> None:
    roster = ended(roster_of(join("w"), join("m1", "manager")), "w", "", MemberStatus.DEAD, 3)
    assert membership.decode_roster(membership.encode_roster(roster)) == roster


@pytest.mark.parametrize(
    "kind, agent, ends",
    [
        ("mesh.member_dead", "m1", True),
        ("mesh.remove_agent", "m1", True),
        ("mesh.member_dead", "w", False),
        ("mesh.deadline", "m1", False),
    ],
)
def test_command_that_ends_a_voter_is_known(kind: str, agent: str, ends: bool) -> None:
    roster = roster_of(join("w"), join("m1", "manager"))
    assert ends_a_voter(roster, mesh_command(kind, {"agent": agent})) is ends
