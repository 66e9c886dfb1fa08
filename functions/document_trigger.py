"""A Firestore trigger that brings no Firestore with it.

The decorator of `firebase_functions.firestore_fn` does what this one does, but loads the client SDK whenever main.py is
loaded, and opens a connection for each event to build a snapshot from it. Our functions read for themselves what is
true now; all they need of an event is which document it was about.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

from firebase_functions.options import FirestoreOptions
from firebase_functions.private.path_pattern import PathPattern

CREATED = "google.cloud.firestore.document.v1.created"

Handler = Callable[[str, str], None]


def on_document_created(document: str, **options: Any) -> Callable[[Handler], Callable[[Any], None]]:
    """Call a function with the path of each document created under a pattern, and the time of that (RFC 3339).

    At least once, in no order; an event whose handler raises is sent again, for a day.
    """
    settings = FirestoreOptions(document=document, **options)

    def decorate(handler: Handler) -> Callable[[Any], None]:
        @functools.wraps(handler)
        def handle(event: Any) -> None:
            handler(event["document"], event["time"])

        endpoint = settings._endpoint(event_type=CREATED, func_name=handler.__name__, document_pattern=PathPattern(document))
        assert endpoint.eventTrigger is not None
        trigger = endpoint.eventTrigger.copy()
        trigger["retry"] = True
        handle.__firebase_endpoint__ = dataclasses.replace(endpoint, eventTrigger=trigger)  # type: ignore[attr-defined]
        return handle

    return decorate
