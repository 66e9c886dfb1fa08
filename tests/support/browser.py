"""Real tabs of a real Chromium, driven through tests/browser/driver.mjs."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from firemesh_cli.stack import checks, locate

ROOT = Path(__file__).resolve().parents[2]
DRIVER = ROOT / "tests" / "browser" / "driver.mjs"
PATIENCE_SECONDS = 120.0
END_SECONDS_MAX = 60.0
POLL_SECONDS = 0.05
TEXT = "return document.body.innerText"


def chromium() -> str:
    """The browser of this machine; `make test` brings one where it can."""
    found = locate.find_chromium()
    assert found, f"no browser on this machine: {checks.CHROMIUM_MEND}"
    return str(found)


@dataclass(frozen=True)
class Answer:
    """What a server has answered, of a stream all there was of it."""

    url: str
    text: str


class Browser:
    """A browser with fresh profiles; the tabs of one share what it keeps, and a network."""

    def __enter__(self) -> Self:
        self._asked = 0
        self._driver = subprocess.Popen(
            ["node", str(DRIVER)],
            cwd=ROOT,
            env={**os.environ, "CHROMIUM": chromium()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._driver.stdin is not None
        assert self._driver.stdout is not None
        self._driver.stdin.close()
        try:
            self._driver.wait(END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._driver.kill()
            self._driver.wait()
        self._driver.stdout.close()

    def open(self, tab: str, url: str, *, profile: str = "", first: str = "") -> "Tab":
        """A new tab at an address; the script `first` runs in it before anything of the page does."""
        self.do(tab=tab, do="open", url=url, profile=profile, first=first)
        return Tab(self, tab)

    def offline(self, yes: bool, *, profile: str = "") -> None:
        """Cut a profile's tabs off from the network, or let them back."""
        self.do(do="offline", yes=yes, profile=profile)

    def spoil(self, path: str, script: str, *, profile: str = "") -> None:
        """Let a script run before each program that a profile's tabs load from an address with this in it, workers included."""
        self.do(do="spoil", profile=profile, path=path, script=script)

    def keep(self, *, profile: str = "") -> None:
        """Keep from now on all that the network brings to a profile's tabs."""
        self.do(do="keep", profile=profile)

    def kept(self, *, profile: str = "") -> list[Answer]:
        """What has been kept so far, answers that are not complete yet included."""
        return [Answer(**each) for each in self.do(do="kept", profile=profile)]

    def end(self) -> None:
        """Close all tabs and forget all profiles."""
        self.do(do="end")

    def do(self, **wanted: Any) -> Any:
        """Have the driver do something; its answer. One that a test has given up waiting for is passed over."""
        assert self._driver.stdin is not None
        assert self._driver.stdout is not None
        self._asked += 1
        self._driver.stdin.write(json.dumps({"number": self._asked, **wanted}) + "\n")
        self._driver.stdin.flush()
        while (answer := json.loads(self._driver.stdout.readline()))["number"] < self._asked:
            pass
        assert "error" not in answer, answer["error"]
        return answer["value"]


class Tab:
    """One tab."""

    def __init__(self, browser: Browser, name: str) -> None:
        self._browser = browser
        self._name = name

    def run(self, script: str) -> Any:
        """The value of an async function's body in the page."""
        return self._browser.do(tab=self._name, do="run", script=script)

    def until(self, script: str, holds: Callable[[Any], bool] = bool) -> Any:
        """Look again and again until what the script gives is so."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds(found := self.run(script)):
            assert time.monotonic() < deadline, f"{script} still gives {found!r} in:\n{self.run(TEXT)}"
            time.sleep(POLL_SECONDS)
        return found

    def reload(self) -> None:
        """Load the page anew, as the user may at any time."""
        self._browser.do(tab=self._name, do="reload")

    def close(self) -> None:
        """Close the tab."""
        self._browser.do(tab=self._name, do="close")
