"""Log lines: one JSON object each, and whose request it was."""

import contextvars
import json
import logging
import sys
from typing import Any

import pytest

from firemesh.structured_log import JsonLines, enter_request

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def line(message: str = "told", level: int = logging.INFO, **attributes: Any) -> dict[str, Any]:
    record = logging.LogRecord("firemesh.test", level, __file__, 1, message, None, attributes.pop("exc_info", None))
    vars(record).update(attributes)
    found: dict[str, Any] = json.loads(JsonLines("demo").format(record))
    return found


def line_within(offered_id: str = "r-1", traceparent: str = "") -> dict[str, Any]:
    def work() -> dict[str, Any]:
        enter_request(offered_id, traceparent)
        return line()

    return contextvars.Context().run(work)


def test_a_line_has_its_severity_its_message_and_its_fields() -> None:
    told = contextvars.Context().run(line, "who asks", logging.WARNING, fields={"who": "k1"})
    assert told == {"severity": "WARNING", "message": "who asks", "who": "k1"}


def test_a_line_of_a_request_carries_its_id_and_its_trace() -> None:
    told = line_within(traceparent=f"00-{TRACE}-{SPAN}-01")
    assert told == {
        "severity": "INFO",
        "message": "told",
        "request_id": "r-1",
        "logging.googleapis.com/trace": f"projects/demo/traces/{TRACE}",
        "logging.googleapis.com/spanId": SPAN,
        "logging.googleapis.com/trace_sampled": True,
    }


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "nonsense",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01\n",
    ],
)
def test_a_malformed_trace_is_none(traceparent: str) -> None:
    assert line_within(traceparent=traceparent).keys() == {"severity", "message", "request_id"}


@pytest.mark.parametrize("offered", ["", "no good", "x" * 65, "a\nb", "é"])
def test_an_id_that_does_not_fit_is_replaced(offered: str) -> None:
    assert line_within(offered)["request_id"] != offered


def test_flags_beside_the_sampled_one_do_not_matter() -> None:
    assert line_within(traceparent=f"00-{TRACE}-{SPAN}-02")["logging.googleapis.com/trace_sampled"] is False


def test_a_traceback_stands_in_the_message() -> None:
    try:
        raise ValueError("why")
    except ValueError:
        told = line("failed", logging.ERROR, exc_info=sys.exc_info())
    assert told["message"].startswith("failed\nTraceback")
    assert "ValueError: why" in told["message"]
