"""What the client of the REST interface refuses before it asks anybody."""

import pytest

from firemesh.errors import InvalidParameters, StoreUnavailable
from firemesh_cli.api_client import ApiClient


def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIREMESH_API_KEY", raising=False)
    with pytest.raises(InvalidParameters, match="FIREMESH_API_KEY"):
        ApiClient("http://127.0.0.1:1")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "127.0.0.1:80", ""])
def test_only_an_http_address_is_called(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("FIREMESH_API_KEY", "k")
    with pytest.raises(InvalidParameters, match="no http or https address"):
        ApiClient(url)


def test_nobody_there_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREMESH_API_KEY", "k")
    with pytest.raises(StoreUnavailable, match=r"no answer from http://127\.0\.0\.1:1"):
        ApiClient("http://127.0.0.1:1/").call("GET", "/meshes")
