"""What a demo's report fails to prove."""

from collections.abc import Mapping
from typing import Any

from firemesh.core.invariants import INVARIANTS
from firemesh_cli.demo.options import DRAIN_SECONDS_MAX, DemoOptions, Managers

SEATED = 2
"""Commands of a page that plays: its join, its seat."""

_MAY_BE_VACUOUS = {"I3"}
"""Nobody takes over from a leader that nothing befalls; and a takeover may have been seen too late to tell its moment."""


def problems(report: Mapping[str, Any], options: DemoOptions) -> list[str]:
    """What the report fails to prove; empty when all holds."""
    found = []
    if not report["winner"]:
        found.append("the game has no winner")
    found += _command_problems(report, options)
    unchecked = set(INVARIANTS) - set(report["invariants"]["checked"]) - _MAY_BE_VACUOUS
    if unchecked:
        found.append(f"nothing was there to check {', '.join(sorted(unchecked))}")
    found += [f"{violation['invariant']}: {violation['detail']}" for violation in report["invariants"]["violations"]]
    if not report["replay_equal"]:
        found.append("replaying the log does not give the stored views")
    found += [f"the page of {agent} has not even sat down" for agent, sent in report["pages"].items() if sent < SEATED]
    return found + _strike_problems(report, options)


def _command_problems(report: Mapping[str, Any], options: DemoOptions) -> list[str]:
    """Every command sent must have been ordered once. A pause makes a dead man of the leader, whose commands may be refused."""
    found, commands = [], report["commands"]
    if commands["committed"] == 0:
        found.append("no command was committed")
    if commands["lost"] or commands["duplicated"]:
        found.append(f"{commands['lost']} commands lost, {commands['duplicated']} duplicated")
    if commands["waiting"]:
        found.append(f"{commands['waiting']} commands still wait in the inbox")
    refused = commands["refused"] - report["people"]["left_behind"]
    if refused and not options.pause:
        found.append(f"{refused} commands refused")
    known = commands["committed"] + commands["refused"] + commands["waiting"] + commands["lost"]
    if known != commands["sent"]:
        found.append(f"{commands['sent'] - known} commands sent are not accounted for")
    if not report["inbox_drained"]:
        found.append(f"the inbox was not empty {DRAIN_SECONDS_MAX:.0f} s after the end of the game")
    return found


def _strike_problems(report: Mapping[str, Any], options: DemoOptions) -> list[str]:
    if options.hosting is Managers.MIXED:
        return _mixed_problems(report["mixed"])
    if not options.strikes_in():
        return []
    suffered = report["pause"] if options.pause else report["kill"]
    if suffered is None:
        return [f"the game ended before the leader could be struck in a {options.strikes_in()}"]
    found = []
    if suffered["first_commit_seconds"] is None:
        found.append("no command was committed in a new term after the strike")
    if options.pause and not suffered["takeover_in_time"]:
        found.append(f"the takeover from the paused leader took {suffered['takeover_seconds']} s")
    return found


def _mixed_problems(mixed: Mapping[str, Any] | None) -> list[str]:
    if mixed is None:
        return ["the game ended before the managers could be killed in a ballot"]
    found = []
    if mixed["first_commit_seconds"] is None:
        found.append("no command was committed after the managers were killed")
    if mixed["taken_back_seconds"] is None:
        found.append("the manager that was started again did not take the mesh back")
    return found
