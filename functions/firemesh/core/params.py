"""The timing and limits of consensus, validated against each other."""

from dataclasses import dataclass

from firemesh.errors import InvalidParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """How long a lease lasts and what follows from it. All times in milliseconds.

    Raises:
        InvalidParameters: two values contradict each other.
    """

    ttl_ms: int = 6000
    renew_ms: int = 2000
    grace_ms: int = 500
    rpc_timeout_ms: int = 1500
    """How long one commit or read may take before its outcome counts as unknown."""
    retry_ms: int = 250
    """Pause before a failed read is tried again."""
    poll_ms: int = 150
    """Pause between two looks at the votes of a running election."""
    polls_max: int = 6
    """Looks at one election term before a candidate moves on to the next."""
    sends_max: int = 4
    """Times the identical commit is sent before a leader of unknown luck gives up its leadership."""
    append_interval_ms: int = 0
    """Least time between two commits that carry commands; raise it to save writes (a document takes about 1/s)."""
    standbys_listen: int = 1
    """1: standbys listen to the head and apply what is ordered, billed a read for each commit. 0: they look at the head when
    its lease would run out, for one read, hear of a hand-over only then, and read the log when they are to lead."""
    snapshot_every: int = 256
    keep_entries: int = 10_000
    """Log entries kept below the snapshot, so that a finished game can be replayed."""
    agents_max: int = 30
    """Workers that may live at once. Managers come on top (`membership.MANAGERS_MAX`)."""

    def __post_init__(self) -> None:
        rules = [
            *(
                (getattr(self, name) >= 1, f"{name}={getattr(self, name)} must be at least 1")
                for name in ("renew_ms", "rpc_timeout_ms", "retry_ms", "poll_ms", "polls_max", "sends_max", "snapshot_every")
            ),
            *(
                (getattr(self, name) >= 0, f"{name}={getattr(self, name)} must not be negative")
                for name in ("grace_ms", "append_interval_ms", "keep_entries")
            ),
            (
                self.lease_ms >= self.renew_ms + 2 * self.rpc_timeout_ms,
                f"ttl_ms={self.ttl_ms} leaves no time for two tries of rpc_timeout_ms={self.rpc_timeout_ms} after "
                f"renew_ms={self.renew_ms}",
            ),
            (
                self.rpc_timeout_ms <= 0.75 * self.renew_ms,
                f"rpc_timeout_ms={self.rpc_timeout_ms} must be at most 0.75 x renew_ms={self.renew_ms}",
            ),
            (self.standbys_listen in (0, 1), f"standbys_listen={self.standbys_listen} must be 0 or 1"),
            (1 <= self.agents_max <= 30, f"agents_max={self.agents_max} must be from 1 to 30"),
        ]
        for holds, problem in rules:
            if not holds:
                raise InvalidParameters(problem)

    @property
    def lease_ms(self) -> int:
        """How long after *sending* its last acknowledged commit a leader may believe in its lease.

        1 % for clocks that run at different rates and a quarter of a second (at most a tenth of the ttl) for the check
        itself.
        """
        return int(0.99 * self.ttl_ms) - min(250, self.ttl_ms // 10)

    @property
    def stagger_ms(self) -> int:
        """By how much, at the most, one manager's patience with a silent leader outlasts another's: the first finds the
        others' votes soon, and none of them has to be in step.
        """
        return min(self.renew_ms // 2, 1000)

    @property
    def solo_after_ms(self) -> int:
        """Silence after which one manager takes over without a majority: the others are not there to vote."""
        return 3 * self.ttl_ms


DEFAULT = Params()
FAST = Params(ttl_ms=3000, renew_ms=1000, rpc_timeout_ms=750)
TEST = Params(ttl_ms=1500, renew_ms=500, grace_ms=200, rpc_timeout_ms=375, retry_ms=100, poll_ms=60)
"""For emulators only: two head writes a second exceed what production Firestore sustains for one document."""

THRIFTY = Params(ttl_ms=30_000, renew_ms=15_000, standbys_listen=0, append_interval_ms=2000)
"""A third of the operations, for meshes that can wait half a minute for a new leader when a whole machine is gone."""

PROFILES = {"default": DEFAULT, "fast": FAST, "test": TEST, "thrifty": THRIFTY}
