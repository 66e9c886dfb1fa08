"""The trigger that tells which document was created, and nothing more."""

from document_trigger import CREATED, on_document_created


@on_document_created("meshes/{mesh}/inbox/{request}", concurrency=4)
def noticed(path: str, created: str) -> None:
    SEEN.append((path, created))


SEEN: list[tuple[str, str]] = []


def test_the_handler_gets_path_and_time_of_the_event() -> None:
    noticed({"document": "meshes/m1/inbox/r1", "time": "2026-01-01T00:00:00Z", "data": b"unread"})
    assert SEEN == [("meshes/m1/inbox/r1", "2026-01-01T00:00:00Z")]


def test_the_endpoint_is_what_deployment_expects_of_a_firestore_trigger() -> None:
    endpoint = noticed.__firebase_endpoint__  # type: ignore[attr-defined]
    assert endpoint.entryPoint == "noticed"
    assert endpoint.concurrency == 4
    assert endpoint.eventTrigger == {
        "eventType": CREATED,
        "retry": True,
        "eventFilters": {"database": "(default)", "namespace": "(default)"},
        "eventFilterPathPatterns": {"document": "meshes/{mesh}/inbox/{request}"},
    }
