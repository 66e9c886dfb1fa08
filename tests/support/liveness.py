"""A manager always has something to wait for: the rule that keeps it from standing still for ever."""

from collections.abc import Collection, Set
from typing import Any

from firemesh.core.effects import (
    CastVote,
    Commit,
    Effect,
    ManagerRole,
    ReadElection,
    ReadEntries,
    ReadHead,
    ReadSnapshot,
    Timer,
)
from firemesh.core.turn import Identity, ManagerState


def stuck(identity: Identity[Any], state: ManagerState[Any], armed: Set[Timer], calls: Collection[Effect]) -> list[str]:
    """Why this manager might never move again by itself, given its armed timers and its unanswered calls."""
    kinds = {type(call) for call in calls}
    rules = [
        (
            state.pending is None or Commit in kinds or ReadHead in kinds or Timer.RETRY in armed,
            "a commit is in flight and nothing will tell how it went",
        ),
        (not state.electing or bool(kinds & {ReadElection, CastVote}), "it waits for an election call that is not out"),
        (
            not state.fetching or bool(kinds & {ReadEntries, ReadSnapshot}),
            "it waits for entries that nobody is reading",
        ),
        (not state.pausing or Timer.APPEND in armed, "it pauses between appends and nothing ends the pause"),
    ]
    if state.role is ManagerRole.LEADER and identity.shared:
        rules.append((not armed & {Timer.LEASE, Timer.RENEW}, "a shared leader with a lease of its own"))
    elif state.role is ManagerRole.LEADER:
        rules += [
            (Timer.LEASE in armed, "a leader whose lease never ends"),
            (state.pending is not None or Timer.RENEW in armed, "a leader that will not renew"),
        ]
    elif state.version == 0:
        rules.append((ReadHead in kinds or Timer.RETRY in armed, "it does not know the head and is not asking for it"))
    elif state.pending is None and not state.head.closed:
        patient = Timer.CAMPAIGN in armed or bool(kinds & {ReadElection, CastVote})
        rules.append((patient, f"a {state.role.value} without patience: nothing will make it stand"))
    return [problem for holds, problem in rules if not holds]
