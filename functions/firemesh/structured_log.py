"""Log lines as Cloud Logging takes them apart: one JSON object each, with the request it belongs to.

Which request that is travels with the context: a line that is written anywhere on behalf of a request carries its id and,
when the caller sent a W3C `traceparent`, its trace.
"""

import json
import logging
import re
import secrets
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})", re.ASCII)
_SAMPLED = 0x01


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What every line about one request carries. The trace is empty when the caller follows none."""

    request_id: str
    trace_id: str = ""
    span_id: str = ""
    is_sampled: bool = False

    def fields(self, project: str) -> Mapping[str, Any]:
        """The fields by which Cloud Logging groups the lines of a request."""
        found: dict[str, Any] = {"request_id": self.request_id}
        if self.trace_id:
            found["logging.googleapis.com/trace"] = f"projects/{project}/traces/{self.trace_id}"
            found["logging.googleapis.com/spanId"] = self.span_id
            found["logging.googleapis.com/trace_sampled"] = self.is_sampled
        return found


_context: ContextVar[RequestContext | None] = ContextVar("request", default=None)


def enter_request(offered_id: str, traceparent: str) -> RequestContext:
    """Let all that follows in this context belong to one request.

    Its id is what the caller offers when that fits, else a new one; a malformed `traceparent` counts as none.
    """
    request_id = offered_id if _REQUEST_ID.fullmatch(offered_id) else secrets.token_hex(8)
    context = RequestContext(request_id)
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is not None:
        context = RequestContext(request_id, match[1], match[2], bool(int(match[3], 16) & _SAMPLED))
    _context.set(context)
    return context


class JsonLines(logging.Formatter):
    """A record as one JSON object: severity, message, what came as `extra={"fields": ...}`, and whose request it is."""

    def __init__(self, project: str) -> None:
        super().__init__()
        self._project = project

    def format(self, record: logging.LogRecord) -> str:
        """The line. A traceback stands in the message, where error reporting looks for it."""
        context = _context.get()
        fields = {
            "severity": record.levelname,
            "message": super().format(record),
            **getattr(record, "fields", {}),
            **({} if context is None else context.fields(self._project)),
        }
        return json.dumps(fields)


def log_to_stdout(project: str) -> None:
    """Write all lines of Firemesh to the standard output, which is where a function's log is read from."""
    logger = logging.getLogger("firemesh")
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(JsonLines(project))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
