"""What one check has found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check: what it has seen, in a few words, and what stands in the way of a deployment."""

    name: str
    seen: str
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Nothing stands in the way."""
        return not self.problems
