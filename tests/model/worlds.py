"""The worlds the explorer exhausts, and the broken protocols it must find out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from firemesh.core import campaigning, election, leading, sessions
from firemesh.core.effects import Proposal, ProposalKind
from firemesh.core.membership import CLOSE, TRANSFER
from firemesh.core.messages import Head, mesh_command
from firemesh.core.params import Params
from tests.model.explorer import PARAMS, Bounds, Precondition
from tests.support.model_store import ModelStore

SHORT_LOG = Params(
    ttl_ms=1500, renew_ms=500, grace_ms=200, rpc_timeout_ms=375, sends_max=2, polls_max=1, snapshot_every=2, keep_entries=1
)
LOOKING = replace(PARAMS, standbys_listen=0)

WORLDS: Mapping[str, Bounds] = {
    "two managers, two terms, two commands, late renewals": Bounds(takeovers=3),
    "three managers and their votes": Bounds(managers=3, takeovers=2, commands=1),
    "a crash, a release, a deserted mesh": Bounds(renewals=0, takeovers=2, commands=1, crashes=1, releases=1, deserted=True),
    "reads that are slow or fail": Bounds(renewals=0, takeovers=2, commands=1, slow_reads=True),
    "three managers, reads that are slow or fail": Bounds(
        managers=3, renewals=0, terms=1, takeovers=2, commands=1, slow_reads=True
    ),
    "two runs of the shared manager and nobody else": Bounds(managers=0, shared=2, terms=1, takeovers=1, renewals=0, crashes=1),
    "a manager and two runs of the shared one": Bounds(
        managers=1, shared=2, renewals=0, takeovers=2, commands=1, deserted=True
    ),
    "the shared manager is asked to hand over": Bounds(
        managers=1, shared=1, renewals=0, takeovers=2, commands=1, releases=1, deserted=True
    ),
    "word that a run has ended, true or false": Bounds(hints=2, renewals=0, takeovers=3, commands=1),
    "a crash, and word of an end": Bounds(hints=1, crashes=1, renewals=0, takeovers=2, commands=1),
    "standbys that only look, and word of an end": Bounds(hints=1, renewals=0, takeovers=2, commands=1, params=LOOKING),
    "a program under two managers": Bounds(moves=2, renewals=0, takeovers=2, commands=1),
    "a program under two runs of the shared manager": Bounds(
        managers=0, shared=2, moves=2, terms=1, takeovers=1, renewals=0, commands=1, crashes=1
    ),
    "snapshots and compaction": Bounds(renewals=0, takeovers=2, params=SHORT_LOG),
    "standbys that only look": Bounds(takeovers=3, params=LOOKING),
    "an order to close": Bounds(renewals=0, takeovers=2, commands=1, orders=(mesh_command(CLOSE, {}),)),
    "an order to close, and reads that are slow or fail": Bounds(
        renewals=0, takeovers=2, commands=0, orders=(mesh_command(CLOSE, {}),), slow_reads=True
    ),
    "an order to hand over": Bounds(renewals=0, takeovers=2, commands=1, orders=(mesh_command(TRANSFER, {"to": "m2"}),)),
}
"""Each is small enough to be searched to its end, and large enough for one thing to go wrong in every order."""

WORLD_WITHOUT_TAIL = Bounds(renewals=0, terms=1, takeovers=1, slow_reads=True, params=SHORT_LOG)
"""To be searched with a head that carries one entry only."""


@dataclass(frozen=True)
class Mutant:
    """A protocol with one guard taken away: of the store's preconditions, or of the core."""

    caught_by: str
    bounds: Bounds = field(default_factory=Bounds)
    accepts: Precondition = ModelStore.accepts
    patch: Callable[[pytest.MonkeyPatch], None] = lambda _: None

    @property
    def sound(self) -> bool:
        return self.accepts is ModelStore.accepts


def _blind(kind: ProposalKind) -> Precondition:
    """No precondition on the head for one kind of commit."""
    return lambda store, proposal: store.lacks(proposal.entry) if proposal.kind is kind else store.accepts(proposal)


def _blind_to_the_deposed(store: ModelStore, proposal: Proposal) -> bool:
    """No precondition on the head for a takeover from a run that is said to have ended."""
    return store.lacks(proposal.entry) if proposal.head.deposed_inc else store.accepts(proposal)


def _fenced_by(field: str) -> Precondition:
    """The head's leader, or its term, in place of its version; takeovers are left sound."""

    def accepts(store: ModelStore, proposal: Proposal) -> bool:
        if proposal.kind is ProposalKind.TAKEOVER:
            return store.accepts(proposal)
        return getattr(store.head, field) == getattr(proposal.head, field) and store.lacks(proposal.entry)

    return accepts


def _without_sessions(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sessions, "is_duplicate", lambda *_: False)
    patch.setattr(sessions._Admitting, "_judge_next", lambda *_: sessions.ORDER)


def _takes_any_head_for_its_own(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(leading, "is_mine", lambda *_: True)


def _votes_without_expiry(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(campaigning, "_patience_ms", lambda *_: 0)


def _sends_what_is_new_when_in_doubt(patch: pytest.MonkeyPatch) -> None:
    """A commit of unknown outcome is given up, not found out about."""

    def undecided(turn: Any, pending: Any, refused: bool) -> None:
        leading.landed(turn, pending, pending.proposal.base_version, 0)

    patch.setattr(leading, "undecided", undecided)


def _takes_word_of_any_run_for_the_leaders(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(election, "is_orphaned", lambda head, ended: bool(ended) and not head.released)


def _leads_what_is_closed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Head, "closed", False)


MUTANTS: Mapping[str, Mutant] = {
    "blind renew": Mutant("I2", accepts=_blind(ProposalKind.RENEW)),
    "blind takeover": Mutant("I2", accepts=_blind(ProposalKind.TAKEOVER)),
    "leader-only fence": Mutant("I2", accepts=_fenced_by("leader")),
    "term-only fence": Mutant("I2", accepts=_fenced_by("term")),
    "no sessions": Mutant("I7", patch=_without_sessions),
    "no nonce resolution: every head is mine": Mutant("I4", patch=_takes_any_head_for_its_own),
    "no nonce resolution: unheard is landed": Mutant("I4", patch=_sends_what_is_new_when_in_doubt),
    "vote without expiry": Mutant("I3", patch=_votes_without_expiry),
    "word of an end, of whomever": Mutant(
        "I3", WORLDS["a crash, and word of an end"], patch=_takes_word_of_any_run_for_the_leaders
    ),
    "blind takeover on word of an end": Mutant("I2", Bounds(hints=1, takeovers=2, commands=1), accepts=_blind_to_the_deposed),
    "leadership after the end": Mutant("I4", WORLDS["an order to close"], patch=_leads_what_is_closed),
}
