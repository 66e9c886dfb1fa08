import io

import pytest
from rich.console import Console

from firemesh_cli.demo.screen import demo_console, screen_for
from firemesh_cli.demo.screen_live import LiveScreen
from firemesh_cli.demo.screen_plain import PlainScreen


def terminal(term: str = "xterm", encoding: str = "utf-8") -> Console:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return Console(file=file, force_terminal=True, _environ={"TERM": term})


def test_a_terminal_gets_the_live_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert isinstance(screen_for(terminal()), LiveScreen)


@pytest.mark.parametrize("console", [Console(file=io.StringIO()), terminal("dumb"), terminal(encoding="latin-1")])
def test_what_cannot_draw_gets_plain_lines(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert isinstance(screen_for(console), PlainScreen)


def test_json_and_no_color_get_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert isinstance(screen_for(terminal(), as_json=True), PlainScreen)
    monkeypatch.setenv("NO_COLOR", "1")
    assert isinstance(screen_for(terminal()), PlainScreen)


def test_people_read_standard_error_when_standard_output_is_for_json() -> None:
    assert demo_console(as_json=True).stderr
    assert not demo_console(as_json=False).stderr
