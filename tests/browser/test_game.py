"""A person in a real tab at a table of scripted players, in a mesh of manager processes, when things go wrong."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from firemesh.runtime.scripted_behaviour import scripted_behaviour
from firemesh_cli.demo import evidence
from firemesh_cli.stack.supervisor import LocalStack
from tests.integration.crew import STEADY, Crew
from tests.support import wire_secrecy
from tests.support.browser import Browser, Tab
from tests.support.command_line import firemesh
from tests.support.player_page import CHOOSE, CHOOSE_BY_NIGHT, CHOSEN, CONNECTED, TITLE, WAITING, fill, sit

SEED = 2
"""Deals Ada the mafioso's card: nobody kills her in the first night, and everything else is secret from her."""
PERSON = "ada"
NAME = "Zoe"
"""None of the programs' names."""
PROGRAMS = ("p1", "p2", "p3", "p4")
PACE = 0.04
DURATIONS_MS = {"lobby": 300_000, "reveal": 500, "night": 300_000, "dawn": 500, "ballot": 300_000, "dusk": 500}
"""Nights and ballots end when everybody has chosen."""
OFFLINE_SECONDS = 20.0
GAME_SECONDS_MAX = 300.0
# What the page says besides the game from now on, and for how long at most the store, or the browser itself, has stood still.
WATCH = """
    window.said = new Set();
    window.stillMs = 0;
    const ask = async () => {
      window.askedAt = performance.now();
      await fetch("http://{store}/", { mode: "no-cors", cache: "no-store" }).catch(() => undefined);
      window.stillMs = Math.max(stillMs, performance.now() - askedAt);
      setTimeout(ask, 100);
    };
    void ask();
    const besides = () => [...document.querySelectorAll(".banners, .connection")].map((each) => each.innerText.trim());
    const look = () => said.add(besides().join(" ").trim());
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
    look();
"""
SAID = "return [[...said], Math.max(stillMs, performance.now() - askedAt)]"
MAY_SAY = {"Connected", "Reconnecting No answer from the game. Trying again; what you choose is kept and sent once it is back."}
"""Where the store itself stands still, as on a busy machine, the page says so rightly. Of who leads it never says a word."""
STILL_MS = 1000
HAS_WILL = "return document.querySelector('#will') !== null"
WILL_STATE = "return document.querySelector('#will-state')?.textContent ?? ''"


def setup(discussion_ms: int) -> dict[str, Any]:
    durations = {**DURATIONS_MS, "discussion": discussion_ms}
    return {"seats": 5, "seed": SEED, "durations_ms": durations, "night_floor_ms": 0}


async def in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
    """What a tab is asked blocks; the mesh goes on meanwhile."""
    return await asyncio.to_thread(work, *arguments)


async def seat(stack: LocalStack, browser: Browser, crew: Crew) -> Tab:
    """Let the programs sit down, and the person by the link to her seat."""
    process = await crew.process("programs")
    for number, agent in enumerate(PROGRAMS):
        behaviour = scripted_behaviour("mafia", agent, seed=SEED, number=number, pace=PACE)
        await process.add_worker(agent, behaviour)
    key = await in_thread(firemesh, stack, "key", "create", "--role", "worker", "--mesh", crew.mesh_id)
    tab: Tab = await in_thread(browser.open, PERSON, f"{stack.site_url}/#/seat/{crew.mesh_id}/{PERSON}/{key}")
    await in_thread(sit, tab, NAME)
    return tab


async def choose_until(tab: Tab, choose: str, holds: Callable[[str], bool]) -> None:
    """Choose, as the script says, whenever there is something to choose, until the title is so."""
    deadline = time.monotonic() + GAME_SECONDS_MAX
    while not holds(title := await in_thread(tab.run, TITLE)):
        assert time.monotonic() < deadline, title
        await in_thread(tab.run, choose)


def is_vote(title: str) -> bool:
    return title == "The vote"


def says_nothing_besides(heard: tuple[list[str], float]) -> bool:
    said, still_ms = heard
    return set(said) <= (MAY_SAY if still_ms > STILL_MS else {"Connected"})


async def test_the_leader_is_killed_in_mid_ballot_and_the_page_shows_nothing_but_the_game_and_has_read_no_secret(
    functions_stack: LocalStack, browser: Browser, tmp_path: Path
) -> None:
    host, project = functions_stack.firestore_host, functions_stack.project
    async with Crew.aboard(host, tmp_path, machine="mafia", setup=setup(1500), project=project) as crew:
        await crew.managers()
        browser.keep()
        tab = await seat(functions_stack, browser, crew)
        await choose_until(tab, CHOOSE_BY_NIGHT, is_vote)
        await in_thread(tab.run, WATCH.replace("{store}", host))
        term = crew.observer.head.term
        await crew.members[f"p{crew.leader}"].kill()
        await in_thread(tab.run, CHOOSE)
        await in_thread(tab.until, CHOSEN)
        await in_thread(tab.until, TITLE, lambda title: not is_vote(title))
        assert says_nothing_besides(await in_thread(tab.run, SAID))
        await choose_until(tab, CHOOSE, lambda title: title.endswith(("wins", "win")))
        assert says_nothing_besides(await in_thread(tab.run, SAID))

        kept = await in_thread(browser.kept)
        stored = await evidence.read_settled(crew.store, crew.documents)
        [ballot, *_] = commands(stored, "mafia.ballot")
        assert ballot > term, "no vote of hers was ordered before the leader died"
        known = wire_secrecy.Truth(crew.machine, crew.setup, stored, PERSON)
        assert wire_secrecy.leaks(known, kept) == []
        for planted in wire_secrecy.planted(kept):
            assert wire_secrecy.leaks(known, planted) != []


async def test_what_is_written_in_20_s_without_a_network_is_kept_and_sent_once_when_it_is_back(
    functions_stack: LocalStack, browser: Browser, tmp_path: Path
) -> None:
    host, project = functions_stack.firestore_host, functions_stack.project
    async with Crew.aboard(host, tmp_path, machine="mafia", setup=setup(900_000), project=project, params=STEADY) as crew:
        await (await crew.process("managers")).add_manager("m1")
        tab = await seat(functions_stack, browser, crew)
        await choose_until(tab, CHOOSE_BY_NIGHT, lambda title: title == "Day 1")
        first = await crew.until_stored(f"agents/{PERSON}", lambda row: row["status"] == "alive")
        browser.offline(True)
        back_at = time.monotonic() + OFFLINE_SECONDS
        await in_thread(tab.until, WAITING, lambda text: "is kept and sent once it is back" in text)
        await in_thread(fill, tab, "#will", "It was Ben.")
        await in_thread(tab.until, WILL_STATE, lambda text: text == "Saving")
        await crew.until_stored(f"agents/{PERSON}", lambda row: row["status"] == "dead")
        await asyncio.sleep(back_at - time.monotonic())
        browser.offline(False)
        await in_thread(tab.until, WILL_STATE, lambda text: text.startswith("Saved"))
        await in_thread(tab.until, CONNECTED)
        back = await crew.until_stored(f"agents/{PERSON}", lambda row: row["status"] == "alive")
        assert back["inc"] != first["inc"]
        stored = await evidence.read_settled(crew.store, crew.documents)
        assert len(commands(stored, "mafia.will")) == 1


def commands(stored: evidence.Stored, kind: str) -> list[int]:
    """The terms in which the person's commands of a kind were ordered."""
    return [
        entry.term for entry in stored.entries for command in entry.batch if (command.agent_id, command.kind) == (PERSON, kind)
    ]
