"""One Chromium for all tests here: starting it takes longer than most of what is tested."""

from collections.abc import Iterator

import pytest

from tests.support.browser import Browser


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, started for the first test that asks."""
    with Browser() as started:
        yield started


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The browser with no tab and no profile yet; what a test opens ends with it."""
    yield chromium
    chromium.end()
