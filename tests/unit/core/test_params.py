"""Timing is validated against itself, with both values named."""

from typing import Any

import pytest

from firemesh.core.params import PROFILES, Params
from firemesh.errors import InvalidParameters


@pytest.mark.parametrize(
    "wrong, told",
    [
        ({"ttl_ms": 5302}, "ttl_ms=5302 leaves no time for two tries of rpc_timeout_ms=1500 after renew_ms=2000"),
        ({"rpc_timeout_ms": 1501}, "rpc_timeout_ms=1501 must be at most 0.75 x renew_ms=2000"),
        ({"grace_ms": -1}, "grace_ms=-1"),
        ({"agents_max": 0}, "agents_max=0"),
        ({"agents_max": 31}, "agents_max=31"),
        ({"snapshot_every": 0}, "snapshot_every=0"),
        ({"sends_max": 0}, "sends_max"),
        ({"polls_max": 0}, "polls_max"),
        ({"retry_ms": 0}, "retry_ms=0"),
        ({"poll_ms": 0}, "poll_ms=0"),
        ({"renew_ms": 0, "rpc_timeout_ms": 0}, "renew_ms=0"),
        ({"rpc_timeout_ms": 0}, "rpc_timeout_ms=0"),
        ({"keep_entries": -1}, "keep_entries=-1"),
        ({"append_interval_ms": -1}, "append_interval_ms=-1"),
        ({"standbys_listen": 2}, "standbys_listen=2 must be 0 or 1"),
    ],
)
def test_contradiction_is_refused_and_named(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidParameters, match=told):
        Params(**wrong)


@pytest.mark.parametrize("params", PROFILES.values(), ids=PROFILES.keys())
def test_leader_stops_believing_before_the_lease_ends_and_after_a_renewal_has_failed_once(params: Params) -> None:
    assert params.renew_ms + 2 * params.rpc_timeout_ms <= params.lease_ms < params.ttl_ms
