"""People play in real tabs, by the page alone, in games that functions host."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

import pytest

from firemesh_cli.stack.supervisor import LocalStack
from tests.support.browser import Browser, Tab

NAMES = ("Ada", "Ben", "Cid", "Dot", "Eve")
DURATIONS_MS = {"reveal": 500, "night": 30_000, "dawn": 500, "discussion": 1_500, "ballot": 30_000, "dusk": 500}
SETUP = {"seats": 5, "seed": 3, "durations_ms": {"lobby": 120_000, **DURATIONS_MS}, "night_floor_ms": 0}
GAME_SECONDS_MAX = 100.0

SIT = """
    const field = document.querySelector("#name");
    field.value = {name};
    field.form.requestSubmit();
"""
SEATED = "return [...document.querySelectorAll('.seat .name')].map((each) => each.textContent)"
TITLE = "return document.querySelector('#phase')?.textContent ?? ''"
# Whoever may choose and has not, chooses the first name: by night and at the vote alike.
CHOOSE = """
    const choices = [...document.querySelectorAll("button.choice")];
    if (!choices.some((choice) => choice.getAttribute("aria-pressed") === "true")) choices[0]?.click();
    return document.querySelector("#phase")?.textContent ?? "";
"""
CONNECTED = "return document.querySelector('.is-connected') !== null"
ALERT = "return (document.querySelector('[role=alert]')?.textContent ?? '')"
# Whether there was a button that begins so; if there was, it has been touched.
CLICK = """
    const button = [...document.querySelectorAll("button")].find((each) => each.textContent.startsWith("{text}"));
    button?.click();
    return button !== undefined;
"""
PROGRAMS = "return document.querySelectorAll('.seats .is-program').length"
STORY = "return document.querySelector('.timeline')?.innerText ?? ''"
CARDS = "return [...document.querySelectorAll('.cards .role')].map((each) => each.textContent.trim()).sort()"


@pytest.fixture
def browser() -> Iterator[Browser]:
    with Browser() as started:
        yield started


def firemesh(stack: LocalStack, *arguments: str) -> str:
    """What a command of the command line prints, on the credentials of this machine."""
    command = [sys.executable, "-m", "firemesh_cli", *arguments]
    environment = {**os.environ, **stack.environment()}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def sit(tab: Tab, name: str) -> None:
    """Sit down under a name, as soon as there is a field for it, and wait to be seen at the table."""
    tab.until("return document.querySelector('#name') !== null")
    tab.run(SIT.replace("{name}", json.dumps(name)))
    tab.until(f"{SEATED}.includes({json.dumps(name)}) || document.querySelector('#phase')?.textContent === 'The deal'")


def play(tabs: Sequence[Tab]) -> None:
    """Let everybody choose whenever there is something to choose, until the game is over for all."""
    deadline = time.monotonic() + GAME_SECONDS_MAX
    while not all(title.endswith(("wins", "win")) for title in [tab.run(CHOOSE) for tab in tabs]):
        assert time.monotonic() < deadline, [tab.run(TITLE) for tab in tabs]


def test_five_people_with_links_to_their_seats_play_a_whole_game_and_are_told_the_same_story(
    functions_stack: LocalStack, browser: Browser
) -> None:
    firemesh(functions_stack, "mesh", "create", "by-link", "--hosting", "functions", "--setup", json.dumps(SETUP))
    key = firemesh(functions_stack, "key", "create", "--role", "worker", "--mesh", "by-link")
    tabs = []
    for name in NAMES:
        tab = browser.open(name, f"{functions_stack.site_url}/#/seat/by-link/{name.lower()}/{key}", profile=name)
        assert key not in tab.run("return location.href"), "the key of a seat stays out of sight"
        sit(tab, name)
        tabs.append(tab)
    play(tabs)
    stories = {tab.run(STORY) for tab in tabs}
    assert len(stories) == 1
    assert "Night 1" in stories.pop()
    assert [tab.run(CARDS) for tab in tabs] == [["Detective", "Doctor", "Mafioso", "Villager", "Villager"]] * 5


def test_a_person_opens_a_game_with_programs_and_plays_one_to_its_end(functions_stack: LocalStack, browser: Browser) -> None:
    ada = browser.open("ada with programs", functions_stack.site_url, profile="alone")
    ada.until("return document.querySelector('#programs') !== null")
    ada.run(
        f"document.querySelector('#seats').value = 6; document.querySelector('#programs').value = 5; {SIT}".replace(
            "{name}", '"Ada"'
        )
    )
    ada.until(TITLE, lambda title: title == "The deal")
    assert ada.run(PROGRAMS) == 5

    brief = {**DURATIONS_MS, "lobby": 120_000, "night": 4_000, "ballot": 4_000}
    setup = {**SETUP, "durations_ms": brief, "programs": 4}
    firemesh(functions_stack, "mesh", "create", "programs", "--hosting", "functions", "--setup", json.dumps(setup))
    key = firemesh(functions_stack, "key", "create", "--role", "worker", "--mesh", "programs")
    tab = browser.open("ada", f"{functions_stack.site_url}/#/seat/programs/ada/{key}", profile="alone")
    sit(tab, "Ada")
    play([tab])
    assert "Night 1" in tab.run(STORY)


def test_guests_open_a_game_come_by_its_link_watch_reload_go_and_come_back_change_tabs_and_leave(
    functions_stack: LocalStack, browser: Browser
) -> None:
    ada = browser.open("ada", functions_stack.site_url, profile="ada")
    ada.until("return document.querySelector('#seats') !== null")
    sit(ada, "Ada")
    link = ada.run("return document.querySelector('input.link').value")
    ben = browser.open("ben", link, profile="ben")
    sit(ben, "Ben")
    ada.until(SEATED, lambda names: names == ["Ada", "Ben"])
    watcher = browser.open("eve", link.replace("/game/", "/watch/"), profile="eve")
    watcher.until(SEATED, lambda names: names == ["Ada", "Ben"])
    ben.reload()
    ben.until(SEATED, lambda names: names == ["Ada", "Ben"])

    ada.run("document.querySelector('.brand a').click()")
    ada.until(CLICK.replace("{text}", "Back to"))
    ada.until(SEATED, lambda names: names == ["Ada", "Ben"])
    ada.until(CONNECTED)

    other = browser.open("ben again", link, profile="ben")
    other.until(f"{ALERT}.includes('another tab')")
    other.until(CLICK.replace("{text}", "Play here"))
    other.until(CONNECTED)
    ben.until(f"{ALERT} !== ''")
    other.until(CLICK.replace("{text}", "Give up my seat"))
    ada.until(SEATED, lambda names: names == ["Ada"])
