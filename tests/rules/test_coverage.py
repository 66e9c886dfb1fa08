"""The gate behind the tests of the rules: together they have seen every expression, and every condition both ways."""

import json
import os
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from firemesh_cli.stack.supervisor import LocalStack
from tests.rules.coverage import expressions, gaps, summary

RULES = Path(__file__).resolve().parents[2] / "firestore.rules"


def node(text: str, rules: str, *values: bool) -> dict[str, Any]:
    """A node of the emulator's report."""
    start = rules.encode().index(text.encode())
    position = {"line": 1, "currentOffset": start, "endOffset": start + len(text.encode()) - 1}
    return {"sourcePosition": position, "values": [{"value": {"boolValue": value}} for value in values]}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((), ["firestore.rules:1: never evaluated: a == 'ü'"]),
        ((True,), ["firestore.rules:1: only ever True: a == 'ü'"]),
        ((False,), ["firestore.rules:1: only ever False: a == 'ü'"]),
        ((True, False), []),
    ],
)
def test_an_expression_that_was_seen_one_way_alone_is_told(values: tuple[bool, ...], said: list[str]) -> None:
    rules = "é if a == 'ü'"
    assert gaps(list(expressions({"report": [node("a == 'ü'", rules, *values)]}, rules))) == said


def test_what_lies_inside_an_expression_is_told_as_well() -> None:
    rules = "a && b"
    report = {"report": [{**node("a && b", rules, True, False), "children": [node("b", rules)]}]}
    assert summary(list(expressions(report, rules))) == {"expressions": 2, "unevaluated": 1, "one_sided": 0}


def test_the_literal_that_denies_the_rest_may_be_false_alone() -> None:
    assert gaps(list(expressions({"report": [node("false", "if false;", False)]}, "if false;"))) == []


def test_the_tests_of_this_folder_have_seen_every_expression_both_ways(local_stack: LocalStack) -> None:
    """Runs last (see conftest.py). Fails when the others have not run: it judges them."""
    url = f"http://{local_stack.firestore_host}/emulator/v1/projects/{local_stack.project}:ruleCoverage"
    with urllib.request.urlopen(url) as answer:
        found = list(expressions(json.load(answer), RULES.read_text()))
    if "RULES_COVERAGE" in os.environ:
        Path(os.environ["RULES_COVERAGE"]).write_text(json.dumps(summary(found)))
    assert len(found) > 100
    assert gaps(found) == []
