"""A row that costs more than the table allows is named, and so is one that the table does not know."""

from firemesh_cli.bench.budget import over_budget

COLUMNS = ("reads", "writes", "deletes")


def test_a_row_within_its_budget_is_not_named_and_a_dearer_one_is() -> None:
    rows = {"vote": (0, 1, 0), "renew": (2, 2, 0)}
    assert over_budget("mesh-operations", COLUMNS, rows) == ("renew",)


def test_a_row_without_a_budget_is_named() -> None:
    assert over_budget("mesh-operations", COLUMNS, {"something new": (0, 0, 0)}) == ("something new",)
