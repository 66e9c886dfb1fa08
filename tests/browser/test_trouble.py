"""What the page says when a link leads nowhere, the browser keeps nothing, or the network is gone; and the way on."""

from firemesh_cli.stack.supervisor import LocalStack
from tests.support.browser import Browser
from tests.support.player_page import ALERT, CONNECTED, HAS_NAME_FIELD, SEATED, WAITING, at_table, clicked, fill, sit

HOME = "return document.querySelector('#seats') !== null"
GO = "location.hash = '{to}'"
LINK = "return document.querySelector('input.link').value"
REFUSES = "Object.defineProperty(self, 'indexedDB', { get() { throw new DOMException('refused', 'SecurityError'); } });"


def test_a_link_to_no_game_says_so_to_who_watches_and_to_who_wants_a_seat(
    functions_stack: LocalStack, browser: Browser
) -> None:
    tab = browser.open("one", f"{functions_stack.site_url}/#/watch/nowhere")
    tab.until(f"{ALERT}.includes('There is no game with this code')")
    tab.run(GO.replace("{to}", "#/game/nowhere"))
    tab.until(HAS_NAME_FIELD)
    fill(tab, "#name", "Ada")
    tab.until(f"{ALERT}.includes('There is no game with that code')")
    assert tab.run("return document.querySelector('#name').value") == "Ada"


def test_who_plays_in_a_browser_that_refuses_storage_is_warned_once(functions_stack: LocalStack, browser: Browser) -> None:
    browser.spoil("/assets/worker-", REFUSES)
    tab = browser.open("one", functions_stack.site_url)
    tab.until(HOME)
    sit(tab, "Ada")
    tab.until(f"{ALERT}.includes('This browser keeps nothing')")
    tab.until(clicked("Understood"))
    tab.until(f"{ALERT} === ''")


def test_without_a_network_every_stage_says_so_and_goes_on_when_it_is_back(
    functions_stack: LocalStack, browser: Browser
) -> None:
    ada = browser.open("ada", functions_stack.site_url, profile="ada")
    ada.until(HOME)
    browser.offline(True, profile="ada")
    fill(ada, "#name", "Ada")
    ada.until(f"{ALERT}.includes('No answer. Check your connection')")
    browser.offline(False, profile="ada")
    sit(ada, "Ada")
    ada.until(CONNECTED)

    ben = browser.open("ben", ada.run(LINK), profile="ben")
    ben.until(HAS_NAME_FIELD)
    browser.offline(True, profile="ben")
    fill(ben, "#name", "Ben")
    ben.until(f"{ALERT}.includes('No answer. Check your connection')")

    browser.offline(True, profile="ada")
    ada.until(WAITING, lambda text: "No answer from the game" in text)
    browser.offline(False, profile="ben")
    sit(ben, "Ben")

    ada.run("document.querySelector('.brand a').click()")
    ada.until(clicked("Back to"))
    ada.until(WAITING)
    browser.offline(False, profile="ada")
    ada.until(SEATED, at_table("Ada", "Ben"))
    ada.until(CONNECTED)
    ben.until(SEATED, at_table("Ada", "Ben"))
