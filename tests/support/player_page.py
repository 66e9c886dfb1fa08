"""The players' page as somebody plays it: what they see, and what they touch. Scripts for `Tab.run` and `Tab.until`."""

import json
from collections.abc import Callable, Sequence

from tests.support.browser import Tab

SEATED = "return [...document.querySelectorAll('.seat .name')].map((each) => each.textContent)"
TITLE = "return document.querySelector('#phase')?.textContent ?? ''"
CONNECTED = "return document.querySelector('.is-connected') !== null"
ALERT = "return (document.querySelector('[role=alert]')?.textContent ?? '')"
WAITING = "return document.querySelector('.is-waiting')?.textContent ?? ''"
CORNER = "return (document.querySelector('.part-you')?.textContent ?? '')"
HAS_NAME_FIELD = "return document.querySelector('#name') !== null"
STORY = "return document.querySelector('.timeline')?.innerText ?? ''"
CARDS = "return [...document.querySelectorAll('.cards .role')].map((each) => each.textContent.trim()).sort()"
CHOSEN = "return document.querySelector('button.choice[aria-pressed=true] .name')?.textContent ?? ''"
# Whoever may choose and has not, chooses the first name: by night and at the vote alike.
CHOOSE = """
    const choices = [...document.querySelectorAll("button.choice")];
    if (!choices.some((choice) => choice.getAttribute("aria-pressed") === "true")) choices[0]?.click();
"""
CHOOSE_BY_NIGHT = f"if (document.querySelector('#phase')?.textContent.startsWith('Night')) {{ {CHOOSE} }}"
# Sits down by the field for a name, and again when told to try again. Whether the player is at the table, in any phase.
_SIT = """
    const name = {name};
    const field = document.querySelector("#name");
    const isToldToTryAgain = (document.querySelector("[role=alert]")?.textContent ?? "").includes("ry again");
    const isTime = window.satDownAt === undefined || (isToldToTryAgain && performance.now() - window.satDownAt > 2000);
    if (field !== null && isTime) {
      window.satDownAt = performance.now();
      field.value = name;
      field.form.requestSubmit();
    }
    return [...document.querySelectorAll(".seat .name, #you-title .count")].some((each) => each.textContent === name);
"""
_FILL = """
    const field = document.querySelector({field});
    field.value = {text};
    field.form.requestSubmit();
"""


def fill(tab: Tab, field: str, text: str) -> None:
    """Write into a field, by its selector, and send its form off."""
    tab.run(_FILL.replace("{field}", json.dumps(field)).replace("{text}", json.dumps(text)))


def clicked(text: str) -> str:
    """Touches the button that begins so, and says whether there was one."""
    return f"""
        const all = [...document.querySelectorAll("button")];
        const button = all.find((each) => each.textContent.trim().startsWith({json.dumps(text)}));
        button?.click();
        return button !== undefined;
    """


def at_table(*names: str) -> Callable[[Sequence[str]], bool]:
    """Whether these sit there. A lobby frees the seat of who is silent for long, so that the order may be another."""
    return lambda seated: sorted(seated) == sorted(names)


def sit(tab: Tab, name: str) -> None:
    """Sit down under a name, as soon as there is a field for it, and wait to be at the table."""
    tab.until(_SIT.replace("{name}", json.dumps(name)))
