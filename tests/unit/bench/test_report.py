"""Out of the sections of a run comes one object, which says what it does not say."""

import json

import pytest

from firemesh.errors import InvariantViolation
from firemesh_cli.bench.report import Run, combined
from firemesh_cli.bench.section import Section


def section(**more: object) -> Section:
    return Section(title="t", about="a", columns=("ms",), rows={"row": (1.5,)}, **more)  # type: ignore[arg-type]


def test_headlines_are_put_together() -> None:
    found = {
        "operations": section(headline={"billed": {"GET /keys": {"reads": 6}}}),
        "mesh": section(headline={"billed": {"renew": {"reads": 1}}, "command_to_view_ratio": 1.2}),
    }
    assert combined(found) == {
        "billed": {"GET /keys": {"reads": 6}, "renew": {"reads": 1}},
        "command_to_view_ratio": 1.2,
    }


@pytest.mark.parametrize("headline", [{"ratio": 1}, {"billed": {"renew": {}}}])
def test_two_sections_may_not_say_the_same(headline: dict[str, object]) -> None:
    with pytest.raises(InvariantViolation, match="'b' says once more"):
        combined({"a": section(headline=headline), "b": section(headline=headline)})


def test_what_was_not_run_failed_or_could_not_be_judged_is_named() -> None:
    run = Run({"a": section(missed=("row",)), "b": section(not_judged=("row",))}, {"c": "no emulator"})
    said = run.as_json({"a": 0, "b": 0, "c": 0, "d": 0})
    assert (said["not_run"], said["failed"]) == (["d"], {"c": "no emulator"})
    assert (said["missed"], said["not_judged"]) == (["a: row"], ["b: row"])
    assert said["sections"]["a"]["rows"] == {"row": {"ms": 1.5}}
    assert "null" not in json.dumps(said)


@pytest.mark.parametrize(
    "run",
    [Run({"a": section(missed=("row",))}), Run({"a": section(not_judged=("row",))}), Run({}, {"a": "no emulator"})],
)
def test_a_run_is_good_only_when_every_goal_is_known_to_be_reached(run: Run) -> None:
    assert not run.good
    assert Run({"a": section()}).good
