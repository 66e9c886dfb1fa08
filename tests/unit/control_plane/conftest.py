"""Fixtures of the control plane's tests."""

from collections.abc import Iterator

import pytest

from tests.support.api import LOOP, Api


@pytest.fixture
def api() -> Iterator[Api]:
    """A REST interface of one's own."""
    api = Api()
    yield api
    LOOP.run(api.store.close())
