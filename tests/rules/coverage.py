"""Which expressions of the rules the tests have seen evaluated, and seen both true and false, by the emulator's count."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ONE_SIDED_FOR_A_REASON = {"false": "the literal that denies everything else"}
"""Conditions that can take one value alone, and why."""


@dataclass(frozen=True)
class Expression:
    """One expression of the rules: whether it was evaluated at all, and what it was if it is a condition.

    An error during evaluation counts as neither true nor false.
    """

    line: int
    text: str
    evaluated: bool
    truths: frozenset[bool]

    @property
    def one_sided(self) -> bool:
        """A condition that has had one of its two values alone, without a stated reason."""
        return len(self.truths) == 1 and self.text not in ONE_SIDED_FOR_A_REASON


def expressions(report: Mapping[str, Any], rules: str) -> Iterator[Expression]:
    """Every expression of the emulator's whole report."""
    for node in report.get("report", []):
        yield from _below(node, rules.encode())


def summary(found: list[Expression]) -> dict[str, int]:
    """The three figures of the gate."""
    return {
        "expressions": len(found),
        "unevaluated": sum(not each.evaluated for each in found),
        "one_sided": sum(each.one_sided for each in found),
    }


def gaps(found: list[Expression]) -> list[str]:
    """What the tests have not seen, each with its line."""
    unevaluated = [f"firestore.rules:{each.line}: never evaluated: {each.text[:100]}" for each in found if not each.evaluated]
    one_sided = [
        f"firestore.rules:{each.line}: only ever {next(iter(each.truths))}: {each.text[:100]}"
        for each in found
        if each.one_sided
    ]
    return unevaluated + one_sided


def _below(node: Mapping[str, Any], rules: bytes) -> Iterator[Expression]:
    """Offsets count bytes; the end is included."""
    position = node["sourcePosition"]
    source = rules[position["currentOffset"] : position["endOffset"] + 1].decode()
    values = [each["value"] for each in node.get("values", []) if each["value"]]
    truths = frozenset(value["boolValue"] for value in values if "boolValue" in value)
    yield Expression(position["line"], " ".join(source.split()), bool(values), truths)
    for child in node.get("children", []):
        yield from _below(child, rules)
