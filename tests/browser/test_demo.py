"""The demo as a mesh of functions and browsers alone, with a person who takes over a scripted seat in the middle of it."""

import asyncio
import queue
import threading
from typing import Any

from firemesh_cli.demo.billing import metered
from firemesh_cli.demo.options import DemoOptions, Kill, Managers
from firemesh_cli.demo.picture import Picture
from firemesh_cli.demo.run import run_demo
from firemesh_cli.demo.verdict import problems
from firemesh_cli.stack.supervisor import LocalStack
from tests.support.browser import Browser

GAME = DemoOptions(seats=7, kill=Kill.NONE, hosting=Managers.FUNCTIONS, serverless=True, keep=True, speed=1.4)
START_SECONDS_MAX = 300.0
TAKE_OVER = """
    const offer = [...document.querySelectorAll("button")].find((each) => each.textContent.startsWith("Play as "));
    offer?.click();
    return offer?.textContent.slice("Play as ".length) ?? "";
"""
# Whose seat the page plays, while the game is on and when it is over.
SEATED = """
    const isHere = document.querySelector(".is-connected") !== null;
    const name = document.querySelector("#you-title .count") ?? document.querySelector(".seat:has(.is-you) .name");
    return isHere ? (name?.textContent ?? "") : "";
"""


def take_over(page: str, begun: threading.Event) -> str:
    """Watch the game, take the first seat that is offered, and be there; whose it was."""
    with Browser() as browser:
        tab = browser.open("person", page)
        assert begun.wait(START_SECONDS_MAX)
        name = tab.until(TAKE_OVER)
        tab.until(SEATED, lambda seat: seat.startswith(name))
        tab.close()
    return str(name)


async def play(stack: LocalStack) -> tuple[Any, str]:
    """The report of a whole demo, and the name of the player whose seat a person took."""
    pages: queue.SimpleQueue[str] = queue.SimpleQueue()
    begun = threading.Event()

    def show(picture: Picture) -> None:
        for page in picture.addresses[:1]:
            pages.put(page)
        if picture.public.get("phase", "lobby") != "lobby":
            begun.set()

    def person() -> str:
        return take_over(pages.get(timeout=START_SECONDS_MAX), begun)

    with metered(stack) as meter_host:
        return await asyncio.gather(run_demo(GAME, stack, meter_host, show), asyncio.to_thread(person))


async def test_functions_and_browsers_play_a_whole_game_and_a_scripted_player_yields_its_seat_to_a_person(
    functions_stack: LocalStack,
) -> None:
    report, name = await play(functions_stack)
    assert problems(report, GAME) == []
    assert name in report["roles"]
    assert report["processes"]["managers"] == 0
    assert len(report["pages"]) == 4
    assert len(report["people"]["seats"]) == 1
    assert report["people"]["committed"] > 0
