"""People play in real tabs, by the page alone, in games that functions host."""

import json
import time
from collections.abc import Callable, Sequence

from firemesh_cli.stack.supervisor import LocalStack
from tests.support.browser import Browser, Tab
from tests.support.command_line import firemesh
from tests.support.player_page import (
    ALERT,
    CARDS,
    CHOOSE,
    CHOOSE_BY_NIGHT,
    CHOSEN,
    CONNECTED,
    CORNER,
    SEATED,
    STORY,
    TITLE,
    WAITING,
    at_table,
    clicked,
    sit,
)

NAMES = ("Ada", "Ben", "Cid", "Dot", "Eve")
DURATIONS_MS = {"reveal": 500, "night": 300_000, "dawn": 500, "discussion": 1_500, "ballot": 300_000, "dusk": 500}
"""Nights and ballots end when everybody has chosen."""
SETUP = {"seats": 5, "seed": 3, "durations_ms": {"lobby": 120_000, **DURATIONS_MS}, "night_floor_ms": 0}
GAME_SECONDS_MAX = 300.0
PROGRAMS = "return [document.querySelector('#phase')?.textContent, document.querySelectorAll('.is-program').length]"
MAY_CHOOSE = "return document.querySelector('button.choice') !== null"
IS_CAST = "return document.querySelector('button.choice[aria-pressed=true] .mark')?.textContent === '✓'"


def is_vote(title: str) -> bool:
    return title == "The vote"


def is_over(title: str) -> bool:
    return title.endswith(("wins", "win"))


def play(tabs: Sequence[Tab], choose: str, holds: Callable[[str], bool]) -> None:
    """Let everybody choose, as the script says, whenever there is something to choose, until the title is so for all."""
    deadline = time.monotonic() + GAME_SECONDS_MAX
    while waiting := [tab for tab in tabs if not holds(tab.run(TITLE))]:
        assert time.monotonic() < deadline, [tab.run(TITLE) for tab in tabs]
        for tab in waiting:
            tab.run(choose)


def test_five_people_with_links_to_their_seats_play_a_whole_game_one_reloads_in_mid_ballot_and_all_are_told_the_same_story(
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
    play(tabs, CHOOSE_BY_NIGHT, is_vote)
    voter = next(tab for tab in tabs if tab.run(MAY_CHOOSE))
    late = browser.open("late", f"{functions_stack.site_url}/#/seat/by-link/fay/{key}", profile="Fay")
    late.until(f"{CORNER}.includes('had begun when you came')")
    chosen = voter.until(CHOOSE + CHOSEN)
    voter.until(IS_CAST)
    voter.reload()
    voter.until(CHOSEN, lambda name: name == chosen)
    play(tabs, CHOOSE, is_over)
    late.until(TITLE, is_over)
    stories = {tab.run(STORY) for tab in (*tabs, late)}
    assert len(stories) == 1
    assert "Night 1" in stories.pop()
    assert [tab.run(CARDS) for tab in tabs] == [["Detective", "Doctor", "Mafioso", "Villager", "Villager"]] * 5
    ada = tabs[0]
    browser.offline(True, profile="Ada")
    ada.until(WAITING)
    assert "Night 1" in ada.run(STORY), "what has been seen stays"


def test_a_person_opens_a_game_with_programs_and_plays_one_to_its_end(functions_stack: LocalStack, browser: Browser) -> None:
    ada = browser.open("ada with programs", functions_stack.site_url, profile="alone")
    ada.until("return document.querySelector('#programs') !== null")
    ada.run("document.querySelector('#seats').value = 6; document.querySelector('#programs').value = 5")
    sit(ada, "Ada")
    ada.until(PROGRAMS, lambda found: found in (["The deal", 5], ["Night 1", 5]))

    brief = {**DURATIONS_MS, "lobby": 120_000, "night": 4_000, "ballot": 4_000}
    setup = {**SETUP, "durations_ms": brief, "programs": 4}
    firemesh(functions_stack, "mesh", "create", "programs", "--hosting", "functions", "--setup", json.dumps(setup))
    key = firemesh(functions_stack, "key", "create", "--role", "worker", "--mesh", "programs")
    tab = browser.open("ada", f"{functions_stack.site_url}/#/seat/programs/ada/{key}", profile="alone")
    sit(tab, "Ada")
    play([tab], CHOOSE, is_over)
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
    ada.until(SEATED, at_table("Ada", "Ben"))
    watcher = browser.open("eve", link.replace("/game/", "/watch/"), profile="eve")
    watcher.until(SEATED, at_table("Ada", "Ben"))
    ben.reload()
    ben.until(SEATED, at_table("Ada", "Ben"))

    ada.run("document.querySelector('.brand a').click()")
    ada.until(clicked("Back to"))
    ada.until(SEATED, at_table("Ada", "Ben"))
    ada.until(CONNECTED)

    other = browser.open("ben again", link, profile="ben")
    other.until(f"{ALERT}.includes('another tab')")
    other.until(clicked("Play here"))
    other.until(CONNECTED)
    ben.until(f"{ALERT} !== ''")
    other.until(clicked("Give up my seat"))
    ada.until(SEATED, at_table("Ada"))
